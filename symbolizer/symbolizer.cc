// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbolizer.h"

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <unordered_map>
#include <utility>

#include "symbolizer/module_resolver.h"
#include "symbolizer/parallel.h"

namespace flarestack {
namespace {

// What is known of one module so far: answers are kept, so that each location is resolved once.
struct KnownModule {
  SymbolModule module;
  bool asked = false;
  ModuleSymbols symbols;
  std::unordered_map<uint64_t, std::vector<SymbolFrame>> frames;
  std::vector<uint64_t> wanted;  // not in `frames` yet
};

void sort_unique(std::vector<uint64_t>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// The function that the linker knows, at the line of the instruction.
SymbolFrame without_inlining(std::span<const SymbolFrame> frames) {
  SymbolFrame frame = frames.back();
  frame.file = frames.front().file;
  frame.line = frames.front().line;
  return frame;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

std::string default_cache_directory() {
  if (std::string own = environment("FLARESTACK_CACHE_DIR"); !own.empty()) {
    return own;
  }
  if (std::string cache = environment("XDG_CACHE_HOME"); !cache.empty()) {
    return cache + "/flarestack";
  }
  const std::string home = environment("HOME");
  return home.empty() ? std::string() : home + "/.cache/flarestack";
}

struct Symbolizer::State {
  SymbolizerOptions options;
  std::vector<KnownModule> modules;
  std::unordered_map<ModuleId, size_t> index;
};

Symbolizer::Symbolizer(std::vector<SymbolModule> modules, SymbolizerOptions options)
    : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  if (state_->options.threads == 0) {
    state_->options.threads = std::max(1u, std::thread::hardware_concurrency());
  }
  for (SymbolModule& module : modules) {
    state_->index.emplace(module.id, state_->modules.size());
    state_->modules.emplace_back().module = std::move(module);
  }
}

Symbolizer::~Symbolizer() = default;

std::vector<std::vector<SymbolFrame>> Symbolizer::resolve(std::span<const SymbolQuery> queries) {
  for (const SymbolQuery& query : queries) {
    if (auto found = state_->index.find(query.module); found != state_->index.end()) {
      KnownModule& known = state_->modules[found->second];
      known.asked = true;
      if (!known.frames.contains(query.lookup.value)) {
        known.wanted.push_back(query.lookup.value);
      }
    }
  }

  std::vector<KnownModule*> work;
  for (KnownModule& known : state_->modules) {
    if (!known.wanted.empty()) {
      sort_unique(known.wanted);
      work.push_back(&known);
    }
  }
  // The longest first, so that no thread is left alone with it at the end.
  std::sort(work.begin(), work.end(), [](const KnownModule* left, const KnownModule* right) {
    return left->wanted.size() > right->wanted.size();
  });
  run_parallel(work.size(), state_->options.threads, [&](size_t i) {
    KnownModule& known = *work[i];
    ResolvedModule resolved = resolve_module(known.module, known.wanted, state_->options);
    known.symbols = std::move(resolved.symbols);
    for (size_t j = 0; j < known.wanted.size(); ++j) {
      known.frames.emplace(known.wanted[j], std::move(resolved.frames[j]));
    }
    known.wanted.clear();
  });

  std::vector<std::vector<SymbolFrame>> result;
  result.reserve(queries.size());
  for (const SymbolQuery& query : queries) {
    auto found = state_->index.find(query.module);
    if (found == state_->index.end()) {
      result.push_back({unresolved_frame({}, query.lookup.value)});
      continue;
    }
    const auto& frames = state_->modules[found->second].frames.find(query.lookup.value)->second;
    result.push_back(state_->options.inline_frames ? frames : std::vector<SymbolFrame>{without_inlining(frames)});
  }
  return result;
}

std::vector<ModuleSymbols> Symbolizer::modules() const {
  std::vector<ModuleSymbols> result;
  for (const KnownModule& known : state_->modules) {
    if (known.asked) {
      result.push_back(known.symbols);
    }
  }
  return result;
}

}  // namespace flarestack
