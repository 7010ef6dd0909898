// SPDX-License-Identifier: Apache-2.0
#include "report/leaks_json.h"

#include <algorithm>

#include "report/json_writer.h"
#include "report/leak_sites_json.h"

namespace flarestack {
namespace {

class LeakJson {
 public:
  LeakJson(const Profile& profile, const Suppressions& suppressions, size_t top)
      : profile_(profile), recording_(profile.recording), shown_{profile, suppressions, nullptr}, top_(top) {}

  std::string write(const Leaks& leaks, const HeapGrowth& growth) {
    json_.begin_object();
    json_.member("schema", "flarestack.leaks/1");
    json_.member("command", recording_.session.command);
    write_leak_summary(json_, "summary", leaks.totals);
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
  void write_process(uint32_t process) { write_leak_process(json_, recording_, process); }

  void write_sites(const char* key, const std::vector<LeakSite>& sites) {
    json_.key(key);
    json_.begin_array();
    const size_t count = top_ == 0 ? sites.size() : std::min(top_, sites.size());
    for (size_t i = 0; i < count; ++i) write_leak_site(json_, shown_, sites[i]);
    json_.end_array();
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
      write_leak_stack(json_, shown_, sites[i].path);
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
    write_leak_stack(json_, shown_, each.path);
    json_.end_object();
  }

  const Profile& profile_;
  const Recording& recording_;
  LeakJsonOf shown_;
  size_t top_;
  JsonWriter json_;
};

}  // namespace

std::string leaks_json(const Profile& profile, const Leaks& leaks, const HeapGrowth& growth,
                       const Suppressions& suppressions, const LeakReportOptions& options) {
  return LeakJson(profile, suppressions, options.top).write(leaks, growth);
}

}  // namespace flarestack
