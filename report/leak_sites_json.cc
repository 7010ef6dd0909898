// SPDX-License-Identifier: Apache-2.0
#include "report/leak_sites_json.h"

namespace flarestack {
namespace {

const char* holder_name(LeakHolder holder) {
  switch (holder) {
    case LeakHolder::kModuleData:
      return "module_data";
    case LeakHolder::kStack:
      return "stack";
    case LeakHolder::kThreadLocal:
      return "thread_local";
    case LeakHolder::kRegister:
      return "register";
    case LeakHolder::kMapped:
      return "mapped";
    case LeakHolder::kBlock:
      return "block";
    case LeakHolder::kNone:
      break;
  }
  return "none";
}

void write_amount(JsonWriter& json, const char* key, const LeakAmount& amount) {
  json.key(key);
  json.begin_object();
  json.member("bytes", amount.bytes);
  json.member("blocks", amount.blocks);
  json.end_object();
}

// The members of a thread, without the braces.
void write_thread(JsonWriter& json, const Recording& recording, uint32_t thread) {
  const bool known = thread < recording.threads.size();
  json.member("tid", known ? recording.threads[thread].tid : 0);
  json.member("name", known ? recording.threads[thread].name : std::string("[lost]"));
}

void write_holders(JsonWriter& json, const LeakJsonOf& shown, const std::vector<LeakHeldBy>& holders) {
  const Recording& recording = shown.profile.recording;
  json.key("holders");
  json.begin_array();
  for (const LeakHeldBy& holder : holders) {
    json.begin_object();
    json.member("kind", holder_name(holder.kind));
    json.member("bytes", holder.amount.bytes);
    json.member("blocks", holder.amount.blocks);
    if (holder.kind == LeakHolder::kModuleData) {
      const bool known = holder.module < recording.modules.size();
      json.member("module", known ? recording.modules[holder.module].path : std::string());
      json.member("offset", holder.offset.value);
      json.member("variable", holder.variable);
      json.member("offset_in_variable", holder.offset_in_variable);
    }
    if (holder.thread != kNoIndex) {
      json.key("thread");
      json.begin_object();
      write_thread(json, recording, holder.thread);
      json.end_object();
    }
    if (holder.kind == LeakHolder::kBlock) write_leak_stack(json, shown, holder.path);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

void write_leak_summary(JsonWriter& json, const char* key, const LeakTotals& totals) {
  json.key(key);
  json.begin_object();
  for (const LeakVerdict verdict : {LeakVerdict::kDefinitelyLost, LeakVerdict::kIndirectlyLost,
                                    LeakVerdict::kPossiblyLost, LeakVerdict::kStillReachable}) {
    write_amount(json, verdict_name(verdict), totals.of(verdict));
  }
  write_amount(json, "suppressed", totals.suppressed);
  write_amount(json, "inherited", totals.inherited);
  json.end_object();
}

void write_leak_stack(JsonWriter& json, const LeakJsonOf& shown, const std::vector<uint32_t>& path) {
  json.key("stack");  // leaf first
  json.begin_array();
  for (const uint32_t index : path) {
    const Location& location = shown.profile.locations[index];
    const Function& function = shown.profile.functions[location.function];
    json.begin_object();
    json.member("function", function.name);
    json.member("module", function.module);
    json.member("module_path", function.module_path);
    json.member("file", shown.profile.files[location.file]);
    json.member("line", location.line);
    json.member("kind", frame_type_name(location.type));
    json.end_object();
  }
  json.end_array();
  if (shown.numbers == nullptr) return;
  json.key("path");
  json.begin_array();
  for (auto each = path.rbegin(); each != path.rend(); ++each)
    json.value((*shown.numbers)[shown.profile.locations[*each].function]);
  json.end_array();
}

void write_leak_process(JsonWriter& json, const Recording& recording, uint32_t process) {
  const bool known = process < recording.processes.size();
  json.member("pid", known ? recording.processes[process].pid : 0);
  json.member("program", known ? recording.processes[process].name() : std::string("[lost]"));
}

void write_leak_site(JsonWriter& json, const LeakJsonOf& shown, const LeakSite& site) {
  const Recording& recording = shown.profile.recording;
  json.begin_object();
  json.member("verdict", verdict_name(site.verdict));
  json.member("inherited", site.inherited);
  json.member("bytes", site.amount.bytes);
  json.member("blocks", site.amount.blocks);
  json.member("indirectly_lost_bytes", site.behind.bytes);
  json.member("indirectly_lost_blocks", site.behind.blocks);
  json.member("smallest_bytes", site.smallest_bytes);
  json.member("largest_bytes", site.largest_bytes);
  json.member("first_ns", site.first_ns);
  json.member("last_ns", site.last_ns);
  json.key("threads");
  json.begin_array();
  for (const uint32_t thread : site.threads) {
    json.begin_object();
    write_thread(json, recording, thread);
    json.end_object();
  }
  json.end_array();
  json.key("processes");
  json.begin_array();
  for (const uint32_t process : site.processes) {
    json.begin_object();
    write_leak_process(json, recording, process);
    json.end_object();
  }
  json.end_array();
  if (site.suppression) {
    const Suppression& entry = shown.suppressions.entries()[*site.suppression];
    json.key("suppression");
    json.begin_object();
    json.member("name", entry.name);
    json.member("file", entry.file);
    json.member("line", entry.line);
    json.end_object();
  }
  write_holders(json, shown, site.holders);
  write_leak_stack(json, shown, site.path);
  json.end_object();
}

}  // namespace flarestack
