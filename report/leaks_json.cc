// SPDX-License-Identifier: Apache-2.0
#include "report/leaks_json.h"

#include <algorithm>

#include "report/json_writer.h"

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

class LeakJson {
 public:
  LeakJson(const Profile& profile, const Suppressions& suppressions, size_t top)
      : profile_(profile), recording_(profile.recording), suppressions_(suppressions), top_(top) {}

  std::string write(const Leaks& leaks, const HeapGrowth& growth) {
    json_.begin_object();
    json_.member("schema", "flarestack.leaks/1");
    json_.member("command", recording_.session.command);
    write_summary(leaks.totals);
    write_sites("sites", leaks.sites);
    write_sites("suppressed_sites", leaks.suppressed);
    write_sites("inherited_sites", leaks.inherited);
    write_no_parent_verdict(leaks);
    write_checks(leaks);
    write_no_verdict(leaks);
    write_growth(growth);
    write_quality(json_, recording_, profile_.quality);
    json_.end_object();
    return json_.finish();
  }

 private:
  void write_amount(const char* key, const LeakAmount& amount) {
    json_.key(key);
    json_.begin_object();
    json_.member("bytes", amount.bytes);
    json_.member("blocks", amount.blocks);
    json_.end_object();
  }

  void write_summary(const LeakTotals& totals) {
    json_.key("summary");
    json_.begin_object();
    for (const LeakVerdict verdict : {LeakVerdict::kDefinitelyLost, LeakVerdict::kIndirectlyLost,
                                      LeakVerdict::kPossiblyLost, LeakVerdict::kStillReachable}) {
      write_amount(verdict_name(verdict), totals.of(verdict));
    }
    write_amount("suppressed", totals.suppressed);
    write_amount("inherited", totals.inherited);
    json_.end_object();
  }

  void write_stack(const std::vector<uint32_t>& path) {
    json_.key("stack");  // leaf first
    json_.begin_array();
    for (const uint32_t index : path) {
      const Location& location = profile_.locations[index];
      const Function& function = profile_.functions[location.function];
      json_.begin_object();
      json_.member("function", function.name);
      json_.member("module", function.module);
      json_.member("module_path", function.module_path);
      json_.member("file", profile_.files[location.file]);
      json_.member("line", location.line);
      json_.member("kind", frame_type_name(location.type));
      json_.end_object();
    }
    json_.end_array();
  }

  // The members of a thread, without the braces.
  void write_thread(uint32_t thread) {
    const bool known = thread < recording_.threads.size();
    json_.member("tid", known ? recording_.threads[thread].tid : 0);
    json_.member("name", known ? recording_.threads[thread].name : std::string("[lost]"));
  }

  void write_process(uint32_t process) {
    const bool known = process < recording_.processes.size();
    json_.member("pid", known ? recording_.processes[process].pid : 0);
    json_.member("program", known ? recording_.processes[process].name() : std::string("[lost]"));
  }

