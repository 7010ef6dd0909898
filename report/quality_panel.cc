// SPDX-License-Identifier: Apache-2.0
#include "report/quality_panel.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include <fmt/format.h>

#include "base/text.h"
#include "report/metric_words.h"

namespace flarestack {
namespace {

constexpr size_t kShown = 6;  // of a list; the JSON reports have the rest

QualityLine clock_line(const Quality& quality) {
  if (quality.clock == ClockKind::kNone) return {"clock", "none: CPU time was not recorded", Mood::kNote};
  const double got = quality.requested_hz == 0 ? 0 : quality.achieved_hz / quality.requested_hz;
  return {"clock",
          fmt::format("{}; {} Hz asked, {:.0f} Hz got", clock_phrase(quality.clock), quality.requested_hz,
                      quality.achieved_hz),
          quality.samples == 0 ? Mood::kPlain
          : got >= 0.95        ? Mood::kGood
          : got >= 0.5         ? Mood::kNote
                               : Mood::kBad};
}

void add_cpu_lines(const Quality& quality, std::vector<QualityLine>& lines) {
  if (quality.cpu_ns == 0) return;
  std::string text = format_duration(quality.cpu_ns);
  Mood mood = Mood::kPlain;
  if (quality.accounted_cpu_ns != 0) {
    text += fmt::format(" in the trace, {} by the kernel's account ({})", format_duration(quality.accounted_cpu_ns),
                        format_percent(quality.cpu_ns, quality.accounted_cpu_ns));
    const double ratio = static_cast<double>(quality.cpu_ns) / static_cast<double>(quality.accounted_cpu_ns);
    mood = std::abs(ratio - 1) <= 0.02 ? Mood::kGood : std::abs(ratio - 1) <= 0.1 ? Mood::kPlain : Mood::kNote;
  }
  lines.push_back({"CPU time", text, mood});
  text = fmt::format("{} in the kernel ([kernel])", format_percent(quality.kernel_ns, quality.cpu_ns));
  if (quality.unsampled_ns != 0)
    text +=
        fmt::format(", {} not sampled ([startup] and the like)", format_percent(quality.unsampled_ns, quality.cpu_ns));
  lines.push_back({"", text, Mood::kPlain});
}

// Modules with one problem and one remedy, in order of their time.
struct SymbolProblemGroup {
  std::string problem;  // without the module's path
  std::string remedy;
  std::vector<const SymbolProblem*> modules;
};

std::vector<SymbolProblemGroup> grouped(const std::vector<SymbolProblem>& problems) {
  std::vector<SymbolProblemGroup> groups;
  for (const SymbolProblem& each : problems) {
    std::string problem = each.problem;
    if (problem.starts_with(each.path + " ")) problem.erase(0, each.path.size() + 1);
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const SymbolProblemGroup& group) {
      return group.problem == problem && group.remedy == each.remedy;
    });
    (same == groups.end() ? groups.emplace_back(SymbolProblemGroup{problem, each.remedy, {}}) : *same)
        .modules.push_back(&each);
  }
  // Groups of one remedy together, so that it is said once; the order by time stays otherwise.
  for (size_t i = 0; i < groups.size(); ++i) {
    std::stable_partition(
        groups.begin() + static_cast<ptrdiff_t>(i), groups.end(),
        [&, remedy = groups[i].remedy](const SymbolProblemGroup& group) { return group.remedy == remedy; });
  }
  return groups;
}

std::string module_list(const Profile& profile, const SymbolProblemGroup& group) {
  std::string list;
  const size_t shown = std::min(group.modules.size(), kShown);
  for (size_t i = 0; i < shown; ++i) {
    const SymbolProblem& module = *group.modules[i];
    const std::string name = group.modules.size() == 1 ? printable(module.path) : short_file(module.path, 40);
    list += fmt::format("{}{} ({}{})", i == 0 ? "" : ", ", name, format_percent(module.self, profile.total()),
                        i == 0 ? std::string(" ") + share_phrase(profile.options.metric) : "");
  }
  if (group.modules.size() > shown) list += fmt::format(" and {} more", group.modules.size() - shown);
  return list;
}

