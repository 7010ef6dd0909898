// SPDX-License-Identifier: Apache-2.0
#include "report/info_json.h"

#include "report/bundle_summary.h"
#include "report/heap_json.h"
#include "report/info_text.h"
#include "report/json_writer.h"
#include "report/regions_json.h"
#include "report/timeout_report.h"

namespace flarestack {
namespace {

const char* exit_kind_name(ExitKind kind) {
  switch (kind) {
    case ExitKind::kUnknown:
      return "unknown";
    case ExitKind::kExited:
      return "exited";
    case ExitKind::kSignaled:
      return "signaled";
    case ExitKind::kReplacedByExec:
      return "replaced_by_exec";
    case ExitKind::kStillRunning:
      return "still_running";
  }
  return "unknown";
}

const char* origin_name(ProcessOrigin origin) {
  switch (origin) {
    case ProcessOrigin::kLaunch:
      return "launch";
    case ProcessOrigin::kFork:
      return "fork";
    case ProcessOrigin::kExec:
      return "exec";
    case ProcessOrigin::kAttach:
      return "attach";
  }
  return "unknown";
}

void write_parent(JsonWriter& json, const Recording& recording, uint32_t parent) {
  json.key("parent");
  if (parent < recording.processes.size()) {
    json.value(recording.processes[parent].pid);
  } else {
    json.null();
  }
}

// The status as a shell would see it: its own, or 128 + the signal; null while there is none.
void write_exit(JsonWriter& json, const ProcessEndRecord& end) {
  json.key("exit");
  if (end.kind == ExitKind::kExited) {
    json.value(end.code);
  } else if (end.kind == ExitKind::kSignaled) {
    json.value(int64_t{128} + end.code);
  } else {
    json.null();
  }
  json.key("end");
  json.begin_object();
  json.member("kind", exit_kind_name(end.kind));
  if (end.kind == ExitKind::kExited) json.member("code", end.code);
  if (end.kind == ExitKind::kSignaled) json.member("signal", end.code);
  json.end_object();
}

void write_process(JsonWriter& json, const Recording& recording, const Process& process, const ProcessUse& use) {
  json.begin_object();
  json.member("pid", process.pid);
  json.member("program", process.name());
  write_exit(json, process.end);
  write_parent(json, recording, process.parent);
  json.member("origin", recording.is_imported() ? "unknown" : origin_name(process.origin));
  json.member("executable", process.executable);
  json.member("arguments", process.arguments);
  json.member("start_ns", process.start_ns);
  json.member("sampling", recording.is_imported() ? "unknown" : sampling_way_name(process.sampling));
  if (process.sampling != SamplingWay::kAgent) {
    json.member("stack_copy_bytes", process.stack_copy_bytes);
    json.member("heap_not_recorded", process.no_agent_reason);
  }
  json.key("end_ns");
  if (process.end.kind == ExitKind::kUnknown) {
    json.null();
  } else {
    json.value(process.end.end_ns);
  }
  json.member("threads", use.threads);
  json.member("samples", use.samples);
  json.member("cpu_ns", use.value);
  json.member("accounted_cpu_ns", process.end.cpu_ns);
  json.end_object();
}

}  // namespace

std::string info_json(const Profile& profile) {
  const Recording& recording = profile.recording;
  const SessionRecord& session = recording.session;
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.info/1");
  json.member("command", session.command);
  json.member("working_directory", session.working_directory);
  json.member("host", session.host);
  json.member("kernel", session.kernel);
  json.member("version", session.version);
  json.key("imported_from");
  if (recording.is_imported()) {
    json.value(session.imported_from);
  } else {
    json.null();
  }
  json.member("start_realtime_ns", session.start_realtime_ns);
  json.member("duration_ns", recording.duration_ns);
  json.member("wall_clock", session.wall_clock);
  json.key("processes");
  json.begin_array();
  const std::vector<ProcessUse> uses = use_by_process(profile);
  for (size_t i = 0; i < recording.processes.size(); ++i)
    write_process(json, recording, recording.processes[i], uses[i]);
  json.end_array();
  json.key("bundle");
  json.begin_object();
  const BundleSummary bundle = summarize_bundle(recording);
  json.member("files", bundle.all.files);
  json.member("size_bytes", bundle.all.size_bytes);
  for (const auto& [name, kind] : bundle.kinds) {
    json.member(name == "debug files" ? "debug_files" : name, kind.files);
  }
  json.end_object();
  json.key("not_recorded");
  json.begin_array();
  for (const UnrecordedProcess& process : recording.unrecorded) {
    json.begin_object();
    json.member("pid", process.pid);
    write_parent(json, recording, process.parent);
    json.member("command", process.command);
    json.member("reason", process.reason);
    json.end_object();
  }
  json.end_array();
  json.key("notes");
  json.begin_array();
  for (const Note& note : recording.notes) {
    json.begin_object();
    json.key("pid");
    if (note.process < recording.processes.size()) {
      json.value(recording.processes[note.process].pid);
    } else {
      json.null();
    }
    json.member("text", note.text);
    json.end_object();
  }
  json.end_array();
  if (recording.has_heap()) write_heap(json, "heap", profile, summarize_heap(profile));
  write_timeout(json, profile);
  write_regions(json, profile);
  write_clock(json, profile.quality);
  write_quality(json, recording, profile.quality);
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
