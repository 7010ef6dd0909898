// SPDX-License-Identifier: Apache-2.0
// Apart from build_profile(), so that who needs no file and no ELF reader links none.
#include "model/loaded_trace.h"

#include <algorithm>
#include <array>
#include <utility>

#include "trace/bundle.h"
#include "trace/reader.h"

namespace flarestack {
namespace {

class BundleOfTrace : public BundledFiles {
 public:
  BundleOfTrace(const std::string& trace_path, std::vector<BundledFileRecord> files)
      : bundle_(trace_path, std::move(files)) {}
  Fd open(BundledKind kind, std::span<const uint8_t> id) const override { return bundle_.open(kind, id); }
  Fd open_source(const std::string& path) const override { return bundle_.open_source(path); }

 private:
  TraceBundle bundle_;
};

}  // namespace

struct LoadedTrace::State {
  std::shared_ptr<const Recording> recording;
  std::shared_ptr<const BundledFiles> bundle;              // null: nothing came with the trace
  std::array<std::unique_ptr<Symbolizer>, 2> symbolizers;  // without inlined functions, with them

  Symbolizer& symbolizer(bool inline_frames);
  SymbolAnswer answer(const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries,
                      bool inline_frames);
};

Symbolizer& LoadedTrace::State::symbolizer(bool inline_frames) {
  std::unique_ptr<Symbolizer>& wanted = symbolizers[inline_frames ? 1 : 0];
  if (!wanted) {
    std::vector<SymbolModule> modules;
    for (const Module& each : recording->modules) {
      modules.push_back({each.id, each.path, each.build_id, bundle.get()});
    }
    SymbolizerOptions options;
    options.cache_directory = default_cache_directory();
    options.inline_frames = inline_frames;
    wanted = std::make_unique<Symbolizer>(std::move(modules), options);
  }
  return *wanted;
}

SymbolAnswer LoadedTrace::State::answer(const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries,
                                        bool inline_frames) {
  Symbolizer& asked = symbolizer(inline_frames);
  SymbolAnswer answer;
  answer.frames = asked.resolve(queries);
  answer.modules = asked.modules();
  // Another profile may have asked about others.
  std::erase_if(answer.modules, [&](const ModuleSymbols& symbols) {
    return std::none_of(modules.begin(), modules.end(),
                        [&](const SymbolModule& module) { return module.id == symbols.id; });
  });
  return answer;
}

Result<LoadedTrace> LoadedTrace::open(const std::string& path) {
  auto reader = TraceReader::open(path);
  if (!reader) return reader.error();
  RecordingBuilder builder;
  while (const auto record = reader->next()) builder.add(*record);
  auto state = std::make_unique<State>();
  state->recording = std::make_shared<const Recording>(builder.finish(reader->damage()));
  if (!state->recording->bundled_files.empty())
    state->bundle = std::make_shared<BundleOfTrace>(path, state->recording->bundled_files);
  return LoadedTrace(std::move(state));
}

LoadedTrace::LoadedTrace(std::unique_ptr<State> state) : state_(std::move(state)) {}
LoadedTrace::LoadedTrace(LoadedTrace&&) noexcept = default;
LoadedTrace& LoadedTrace::operator=(LoadedTrace&&) noexcept = default;
LoadedTrace::~LoadedTrace() = default;

const Recording& LoadedTrace::recording() const { return *state_->recording; }

Metric LoadedTrace::default_metric() const {
  const SessionRecord& session = state_->recording->session;
  if (session.clock == ClockKind::kNone && session.heap != HeapMode::kNone) return Metric::kAllocated;
  return session.wall_clock ? Metric::kWall : Metric::kCpu;
}

Result<Profile> LoadedTrace::profile(const ProfileOptions& options) {
  Result<Profile> profile = build_profile(
      state_->recording, options, [&](const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries) {
        return state_->answer(modules, queries, options.inline_frames);
      });
  if (profile.ok()) profile->bundle = state_->bundle;
  return profile;
}

Result<Profile> load_profile(const std::string& path, const ProfileOptions& options) {
  Result<LoadedTrace> trace = LoadedTrace::open(path);
  return trace.ok() ? trace->profile(options) : trace.error();
}

}  // namespace flarestack