void add_symbol_lines(const Profile& profile, std::vector<QualityLine>& lines) {
  const std::vector<SymbolProblemGroup> groups = grouped(profile.quality.symbol_problems);
  const size_t shown = std::min(groups.size(), kShown);
  for (size_t i = 0; i < shown; ++i) {
    const SymbolProblemGroup& group = groups[i];
    const bool costs_names = group.modules.front()->names_missing() && group.modules.front()->self != 0;
    const Mood mood = costs_names ? Mood::kNote : Mood::kPlain;
    std::string problem = printable(group.problem);
    if (group.modules.size() > 1 && problem.starts_with("has ")) problem.replace(0, 4, "have ");
    lines.push_back({i == 0 ? "symbols" : "", module_list(profile, group) + ": " + problem, mood});
    const bool last_of_remedy = i + 1 == shown || groups[i + 1].remedy != group.remedy;
    if (!group.remedy.empty() && last_of_remedy) lines.push_back({"", "try: " + printable(group.remedy), mood});
  }
  if (groups.size() > shown)
    lines.push_back(
        {"", fmt::format("and {} more problems; --format json has them all", groups.size() - shown), Mood::kPlain});
  if (groups.empty()) lines.push_back({"symbols", "every module has its symbols", Mood::kGood});
  if (profile.quality.unknown_code_ns != 0) {
    lines.push_back({"",
                     fmt::format("{} {} is code of no known module ([unknown])",
                                 format_percent(profile.quality.unknown_code_ns, profile.total()),
                                 share_phrase(profile.options.metric)),
                     Mood::kNote});
    lines.push_back({"",
                     "if a JIT made it, its option names it: node --perf-basic-prof, "
                     "java -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit",
                     Mood::kPlain});
  }
}

void add_unrecorded_lines(const Recording& recording, std::vector<QualityLine>& lines) {
  const auto& unrecorded = recording.unrecorded;
  for (size_t i = 0; i < std::min(unrecorded.size(), kShown); ++i) {
    const std::string command = shorten_middle(printable(unrecorded[i].command), 60);
    const std::string who =
        unrecorded[i].pid != 0 ? fmt::format("process {} ({})", unrecorded[i].pid, command) : command;
    lines.push_back({i == 0 ? "not recorded" : "", who + ": " + printable(unrecorded[i].reason), Mood::kNote});
  }
  if (unrecorded.size() > kShown)
    lines.push_back({"", fmt::format("and {} more processes; `flarestack info` lists them", unrecorded.size() - kShown),
                     Mood::kNote});
}

}  // namespace

const char* clock_phrase(ClockKind kind) {
  switch (kind) {
    case ClockKind::kNone:
      return "no clock";
    case ClockKind::kPerfTaskClock:
      return "perf task clock";
    case ClockKind::kPosixCpuTimer:
      return "POSIX CPU timer";
    case ClockKind::kSnapshots:
      return "snapshots";
  }
  return "unknown clock";
}

