// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbolizer.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "symbolizer/isolated_work.h"
#include "symbolizer/missing_debug_info.h"
#include "symbolizer/module_resolver.h"
#include "symbolizer/parallel.h"
#include "symbolizer/result_cache.h"

namespace flarestack {
namespace {

// One module's work of one resolve().
struct ModuleWork {
  std::vector<uint64_t> wanted;  // offsets
  std::vector<std::string> files;
  bool is_new = false;  // something was found that the cache does not have
  bool wants_remedy = false;
  std::string failure;  // what became of the child that read it
};

// What is known of one module so far: answers are kept, so that each location is resolved once.
struct KnownModule {
  SymbolModule module;
  bool asked = false;
  bool cache_read = false;
  bool unreadable = false;  // what is not known yet cannot be found out, so that nothing of it may go to the cache
  CachedModule known;
  ModuleWork work;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

void sort_unique(std::vector<uint64_t>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// What a child says of its module: whether a debug file is wanted, then a CachedModule whose witnesses are bare paths.
std::string encode(std::span<const uint8_t> build_id, ResolvedModule resolved) {
  CachedModule answer;
  answer.symbols = std::move(resolved.symbols);
  for (std::string& file : resolved.files) {
    answer.witnesses.emplace_back().path = std::move(file);
  }
  for (size_t i = 0; i < resolved.frames.size(); ++i) {
    answer.locations.add(resolved.addresses[i], resolved.frames[i]);
  }
  return (resolved.wants_debug_file ? '1' : '0') + encode_cached_module(build_id, answer);
}

// False: it makes no sense, and nothing was taken.
bool take_answer(KnownModule& module, std::string_view bytes) {
  std::optional<CachedModule> answer =
      bytes.empty()
          ? std::nullopt
          : decode_cached_module(module.module.build_id, std::vector<uint8_t>(bytes.begin() + 1, bytes.end()));
  if (!answer || !std::all_of(module.work.wanted.begin(), module.work.wanted.end(),
                              [&](uint64_t offset) { return answer->locations.contains(offset); })) {
    return false;
  }
  if (module.known.locations.size() == 0) {
    module.known.locations = std::move(answer->locations);
    module.known.payload = std::move(answer->payload);
  } else {
    module.known.locations.add_all(answer->locations);
  }
  ModuleSymbols& symbols = module.known.symbols;
  if (answer->witnesses.empty()) {
    module.unreadable = true;
    symbols.problem = std::move(answer->symbols.problem);
    return true;
  }
  // Of several rounds the best one counts: what it found is there.
  if (symbols.level != ModuleSymbols::Level::kLines &&
      (answer->symbols.level > symbols.level || symbols.problem.empty())) {
    symbols = std::move(answer->symbols);
    module.work.wants_remedy = bytes.front() == '1';
  }
  module.work.files.clear();
  for (CacheWitness& file : answer->witnesses) {
    module.work.files.push_back(std::move(file.path));
  }
  module.work.is_new = true;
  return true;
}

SymbolizerOptions with_threads(SymbolizerOptions options) {
  options.threads = options.threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : options.threads;
  return options;
}

WorkLimits work_limits() {
  WorkLimits limits;
  if (!environment("DEBUGINFOD_URLS").empty()) {
    limits.wall_time = std::chrono::minutes(15);  // for a large file over a slow line
  }
  return limits;
}

// The function that the linker knows, at the line of the instruction.
SymbolFrame without_inlining(std::span<const SymbolFrame> frames) {
  SymbolFrame frame = frames.back();
  frame.file = frames.front().file;
  frame.line = frames.front().line;
  return frame;
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
  explicit State(SymbolizerOptions chosen)
      : options(std::move(chosen)),
        cache(options.cache_directory),
        workers(options.threads, work_limits(), [this](std::string_view request) { return answer(request); }) {}

  SymbolizerOptions options;
  ResultCache cache;
  IsolatedWorkers workers;
  std::vector<KnownModule> modules;
  std::unordered_map<ModuleId, size_t> index;

  void read_cache(KnownModule& module) const;
  void resolve_wanted(std::span<KnownModule* const> wanting);
  void take_names(std::span<KnownModule* const> failed);
  std::vector<Result<std::string>> ask(std::span<KnownModule* const> wanting, SymbolDetail detail);
  std::string answer(std::string_view request) const;  // in a child
  void add_remedies();
  void write_cache(KnownModule& module) const;
};

void Symbolizer::State::read_cache(KnownModule& module) const {
  if (std::exchange(module.cache_read, true)) {
    return;
  }
  std::optional<CachedModule> cached = cache.load(module.module.build_id);
  // A debuginfod server may have by now what was missing then; its own client remembers what it has not.
  const bool may_be_better =
      cached && cached->symbols.level != ModuleSymbols::Level::kLines && !environment("DEBUGINFOD_URLS").empty();
  const bool is_bundled =
      cached && cached->symbols.level != ModuleSymbols::Level::kLines && module.module.bundle != nullptr;
  if (cached && !may_be_better && !is_bundled) {
    module.known = std::move(*cached);
  }
}

std::string Symbolizer::State::answer(std::string_view request) const {
  ByteReader reader({reinterpret_cast<const uint8_t*>(request.data()), request.size()});
  const KnownModule& module = modules[reader.uleb()];
  const SymbolDetail detail = reader.uleb() == 0 ? SymbolDetail::kEverything : SymbolDetail::kNamesOnly;
  std::vector<uint64_t> wanted;
  while (!reader.at_end()) {
    wanted.push_back(reader.uleb());
  }
  return encode(module.module.build_id, resolve_module(module.module, wanted, options, detail));
}

std::vector<Result<std::string>> Symbolizer::State::ask(std::span<KnownModule* const> wanting, SymbolDetail detail) {
  std::vector<std::string> requests;
  for (const KnownModule* module : wanting) {
    std::string& request = requests.emplace_back();
    put_uleb(request, uint64_t(module - modules.data()));
    put_uleb(request, uint64_t(detail));
    for (const uint64_t offset : module->work.wanted) {
      put_uleb(request, offset);
    }
  }
  return workers.run(requests);
}

void Symbolizer::State::resolve_wanted(std::span<KnownModule* const> wanting) {
  std::vector<KnownModule*> whole;
  std::vector<KnownModule*> failed;  // now or before: it would again
  for (KnownModule* module : wanting) {
    (module->work.failure.empty() ? whole : failed).push_back(module);
  }
  const std::vector<Result<std::string>> answers = ask(whole, SymbolDetail::kEverything);
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].ok() || !take_answer(*whole[i], *answers[i])) {
      whole[i]->work.failure = answers[i].ok() ? "failed" : answers[i].error().message;
      failed.push_back(whole[i]);
    }
  }
  take_names(failed);
}

// What broke the reader was most likely the debug information: a symbol table is a simple thing.
void Symbolizer::State::take_names(std::span<KnownModule* const> failed) {
  const std::vector<Result<std::string>> answers = ask(failed, SymbolDetail::kNamesOnly);
  for (size_t i = 0; i < answers.size(); ++i) {
    KnownModule& module = *failed[i];
    const bool has_names = answers[i].ok() && take_answer(module, *answers[i]) &&
                           module.known.symbols.level != ModuleSymbols::Level::kNone;
    for (const uint64_t offset : module.work.wanted) {
      const SymbolFrame frame = unresolved_frame(module.module.path, offset);
      module.known.locations.add(offset, {&frame, 1});
    }
    module.known.symbols.problem =
        fmt::format("{} has no {}, as reading them {}{}", module.module.path, has_names ? "lines" : "symbols",
                    module.work.failure, has_names ? "; its names are from the symbol table" : "");
    module.work.wants_remedy = false;
    module.unreadable = true;
  }
}

void Symbolizer::State::add_remedies() {
  std::vector<std::string> paths;
  std::vector<KnownModule*> wanting;
  for (KnownModule& module : modules) {
    if (std::exchange(module.work.wants_remedy, false)) {
      paths.push_back(module.module.path);
      wanting.push_back(&module);
    }
  }
  const std::vector<std::string> remedies = debug_info_remedies(paths);
  for (size_t i = 0; i < wanting.size(); ++i) {
    wanting[i]->known.symbols.remedy = remedies[i];
  }
}

void Symbolizer::State::write_cache(KnownModule& module) const {
  if (!std::exchange(module.work.is_new, false) || module.unreadable) {
    return;
  }
  module.known.witnesses.clear();
  for (std::string& file : module.work.files) {
    module.known.witnesses.push_back(CacheWitness::of(std::move(file)));
  }
  cache.store(module.module.build_id, module.known);
}

Symbolizer::Symbolizer(std::vector<SymbolModule> modules, SymbolizerOptions options)
    : state_(std::make_unique<State>(with_threads(std::move(options)))) {
  for (SymbolModule& module : modules) {
    state_->index.emplace(module.id, state_->modules.size());
    state_->modules.emplace_back().module = std::move(module);
  }
}

Symbolizer::~Symbolizer() = default;

std::vector<std::vector<SymbolFrame>> Symbolizer::resolve(std::span<const SymbolQuery> queries) {
  for (const SymbolQuery& query : queries) {
    if (auto found = state_->index.find(query.module); found != state_->index.end()) {
      KnownModule& module = state_->modules[found->second];
      module.asked = true;
      module.work.wanted.push_back(query.lookup.value);
    }
  }
  std::vector<KnownModule*> work;
  for (KnownModule& module : state_->modules) {
    if (!module.work.wanted.empty()) {
      work.push_back(&module);
    }
  }
  run_parallel(work.size(), state_->options.threads, [&](size_t i) {
    state_->read_cache(*work[i]);
    std::vector<uint64_t>& wanted = work[i]->work.wanted;
    std::erase_if(wanted, [&](uint64_t offset) { return work[i]->known.locations.contains(offset); });
    sort_unique(wanted);
  });
  std::erase_if(work, [](const KnownModule* module) { return module->work.wanted.empty(); });
  // The longest first, so that no process is left alone with it at the end.
  std::sort(work.begin(), work.end(), [](const KnownModule* left, const KnownModule* right) {
    return left->work.wanted.size() > right->work.wanted.size();
  });
  state_->resolve_wanted(work);
  for (KnownModule* module : work) {
    module->work.wanted.clear();
  }
  state_->add_remedies();
  run_parallel(work.size(), state_->options.threads, [&](size_t i) { state_->write_cache(*work[i]); });

  std::vector<std::vector<SymbolFrame>> result;
  result.reserve(queries.size());
  for (const SymbolQuery& query : queries) {
    auto found = state_->index.find(query.module);
    if (found == state_->index.end()) {
      result.push_back({unresolved_frame({}, query.lookup.value)});
      continue;
    }
    std::vector<SymbolFrame> frames = state_->modules[found->second].known.locations.find(query.lookup.value);
    if (!state_->options.inline_frames) {
      frames = {without_inlining(frames)};
    }
    result.push_back(std::move(frames));
  }
  return result;
}

std::vector<ModuleSymbols> Symbolizer::modules() const {
  std::vector<ModuleSymbols> result;
  for (const KnownModule& module : state_->modules) {
    if (module.asked) {
      result.push_back(module.known.symbols);
      result.back().id = module.module.id;
    }
  }
  return result;
}

}  // namespace flarestack