  void write_holders(const std::vector<LeakHeldBy>& holders) {
    json_.key("holders");
    json_.begin_array();
    for (const LeakHeldBy& holder : holders) {
      json_.begin_object();
      json_.member("kind", holder_name(holder.kind));
      json_.member("bytes", holder.amount.bytes);
      json_.member("blocks", holder.amount.blocks);
      if (holder.kind == LeakHolder::kModuleData) {
        const bool known = holder.module < recording_.modules.size();
        json_.member("module", known ? recording_.modules[holder.module].path : std::string());
        json_.member("offset", holder.offset.value);
        json_.member("variable", holder.variable);
        json_.member("offset_in_variable", holder.offset_in_variable);
      }
      if (holder.thread != kNoIndex) {
        json_.key("thread");
        json_.begin_object();
        write_thread(holder.thread);
        json_.end_object();
      }
      if (holder.kind == LeakHolder::kBlock) write_stack(holder.path);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_sites(const char* key, const std::vector<LeakSite>& sites) {
    json_.key(key);
    json_.begin_array();
    const size_t count = top_ == 0 ? sites.size() : std::min(top_, sites.size());
    for (size_t i = 0; i < count; ++i) write_site(sites[i]);
    json_.end_array();
  }

  void write_site(const LeakSite& site) {
    json_.begin_object();
    json_.member("verdict", verdict_name(site.verdict));
    json_.member("inherited", site.inherited);
    json_.member("bytes", site.amount.bytes);
    json_.member("blocks", site.amount.blocks);
    json_.member("indirectly_lost_bytes", site.behind.bytes);
    json_.member("indirectly_lost_blocks", site.behind.blocks);
    json_.member("smallest_bytes", site.smallest_bytes);
    json_.member("largest_bytes", site.largest_bytes);
    json_.member("first_ns", site.first_ns);
    json_.member("last_ns", site.last_ns);
    json_.key("threads");
    json_.begin_array();
    for (const uint32_t thread : site.threads) {
      json_.begin_object();
      write_thread(thread);
      json_.end_object();
    }
    json_.end_array();
    json_.key("processes");
    json_.begin_array();
    for (const uint32_t process : site.processes) {
      json_.begin_object();
      write_process(process);
      json_.end_object();
    }
    json_.end_array();
    if (site.suppression) {
      const Suppression& entry = suppressions_.entries()[*site.suppression];
      json_.key("suppression");
      json_.begin_object();
      json_.member("name", entry.name);
      json_.member("file", entry.file);
      json_.member("line", entry.line);
      json_.end_object();
    }
    write_holders(site.holders);
    write_stack(site.path);
    json_.end_object();
  }

  void write_no_parent_verdict(const Leaks& leaks) {
    json_.key("no_parent_verdict");
    json_.begin_array();
    for (const InheritedLoss& each : leaks.no_parent_verdict) {
      json_.begin_object();
      write_process(each.process);
      json_.key("parent");
      json_.begin_object();
      write_process(each.unknown.parent);
      json_.end_object();
      json_.member("reason", each.unknown.reason);
      json_.member("lost_bytes", each.lost.bytes);
      json_.member("lost_blocks", each.lost.blocks);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_checks(const Leaks& leaks) {
    json_.key("checks");
    json_.begin_array();
    for (const ProcessLeakCheck& each : leaks.checks) {
      json_.begin_object();
      write_process(each.process);
      json_.member("number", each.check.number);
      json_.member("checks", each.checks);
      json_.member("cause", leak_check_cause_name(each.check.cause));
      json_.member("time_ns", each.check.time_ns);
      json_.member("pause_ns", each.check.pause_ns);
      json_.member("blocks", each.check.blocks);
      json_.member("bytes", each.check.bytes);
      json_.member("root_bytes", each.check.root_bytes);
      json_.member("partial", !each.check.problem.empty());
      json_.member("problem", each.check.problem);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_no_verdict(const Leaks& leaks) {
    json_.key("no_verdict");
    json_.begin_array();
    for (const ProcessWithoutVerdict& each : leaks.no_verdict) {
      json_.begin_object();
      write_process(each.process);
      json_.member("reason", each.reason);
      json_.member("live_bytes", each.live.bytes);
      json_.member("live_blocks", each.live.blocks);
      json_.end_object();
    }
    json_.end_array();
    json_.key("live_without_verdict");
    json_.begin_array();
    const std::vector<LiveSite>& sites = leaks.live_without_verdict;
    const size_t count = top_ == 0 ? sites.size() : std::min(top_, sites.size());
    for (size_t i = 0; i < count; ++i) {
      json_.begin_object();
      json_.member("bytes", sites[i].amount.bytes);
      json_.member("blocks", sites[i].amount.blocks);
      write_stack(sites[i].path);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_growth(const HeapGrowth& growth) {
    json_.key("growth");
    json_.begin_array();
    for (const std::vector<GrowingPath>* paths : {&growth.growing, &growth.levelled}) {
      const size_t count = top_ == 0 ? paths->size() : std::min(top_, paths->size());
      for (size_t i = 0; i < count; ++i) write_growing((*paths)[i]);
    }
    json_.end_array();
    json_.key("growth_by_process");
    json_.begin_array();
    for (const ProcessGrowth& each : growth.processes) {
      json_.begin_object();
      write_process(each.process);
      json_.member("bytes_per_second", each.bytes_per_second);
      json_.member("resident_bytes", each.resident_bytes);
      json_.key("seconds_left");
      if (each.seconds_left >= 0) {
        json_.value(each.seconds_left);
      } else {
        json_.null();
      }
      json_.end_object();
    }
    json_.end_array();
    json_.key("memory_bytes");
    if (growth.memory_bytes != 0) {
      json_.value(growth.memory_bytes);
    } else {
      json_.null();
    }
  }

  void write_growing(const GrowingPath& each) {
    const bool grows = each.fit.trend == Trend::kGrowing;
    json_.begin_object();
    json_.member("trend", grows ? "growing" : "levelled_off");
    write_process(each.process);
    json_.member("bytes_per_second", each.fit.bytes_per_second);
    json_.member("confidence", each.fit.confidence);
    json_.member("live_bytes", each.live_bytes);
    json_.member("live_blocks", each.live_blocks);
    json_.key("oldest_age_ns");
    if (each.oldest_age_ns >= 0) {
      json_.value(each.oldest_age_ns);
    } else {
      json_.null();
    }
    write_stack(each.path);
    json_.end_object();
  }

  const Profile& profile_;
  const Recording& recording_;
  const Suppressions& suppressions_;
  size_t top_;
  JsonWriter json_;
};

}  // namespace

std::string leaks_json(const Profile& profile, const Leaks& leaks, const HeapGrowth& growth,
                       const Suppressions& suppressions, const LeakReportOptions& options) {
  return LeakJson(profile, suppressions, options.top).write(leaks, growth);
}

}  // namespace flarestack
