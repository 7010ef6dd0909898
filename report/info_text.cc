// SPDX-License-Identifier: Apache-2.0
#include "report/info_text.h"

#include <algorithm>
#include <cstring>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/text.h"
#include "report/bundle_summary.h"
#include "report/heap_words.h"
#include "report/quality_panel.h"
#include "report/regions_text.h"

namespace flarestack {
namespace {

std::string utc_time(int64_t realtime_ns) {
  const std::time_t seconds = realtime_ns / 1'000'000'000;
  std::tm parts{};
  if (realtime_ns <= 0 || gmtime_r(&seconds, &parts) == nullptr) return "at an unknown time";
  char text[64];
  if (std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) return "at an unknown time";
  return text;
}

std::string heap_mode_phrase(const SessionRecord& session, bool has_heap) {
  if (!has_heap) return session.imported_from.empty() ? "not recorded" : "";
  if (session.heap == HeapMode::kImported) {
    const std::string as = "as " + printable(session.imported_from) + " has it";
    return session.heap_sample_bytes == 0
               ? as
               : fmt::format("{}, an allocation every {} looked at", as, format_bytes(session.heap_sample_bytes));
  }
  return session.heap == HeapMode::kSampled ? "sampled every " + format_bytes(session.heap_sample_bytes)
                                            : "every allocation";
}

void append_heap(const Profile& profile, const TextLayout& layout, std::string& out) {
  const Painter painter(layout.colour);
  const HeapSummary summary = summarize_heap(profile);
  out += "\n" + painter.bold("Heap") + "\n";
  const auto add = [&](std::string_view label, const std::string& text) {
    bool first = true;
    for (const std::string& line : wrapped(text, std::max<size_t>(layout.width, 60) - 16)) {
      if (!line.empty()) out += "  " + painter.dim(padded(first ? label : "", 14)) + line + "\n";
      first = false;
    }
  };
  add("allocated", heap_phrase(summary));
  add("sampling", confidence_phrase(summary));
  if (summary.mapped.allocations != 0)
    add("mapped", fmt::format("{} by the program itself, at most {} at once",
                              format_bytes(summary.mapped.allocated_bytes), format_bytes(summary.mapped.peak_bytes)));
  std::string memory = rss_phrase(summary);
  for (const MemoryPart& part : rss_parts(summary))
    memory += fmt::format("; {} {}", format_bytes(part.size_bytes), part.name);
  add("memory", memory);
}

void append_bundle(const Recording& recording, const TextLayout& layout, std::string& out) {
  if (recording.bundled_files.empty()) return;
  const BundleSummary bundle = summarize_bundle(recording);
  out += fmt::format("\n{}\n", Painter(layout.colour).bold("Bundled files"));
  for (const auto& [name, kind] : bundle.kinds) {
    out += fmt::format("  {:<20}{:>6}  {}\n", name, kind.files, format_bytes(kind.size_bytes));
  }
}

void append_notes(const Recording& recording, const TextLayout& layout, std::string& out) {
  if (recording.notes.empty() || recording.is_imported()) return;  // the quality of what was imported has them
  const Painter painter(layout.colour);
  out += "\n" + painter.bold("Notes") + "\n";
  for (const Note& note : recording.notes) {
    const bool known = note.process < recording.processes.size();
    out += fmt::format("{:>8}  {}\n", known ? std::to_string(recording.processes[note.process].pid) : "-",
                       printable(note.text));
  }
}

std::string process_table(const Profile& profile, const TextLayout& layout) {
  constexpr size_t kNumbersWidth = 64;
  const Painter painter(layout.colour);
  const Recording& recording = profile.recording;
  const std::vector<ProcessUse> uses = use_by_process(profile);
  std::string out = painter.bold("     PID   PARENT    EXIT  THREADS        CPU      START       TIME  COMMAND") + "\n";
  for (size_t i = 0; i < recording.processes.size(); ++i) {
    const Process& process = recording.processes[i];
    const std::string parent =
        process.parent < recording.processes.size() ? std::to_string(recording.processes[process.parent].pid) : "-";
    const auto span_ns = [](int64_t length_ns) {
      return format_duration(static_cast<uint64_t>(std::max<int64_t>(length_ns, 0)));
    };
    const bool ended = process.end.kind != ExitKind::kUnknown;
    const std::string command =
        process.arguments.empty() ? printable(process.executable) : command_line(process.arguments);
    const std::string line =
        fmt::format("{:>8} {:>8} {:>7} {:>8} {:>10} {:>10} {:>10}  ",
                    process.pid == 0 && recording.is_imported() ? "-" : std::to_string(process.pid), parent,
                    exit_phrase(process.end), uses[i].threads, format_duration(uses[i].value),
                    duration_phrase(recording).empty() ? "-" : span_ns(process.start_ns),
                    ended ? span_ns(process.end.end_ns - process.start_ns) : "-");
    out += line + shorten_end(command, std::max<size_t>(layout.width, kNumbersWidth + 30) - kNumbersWidth - 6) + "\n";
  }
  return out;
}

}  // namespace

std::vector<ProcessUse> use_by_process(const Profile& profile) {
  const Recording& recording = profile.recording;
  std::vector<ProcessUse> uses(recording.processes.size());
  for (const Thread& thread : recording.threads) {
    if (thread.process < uses.size()) ++uses[thread.process].threads;
  }
  for (const ProfileSample& sample : profile.samples) {
    if (sample.thread >= recording.threads.size()) continue;
    const uint32_t process = recording.threads[sample.thread].process;
    if (process >= uses.size()) continue;
    uses[process].value += sample.value;
    uses[process].samples += sample.count;
  }
  return uses;
}

std::string info_text(const Profile& profile, const TextLayout& layout) {
  const Painter painter(layout.colour);
  const Recording& recording = profile.recording;
  const SessionRecord& session = recording.session;
  std::string out = painter.bold("Recording") + "\n";
  const auto add = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) out += "  " + painter.dim(padded(label, 14)) + text + "\n";
  };
  add("command", command_line(session.command));
  add("directory", printable(session.working_directory));
  if (recording.is_imported()) add("imported", "from " + printable(session.imported_from));
  if (session.start_realtime_ns != 0 || !recording.is_imported()) add("started", utc_time(session.start_realtime_ns));
  add("duration", duration_phrase(recording));
  add("host", printable(session.host) + (session.kernel.empty() ? "" : ", Linux " + printable(session.kernel)));
  add(recording.is_imported() ? "importer" : "recorder",
      "flarestack " + printable(session.version) + (session.wall_clock ? ", wall clock" : ""));

  add("heap", heap_mode_phrase(session, recording.has_heap()));
  add("regions", regions_phrase(recording));

  out += "\n" + painter.bold(fmt::format("Processes ({})", recording.processes.size())) + "\n";
  out += process_table(profile, layout);
  append_bundle(recording, layout, out);
  if (!recording.unrecorded.empty()) {
    out += "\n" + painter.bold(fmt::format("Not recorded ({})", recording.unrecorded.size())) + "\n";
    for (const UnrecordedProcess& process : recording.unrecorded) {
      out += fmt::format("{:>8}  {}: {}\n", process.pid != 0 ? std::to_string(process.pid) : "-",
                         printable(process.command), painter.note(printable(process.reason)));
    }
  }
  if (recording.has_heap()) append_heap(profile, layout, out);
  append_notes(recording, layout, out);
  return out + "\n" + quality_text(profile, layout);
}

std::string exit_phrase(const ProcessEndRecord& end) {
  switch (end.kind) {
    case ExitKind::kExited:
      return std::to_string(end.code);
    case ExitKind::kSignaled: {
      const char* name = sigabbrev_np(end.code);
      return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", end.code);
    }
    case ExitKind::kReplacedByExec:
      return "exec";
    case ExitKind::kStillRunning:
      return "running";
    case ExitKind::kUnknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace flarestack