namespace {

// Counters that say something only when they are not 0; "{}" is the number.
struct LossSentence {
  const char* counter;
  const char* label;
  const char* sentence;
  Mood mood;
};
constexpr LossSentence kLosses[] = {
    {"stacks_elided", "", "{} stacks deeper than 4096 frames: their middle is left out ([frames elided])", Mood::kNote},
    {"perf_throttles", "", "{} times the kernel left samples out, since taking them took it too long", Mood::kNote},
    {"off_cpu_samples", "sleepers", "{} times a thread was seen asleep", Mood::kPlain},
    {"off_cpu_stacks_heuristic", "", "{} stacks of sleepers needed a frame pointer that had to be guessed",
     Mood::kNote},
    {"off_cpu_stacks_truncated", "", "{} stacks of sleepers did not reach their root", Mood::kNote},
    {"threads_without_slot", "threads", "{} found no free ring and were not sampled: more than 1024 at a time",
     Mood::kBad},
    {"threads_without_timer", "threads",
     "{} could not be given a timer and were not sampled; `flarestack doctor` tells why", Mood::kBad},
    {"threads_blocking_signal", "threads",
     "{} blocked our signal by a system call of their own, and were sampled from outside", Mood::kNote},
    {"outside_samples", "", "{} samples were taken from outside, of threads that blocked our signal", Mood::kPlain},
    {"outside_samples_lost", "", "{} more found no room: their time is [kernel]", Mood::kNote},
    {"threads_without_agent", "threads",
     "{} were started past the agent (a raw clone, or the C library's own) and not sampled", Mood::kNote},
    {"module_events_lost", "modules", "{} libraries came or went unseen: some code has no name", Mood::kBad},
    {"module_hook_missing", "modules",
     "{} processes whose loader could not be watched: libraries loaded later have no names", Mood::kBad},
    {"damaged_records", "rings", "{} records made no sense and were skipped: something overwrote the session's memory",
     Mood::kBad},
    {"trace_records_dropped", "trace", "{} records were too large to be kept", Mood::kBad},
    {"regions_lost", "regions", "{} begins and numbers were not recorded: too deep, too many names, or no room",
     Mood::kBad},
    {"regions_unbalanced", "regions", "{} ends of what was not open", Mood::kNote},
    {"regions_unfinished", "regions", "{} were left without an end", Mood::kNote},
    {"paused_ticks", "", "{} periods of the clock ran out while the program had the recording paused", Mood::kPlain},
};

constexpr LossSentence kHeapLosses[] = {
    {"foreign_frees", "", "{} blocks were freed whose allocation was not recorded", Mood::kNote},
    {"ambiguous_frees", "", "{} deallocations could not be told apart from others of the same address", Mood::kNote},
    {"heap_stacks_truncated", "", "{} allocations have a stack that did not reach its root", Mood::kNote},
    {"heap_stacks_heuristic", "", "{} allocations have a stack that trusted a frame pointer", Mood::kNote},
    {"heap_stacks_elided", "", "{} allocations have a stack deeper than 4096 frames; its middle is left out",
     Mood::kNote},
};

void add_loss_lines(const Recording& recording, std::span<const LossSentence> losses, std::vector<QualityLine>& lines) {
  for (const LossSentence& loss : losses) {
    const uint64_t count = recording.counter(loss.counter);
    if (count != 0)
      lines.push_back({loss.label, fmt::format(fmt::runtime(loss.sentence), format_count(count)), loss.mood});
  }
}

void add_heap_lines(const Recording& recording, const Quality& quality, std::vector<QualityLine>& lines) {
  if (!recording.has_heap()) return;
  const SessionRecord& session = recording.session;
  std::string text = session.heap == HeapMode::kSampled
                         ? fmt::format("sampled every {}", format_bytes(session.heap_sample_bytes))
                         : std::string("every allocation");
  text +=
      fmt::format("; {} events, {} lost", format_count(quality.heap_events), format_count(quality.heap_events_lost));
  lines.push_back({"heap", text, quality.heap_events_lost == 0 ? Mood::kGood : Mood::kBad});
  if (quality.heap_events_lost != 0)
    lines.push_back({"", "what is live, and who allocated it, may be wrong by the events lost", Mood::kBad});
  add_loss_lines(recording, kHeapLosses, lines);
}

std::string sampling_phrase(const Process& process) {
  const std::string copies = fmt::format("stack copies of {} KiB", process.stack_copy_bytes / 1024);
  return process.sampling == SamplingWay::kPerfRings ? "perf_event with " + copies
                                                     : "snapshots of running threads by ptrace, with " + copies;
}

void add_sample_lines(const Quality& quality, std::vector<QualityLine>& lines) {
  lines.push_back(
      {"samples",
       fmt::format("{} taken, {} dropped", format_count(quality.samples), format_count(quality.samples_dropped)),
       quality.samples_dropped == 0 ? Mood::kGood : Mood::kNote});
  lines.push_back({"stacks",
                   fmt::format("{} truncated, {} heuristic", format_count(quality.stacks_truncated),
                               format_count(quality.stacks_heuristic)),
                   quality.stacks_truncated + quality.stacks_heuristic == 0 ? Mood::kGood : Mood::kNote});
}

}  // namespace

