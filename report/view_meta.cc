// SPDX-License-Identifier: Apache-2.0
#include "report/view_meta.h"

#include "model/heap_summary.h"
#include "report/findings_text.h"
#include "report/heap_json.h"
#include "report/info_text.h"
#include "report/leak_sites_json.h"
#include "report/quality_panel.h"
#include "report/regions_json.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

// What JSON may take: a script reads a megabyte in 10 ms.
constexpr size_t kMostCodeBytes = 1'500'000;
constexpr size_t kMostLeakSiteBytes = 3'000'000;
constexpr size_t kMostPlaces = 12;  // of a finding: there may be thousands

const char* mood_name(Mood mood) {
  switch (mood) {
    case Mood::kPlain:
      return "plain";
    case Mood::kGood:
      return "good";
    case Mood::kNote:
      return "note";
    case Mood::kBad:
      return "bad";
  }
  return "plain";
}

std::string exit_sentence(const ProcessEndRecord& end) {
  if (end.kind == ExitKind::kExited) return "exited " + exit_phrase(end);
  if (end.kind == ExitKind::kSignaled) return "killed by " + exit_phrase(end);
  return end.kind == ExitKind::kReplacedByExec ? "replaced by exec" : exit_phrase(end);
}

class ViewMeta {
 public:
  ViewMeta(const ViewSources& sources, const ViewRows& rows, const ViewTables& tables)
      : sources_(sources),
        rows_(rows),
        tables_(tables),
        shown_(sources.time != nullptr ? *sources.time : *sources.heap),
        recording_(shown_.recording),
        json_(JsonLayout::kCompact) {}

  std::string write(const ViewColumns& columns) {
    json_.begin_object();
    json_.member("schema", "flarestack.view/1");
    write_session();
    write_metrics();
    json_.key("strings");
    json_.begin_array();
    for (const std::string_view each : tables_.strings()) json_.value(each);
    json_.end_array();
    write_processes();
    write_quality_lines();
    write_found();
    write_regions(json_, shown_);
    write_heap_summary();
    write_leak_checks();
    write_leak_sites();
    write_view_code(json_, sources_.code, kMostCodeBytes);
    columns.write_heads(json_);
    json_.end_object();
    return json_.finish();
  }

 private:
  void write_session() {
    const SessionRecord& session = recording_.session;
    json_.member("title", sources_.title.empty() ? command_line(session.command) : sources_.title);
    json_.member("command", session.command);
    json_.member("host", session.host);
    json_.member("kernel", session.kernel);
    json_.member("version", session.version);
    json_.member("start_realtime_ns", std::to_string(session.start_realtime_ns));  // a script's number rounds it
    json_.member("duration_ns", recording_.duration_ns);
    json_.member("clock", clock_kind_name(session.clock));
    json_.member("requested_hz", session.requested_hz);
    json_.member("wall_clock", session.wall_clock);
    json_.member("heap", heap_mode_name(session.heap));
    json_.member("complete", shown_.quality.complete);
    write_time("from_ns", sources_.from_ns);
    write_time("to_ns", sources_.to_ns);
  }

  void write_time(const char* key, const std::optional<int64_t>& time_ns) {
    json_.key(key);
    if (time_ns) {
      json_.value(*time_ns);
    } else {
      json_.null();
    }
  }

  void write_metrics() {
    json_.key("metrics");
    json_.begin_array();
    if (sources_.time != nullptr) {
      uint64_t cpu_ns = 0;
      for (const ProfileSample& each : sources_.time->samples) cpu_ns += each.is_waiting ? 0 : each.value;
      write_metric(Metric::kCpu, cpu_ns);
      if (sources_.time->options.metric == Metric::kWall) write_metric(Metric::kWall, sources_.time->total());
    }
    if (sources_.heap != nullptr) write_heap_metrics();
    json_.end_array();
    json_.member("default_metric", metric_name(sources_.default_metric));
  }

  void write_heap_metrics() {
    uint64_t allocated = 0, allocations = 0, peak = 0, live = 0, temporary = 0;
    for (const HeapCell& cell : sources_.heap->heap.cells) {
      if (cell.kind != MemoryKind::kHeap) continue;
      allocated += cell.allocated_bytes;
      allocations += cell.allocations;
      peak += cell.peak_bytes;
      live += cell.live_bytes;
      temporary += cell.temporary;
    }
    write_metric(Metric::kAllocated, allocated);
    write_metric(Metric::kAllocations, allocations);
    write_metric(Metric::kPeak, peak);
    write_metric(Metric::kLive, live);
    write_metric(Metric::kTemporary, temporary);
    if (!recording_.leak_checks.empty()) write_metric(Metric::kLeaked, rows_.leaked_bytes());
  }

