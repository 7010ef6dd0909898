// SPDX-License-Identifier: Apache-2.0
#include "model/quality.h"

#include <algorithm>
#include <unordered_map>

#include "model/profile.h"

namespace flarestack {
namespace {

// What a recorded stack's leaf frame says about where the time went: in the kernel, under a marker, or sampled.
void add_recorded_time(const Recording& recording, Quality& quality) {
  uint64_t signals = 0;
  uint64_t unreached_ns = 0;  // in the kernel, which signals cannot reach; rings can
  for (const RecordedSample& sample : recording.samples) {
    if (sample.metric != SampleMetric::kCpu) continue;
    quality.cpu_ns += sample.weight_ns;
    signals += sample.count;
    if (sample.stack >= recording.stacks.size()) continue;
    const uint32_t frame = recording.stacks[sample.stack].frame;
    if (frame >= recording.frames.size()) continue;
    const FrameKind kind = recording.frames[frame].kind;
    if (kind == FrameKind::kKernel) quality.kernel_ns += sample.weight_ns;
    if (kind == FrameKind::kKernel && sample.count == 0) unreached_ns += sample.weight_ns;
    if (kind == FrameKind::kMarker && sample.count == 0) quality.unsampled_ns += sample.weight_ns;
  }
  quality.samples = std::max(signals, recording.counter("samples"));
  const uint64_t user_ns = quality.cpu_ns - unreached_ns;
  if (user_ns != 0) quality.achieved_hz = static_cast<double>(signals) / (static_cast<double>(user_ns) / 1e9);
}

// No symbolizer of ours gives this name; other tools give it to code of known modules as well.
bool is_unknown_code(const Function& function) {
  return function.type == FrameType::kNative && function.name == "[unknown]";
}

std::vector<SymbolProblem> find_symbol_problems(const Profile& profile, const std::vector<ModuleSymbols>& modules,
                                                const std::unordered_map<std::string, uint64_t>& self_by_path) {
  std::vector<SymbolProblem> found;
  for (const ModuleSymbols& symbols : modules) {
    if (symbols.level >= ModuleSymbols::Level::kSymbolTable && symbols.problem.empty()) continue;
    const auto module = std::find_if(profile.recording.modules.begin(), profile.recording.modules.end(),
                                     [&symbols](const Module& each) { return each.id == symbols.id; });
    if (module == profile.recording.modules.end() || module->path == "[vdso]") continue;
    const auto self = self_by_path.find(module->path);
    found.push_back({module->path, symbols.level, symbols.problem.empty() ? "no symbol table" : symbols.problem,
                     symbols.remedy, self == self_by_path.end() ? 0 : self->second});
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.self > b.self; });
  return found;
}

std::string plural(uint64_t count, const std::string& singular) {
  return std::to_string(count) + " " + singular + (count == 1 ? "" : "s");
}

std::vector<std::string> describe_damage(const Recording& recording, uint64_t negative_sums) {
  const TraceDamage& damage = recording.damage;
  std::vector<std::string> sentences;
  if (!damage.ended) sentences.push_back("the trace was cut: the recorder stopped before it finished");
  if (damage.damaged_chunks != 0)
    sentences.push_back(plural(damage.damaged_chunks, "chunk") + " of the trace could not be read and was left out");
  if (damage.skipped_bytes != 0)
    sentences.push_back(plural(damage.skipped_bytes, "byte") + " of the trace belong to no readable chunk");
  if (damage.unknown_records != 0)
    sentences.push_back(plural(damage.unknown_records, "record") + " of a newer version of flarestack left out");
  if (recording.lost_definitions != 0)
    sentences.push_back(plural(recording.lost_definitions, "reference") + " to what was lost, shown as [lost]");
  if (negative_sums != 0)
    sentences.push_back("more was freed than allocated in " + plural(negative_sums, "sum") +
                        " of the heap, which count as 0");
  if (recording.absurd_records != 0)
    sentences.push_back(plural(recording.absurd_records, "record") + " with absurd values left out");
  return sentences;
}

}  // namespace

const char* symbol_level_name(ModuleSymbols::Level level) {
  switch (level) {
    case ModuleSymbols::Level::kNone:
      return "none";
    case ModuleSymbols::Level::kExportedSymbols:
      return "exported_symbols";
    case ModuleSymbols::Level::kSymbolTable:
      return "symbol_table";
    case ModuleSymbols::Level::kLines:
      return "lines";
  }
  return "unknown";
}

const char* clock_kind_name(ClockKind kind) {
  switch (kind) {
    case ClockKind::kNone:
      return "none";
    case ClockKind::kPerfTaskClock:
      return "perf_task_clock";
    case ClockKind::kPosixCpuTimer:
      return "posix_cpu_timer";
    case ClockKind::kSnapshots:
      return "snapshots";
  }
  return "unknown";
}

const char* sampling_way_name(SamplingWay way) {
  switch (way) {
    case SamplingWay::kAgent:
      return "agent";
    case SamplingWay::kPerfRings:
      return "perf_rings";
    case SamplingWay::kSnapshots:
      return "snapshots";
  }
  return "unknown";
}

Quality assess_quality(const Profile& profile, const std::vector<ModuleSymbols>& modules) {
  const Recording& recording = profile.recording;
  Quality quality;
  quality.clock = recording.session.clock;
  quality.requested_hz = recording.session.requested_hz;
  add_recorded_time(recording, quality);
  quality.samples_dropped = recording.counter("samples_dropped");
  quality.stacks_truncated = recording.counter("stacks_truncated");
  quality.stacks_heuristic = recording.counter("stacks_heuristic");
  for (const Process& process : recording.processes) quality.accounted_cpu_ns += process.end.cpu_ns;

  std::vector<uint64_t> self_of(profile.functions.size(), 0);
  std::vector<bool> is_lost(profile.functions.size(), false);
  for (size_t i = 0; i < is_lost.size(); ++i) {
    is_lost[i] = profile.functions[i].type == FrameType::kMarker && profile.functions[i].name == "[lost]";
  }
  const auto& nodes = profile.tree.nodes();
  std::vector<bool> lost(nodes.size(), false);
  for (size_t i = 1; i < nodes.size(); ++i) {
    lost[i] = lost[nodes[i].parent] || is_lost[nodes[i].function];
    self_of[nodes[i].function] += nodes[i].self;
    if (lost[i]) quality.lost_ns += nodes[i].self;
  }
  std::unordered_map<std::string, uint64_t> self_by_path;
  for (size_t i = 0; i < self_of.size(); ++i) {
    const Function& function = profile.functions[i];
    self_by_path[function.module_path] += self_of[i];
    if (is_unknown_code(function)) quality.unknown_code_ns += self_of[i];
  }
  quality.symbol_problems = find_symbol_problems(profile, modules, self_by_path);
  quality.damage = describe_damage(recording, profile.heap.negative_sums);
  quality.heap_events = recording.counter("heap_events");
  quality.heap_events_lost = recording.counter("heap_events_lost");
  quality.foreign_frees = recording.counter("foreign_frees");
  quality.complete = !recording.damage.any() && recording.lost_definitions == 0 && recording.absurd_records == 0 &&
                     quality.heap_events_lost == 0 && profile.heap.negative_sums == 0;
  return quality;
}

}  // namespace flarestack