std::vector<QualityLine> outside_lines(const Recording& recording) {
  std::vector<QualityLine> lines;
  std::map<std::pair<std::string, std::string>, std::vector<const Process*>> groups;
  for (const Process& process : recording.processes) {
    if (process.sampling != SamplingWay::kAgent)
      groups[{sampling_phrase(process), process.no_agent_reason}].push_back(&process);
  }
  size_t shown = 0;
  for (const auto& [how, processes] : groups) {
    if (shown++ == kShown) {
      lines.push_back({"", "and more; `flarestack info --format json` lists them", Mood::kNote});
      break;
    }
    const std::string who = processes.size() == 1
                                ? fmt::format("process {} ({})", processes[0]->pid, printable(processes[0]->name()))
                                : fmt::format("{} processes", format_count(processes.size()));
    lines.push_back({"CPU samples", fmt::format("of {} from outside: {}", who, how.first), Mood::kNote});
    lines.push_back({"heap", fmt::format("of {} not recorded: {}", who, printable(how.second)), Mood::kNote});
  }
  return lines;
}

namespace {

void add_damage_lines(const Profile& profile, std::vector<QualityLine>& lines) {
  const Quality& quality = profile.quality;
  for (size_t i = 0; i < quality.damage.size(); ++i) {
    lines.push_back({i == 0 ? "damage" : "", quality.damage[i], Mood::kBad});
  }
  if (quality.lost_ns != 0)
    lines.push_back({"",
                     fmt::format("{} {} has lost frames ([lost])", format_percent(quality.lost_ns, profile.total()),
                                 share_phrase(profile.options.metric)),
                     Mood::kBad});
}

// Nothing is said of what the other tool did not tell.
std::vector<QualityLine> imported_lines(const Profile& profile) {
  const Quality& quality = profile.quality;
  const std::string from = printable(profile.recording.session.imported_from);
  std::vector<QualityLine> lines;
  lines.push_back({"imported", "from " + from + "; what was lost while it was recorded is not known", Mood::kNote});
  if (quality.samples != 0) lines.push_back({"samples", format_count(quality.samples), Mood::kPlain});
  for (const Note& note : profile.recording.notes) lines.push_back({"note", printable(note.text), Mood::kPlain});
  if (quality.kernel_ns != 0)
    lines.push_back({"CPU time", format_percent(quality.kernel_ns, quality.cpu_ns) + " in the kernel", Mood::kPlain});
  lines.push_back({"symbols", "as they come from " + from, Mood::kPlain});
  if (quality.unknown_code_ns != 0)
    lines.push_back(
        {"",
         fmt::format("{} {} is code without a name ([unknown])",
                     format_percent(quality.unknown_code_ns, profile.total()), share_phrase(profile.options.metric)),
         Mood::kNote});
  add_damage_lines(profile, lines);
  return lines;
}

}  // namespace

std::vector<QualityLine> quality_lines(const Profile& profile) {
  if (profile.recording.is_imported()) return imported_lines(profile);
  const Quality& quality = profile.quality;
  std::vector<QualityLine> lines;
  lines.push_back(clock_line(quality));
  if (profile.options.metric == Metric::kWall && !profile.recording.session.wall_clock)
    lines.push_back({"", "time off the CPU was not recorded; record with --clock wall to see it", Mood::kNote});
  if (profile.recording.has_cpu()) add_sample_lines(quality, lines);
  const std::vector<QualityLine> outside = outside_lines(profile.recording);
  lines.insert(lines.end(), outside.begin(), outside.end());
  add_loss_lines(profile.recording, kLosses, lines);
  add_heap_lines(profile.recording, quality, lines);
  add_cpu_lines(quality, lines);
  add_symbol_lines(profile, lines);
  add_unrecorded_lines(profile.recording, lines);
  add_damage_lines(profile, lines);
  if (quality.complete) lines.push_back({"trace", "complete", Mood::kGood});
  return lines;
}

std::string quality_text(const Profile& profile, const TextLayout& layout) {
  constexpr size_t kLabelWidth = 14;
  const Painter painter(layout.colour);
  std::string out = painter.bold("Quality") + "\n";
  for (const QualityLine& line : quality_lines(profile)) {
    bool first = true;
    for (const std::string& part : wrapped(line.text, std::max(layout.width, kLabelWidth + 42) - kLabelWidth - 2)) {
      const std::string label = padded(first ? line.label : "", kLabelWidth);
      const std::string text = line.mood == Mood::kGood   ? painter.good(part)
                               : line.mood == Mood::kNote ? painter.note(part)
                               : line.mood == Mood::kBad  ? painter.bad(part)
                                                          : part;
      out += "  " + painter.dim(label) + text + "\n";
      first = false;
    }
  }
  return out;
}

}  // namespace flarestack