  void write_metric(Metric metric, uint64_t total) {
    json_.begin_object();
    json_.member("name", metric_name(metric));
    json_.member("unit", metric_unit(metric));
    json_.member("total", total);
    json_.end_object();
  }

  void write_processes() {
    json_.key("processes");
    json_.begin_array();
    for (const Process& process : recording_.processes) {
      const bool ended = process.end.kind != ExitKind::kUnknown && process.end.kind != ExitKind::kStillRunning;
      json_.begin_object();
      json_.member("pid", process.pid);
      json_.member("parent", process.parent);
      json_.member("name", process.name());
      json_.member("executable", process.executable);
      json_.member("arguments", process.arguments);
      json_.member("start_ns", process.start_ns);
      json_.member("end_ns", ended ? process.end.end_ns : recording_.duration_ns);
      json_.member("exit", exit_sentence(process.end));
      json_.member("cpu_ns", process.end.cpu_ns);
      json_.member("reason", process.no_agent_reason);
      json_.end_object();
    }
    json_.end_array();
    json_.key("notes");
    json_.begin_array();
    for (const Note& note : recording_.notes) json_.value(note.text);
    json_.end_array();
    json_.key("unrecorded");
    json_.begin_array();
    for (const UnrecordedProcess& process : recording_.unrecorded) {
      json_.begin_object();
      json_.member("pid", process.pid);
      json_.member("command", process.command);
      json_.member("reason", process.reason);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_quality_lines() {
    json_.key("quality");
    json_.begin_array();
    for (const QualityLine& line : quality_lines(shown_)) {
      json_.begin_object();
      json_.member("label", line.label);
      json_.member("text", line.text);
      json_.member("mood", mood_name(line.mood));
      json_.end_object();
    }
    json_.end_array();
  }

  void write_found() {
    if (sources_.findings != nullptr) {
      write_findings(json_, *sources_.findings, kMostPlaces);
      return;
    }
    for (const char* key : {"findings", "remarks"}) {
      json_.key(key);
      json_.begin_array();
      json_.end_array();
    }
  }

  void write_heap_summary() {
    if (sources_.heap != nullptr) {
      write_heap(json_, "heap_summary", *sources_.heap, summarize_heap(*sources_.heap));
    } else {
      json_.key("heap_summary");
      json_.null();
    }
  }

  void write_leak_checks() {
    json_.key("leak_checks");
    json_.begin_array();
    for (const RecordedLeakCheck& each : recording_.leak_checks) {
      json_.begin_object();
      json_.member("process", each.process);
      json_.member("number", each.check.number);
      json_.member("cause", leak_check_cause_name(each.check.cause));
      json_.member("time_ns", each.check.time_ns);
      json_.member("pause_ns", each.check.pause_ns);
      json_.member("blocks", each.check.blocks);
      json_.member("bytes", each.check.bytes);
      json_.member("problem", each.check.problem);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_leak_sites() {
    const bool known = sources_.leaks != nullptr && sources_.suppressions != nullptr;
    if (known) {
      write_leak_summary(json_, "leak_summary", sources_.leaks->totals);
    } else {
      json_.key("leak_summary");
      json_.null();
    }
    static const Leaks kNothing;
    const Leaks& leaks = known ? *sources_.leaks : kNothing;
    const size_t end = json_.size_bytes() + kMostLeakSiteBytes;
    size_t left_out = write_sites("leak_sites", leaks.sites, end);
    left_out += write_sites("leak_inherited_sites", leaks.inherited, end);
    left_out += write_sites("leak_suppressed_sites", leaks.suppressed, end);
    json_.member("leak_sites_left_out", static_cast<uint64_t>(left_out));
    json_.key("no_verdict");
    json_.begin_array();
    for (const ProcessWithoutVerdict& each : leaks.no_verdict) {
      json_.begin_object();
      write_leak_process(json_, recording_, each.process);
      json_.member("reason", each.reason);
      json_.end_object();
    }
    json_.end_array();
  }

  // As many as there is room for before `end` of the document; returns how many there is none for.
  size_t write_sites(const char* key, const std::vector<LeakSite>& sites, size_t end) {
    json_.key(key);
    json_.begin_array();
    size_t written = 0;
    while (written < sites.size() && json_.size_bytes() < end) {
      const LeakJsonOf shown{*sources_.heap, *sources_.suppressions, &tables_.functions()};
      write_leak_site(json_, shown, sites[written++]);
    }
    json_.end_array();
    return sites.size() - written;
  }

  const ViewSources& sources_;
  const ViewRows& rows_;
  const ViewTables& tables_;
  const Profile& shown_;
  const Recording& recording_;
  JsonWriter json_;
};

}  // namespace

std::string view_meta(const ViewSources& sources, const ViewRows& rows, const ViewTables& tables,
                      const ViewColumns& columns) {
  return ViewMeta(sources, rows, tables).write(columns);
}

}  // namespace flarestack
