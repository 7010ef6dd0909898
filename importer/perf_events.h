// SPDX-License-Identifier: Apache-2.0
// PerfEvents: the events that samples of perf are of, and what a unit of each is worth in time. Used by the reader of
// perf script.
//
// Problem: a trace's weights are nanoseconds. cpu-clock and task-clock count just that; cycles count something else,
// and where periods are not printed there is nothing but the samples. Choice: a unit is worth what the time stamps say:
// the time between two samples of one thread, divided by the second one's period, of which the median is taken. It is
// right for threads that run most of the time, which are those that have most samples, and shares within the event stay
// exact. What is no time at all (page faults, cache misses) counts a nanosecond for one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/ids.h"
#include "base/result.h"

namespace flarestack {

class PerfEvents {
 public:
  // The number of an event; none: there are too many.
  std::optional<uint32_t> number(std::string_view name);
  void saw_sample(uint32_t event, ThreadId thread, std::optional<int64_t> time_ns, std::optional<uint64_t> period);

  struct Choice {
    uint32_t event = 0;
    double ns_per_unit = 1;
    std::string note;    // what the weights are
    std::string others;  // events that are left out, empty: none
  };
  // The event of that name, or where it is empty the one that is most like time. Error: there is none.
  Result<Choice> choose(const std::string& wanted) const;

 private:
  struct Event {
    std::string name;
    uint64_t samples = 0;
    bool has_periods = false;
    std::map<int32_t, uint64_t> ratios;  // log of ns for a unit, in hundredths, and how often
    absl::flat_hash_map<ThreadId, int64_t> last_time_ns;
  };
  static std::optional<double> median_ratio(const Event& event);
  std::vector<Event> events_;
  uint32_t last_ = 0;
};

}  // namespace flarestack
