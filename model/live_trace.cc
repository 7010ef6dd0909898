// SPDX-License-Identifier: Apache-2.0
#include "model/live_trace.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "trace/reader.h"

namespace flarestack {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kNamesShare = 10;

// Symbolizers know their modules from the start, so new ones make a new one: what the old one found is in the cache.
class GrowingSymbols {
 public:
  SymbolAnswer answer(const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries) {
    bool has_grown = symbolizer_ == nullptr;
    for (const SymbolModule& module : modules) {
      const bool is_known =
          std::any_of(modules_.begin(), modules_.end(), [&](const SymbolModule& each) { return each.id == module.id; });
      if (!is_known) modules_.push_back(module);
      has_grown = has_grown || !is_known;
    }
    if (has_grown) {
      SymbolizerOptions options;
      options.cache_directory = default_cache_directory();
      symbolizer_ = std::make_unique<Symbolizer>(modules_, options);
    }
    SymbolAnswer answer;
    answer.frames = symbolizer_->resolve(queries);
    answer.modules = symbolizer_->modules();
    return answer;
  }

 private:
  std::vector<SymbolModule> modules_;
  std::unique_ptr<Symbolizer> symbolizer_;
};

}  // namespace

struct LiveTrace::State {
  State(TraceReader opened, int64_t window_ns)
      : reader(std::move(opened)),
        profile([this](const auto& modules, auto queries) { return symbols.answer(modules, queries); }, window_ns) {}

  TraceReader reader;
  GrowingSymbols symbols;
  LiveProfile profile;
  Clock::time_point next_names;
};

Result<LiveTrace> LiveTrace::open(const std::string& path, int64_t window_ns) {
  Result<TraceReader> reader = TraceReader::open(path);
  if (!reader.ok()) return reader.error();
  reader->follow();
  return LiveTrace(std::make_unique<State>(std::move(*reader), window_ns));
}

LiveTrace::LiveTrace(std::unique_ptr<State> state) : state_(std::move(state)) {}
LiveTrace::LiveTrace(LiveTrace&&) noexcept = default;
LiveTrace& LiveTrace::operator=(LiveTrace&&) noexcept = default;
LiveTrace::~LiveTrace() = default;

void LiveTrace::read() {
  while (const auto record = state_->reader.next()) state_->profile.add(*record);
  const Clock::time_point before = Clock::now();
  if (before < state_->next_names && !ended()) {
    state_->profile.update(LiveProfile::Names::kWait);
    return;
  }
  state_->profile.update(LiveProfile::Names::kAsk);
  const Clock::time_point after = Clock::now();
  state_->next_names = after + kNamesShare * (after - before);
}

bool LiveTrace::ended() const { return state_->reader.damage().ended; }
LiveProfile& LiveTrace::profile() { return state_->profile; }

LiveView LiveTrace::view() const {
  LiveView view = state_->profile.view();
  view.ended = ended();
  view.damaged_chunks = state_->reader.damage().damaged_chunks;
  return view;
}

}  // namespace flarestack
