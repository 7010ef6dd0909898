// SPDX-License-Identifier: Apache-2.0
#include "importer/perf_events.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "importer/trace_builder.h"

namespace flarestack {
namespace {

enum class Likeness : uint8_t { kNone, kUnnamed, kCycles, kNanoseconds };

Likeness likeness_to_time(std::string_view name) {
  if (name.starts_with("cpu-clock") || name.starts_with("task-clock")) return Likeness::kNanoseconds;
  if (name.find("cycles") != std::string_view::npos) return Likeness::kCycles;
  return name.empty() ? Likeness::kUnnamed : Likeness::kNone;
}

// "cycles:u" is wanted as "cycles" as well.
bool is_called(std::string_view name, std::string_view wanted) {
  return name == wanted || (name.starts_with(wanted) && name.substr(wanted.size()).starts_with(':'));
}

}  // namespace

std::optional<uint32_t> PerfEvents::number(std::string_view name) {
  if (last_ < events_.size() && events_[last_].name == name) return last_;
  for (last_ = 0; last_ < events_.size(); ++last_) {
    if (events_[last_].name == name) return last_;
  }
  if (events_.size() == TraceBuilder::kMaxEvents) return std::nullopt;
  events_.push_back({std::string(name), 0, false, {}, {}});
  return last_;
}

void PerfEvents::saw_sample(uint32_t number, ThreadId thread, std::optional<int64_t> time_ns,
                            std::optional<uint64_t> period) {
  Event& event = events_[number];
  ++event.samples;
  event.has_periods = event.has_periods || period.has_value();
  if (!time_ns || likeness_to_time(event.name) == Likeness::kNone) return;
  const auto [last, is_first] = event.last_time_ns.try_emplace(thread, *time_ns);
  const int64_t between_ns = *time_ns - last->second;
  last->second = *time_ns;
  if (is_first || between_ns <= 0 || period == uint64_t{0}) return;
  ++event.ratios[static_cast<int32_t>(
      std::lround(100 * std::log(static_cast<double>(between_ns) / static_cast<double>(period.value_or(1)))))];
}

std::optional<double> PerfEvents::median_ratio(const Event& event) {
  uint64_t all = 0;
  for (const auto& [ratio, count] : event.ratios) all += count;
  uint64_t below = 0;
  for (const auto& [ratio, count] : event.ratios) {
    below += count;
    if (2 * below >= all) return std::exp(ratio / 100.0);
  }
  return std::nullopt;
}

Result<PerfEvents::Choice> PerfEvents::choose(const std::string& wanted) const {
  if (events_.empty()) return Error{"there is no sample in it"};
  Choice choice;
  std::string names;
  for (uint32_t i = 0; i < events_.size(); ++i) {
    if (!names.empty()) names += ", ";
    names += events_[i].name;
    if (wanted.empty() && likeness_to_time(events_[i].name) > likeness_to_time(events_[choice.event].name))
      choice.event = i;
  }
  if (!wanted.empty()) {
    const auto found = std::find_if(events_.begin(), events_.end(),
                                    [&wanted](const Event& each) { return is_called(each.name, wanted); });
    if (found == events_.end()) return Error{fmt::format("there is no event '{}' in it; it has {}", wanted, names)};
    choice.event = static_cast<uint32_t>(found - events_.begin());
  }
  const Event& event = events_[choice.event];
  const Likeness likeness = likeness_to_time(event.name);
  const std::optional<double> ratio = median_ratio(event);
  const std::string name = event.name.empty() ? "an event without a name" : event.name;
  if (likeness == Likeness::kNanoseconds && event.has_periods) {
    choice.note = fmt::format("samples of {}, weighted by their periods, which are nanoseconds", name);
  } else if (likeness != Likeness::kNone && ratio) {
    choice.ns_per_unit = *ratio;
    choice.note = event.has_periods
                      ? fmt::format(
                            "samples of {}, weighted by their periods; a unit counts {:.3g} ns, the median by "
                            "the time between samples of a thread",
                            name, *ratio)
                      : fmt::format(
                            "samples of {}, without periods; each counts {:.3g} ms, the median time between "
                            "samples of a thread",
                            name, *ratio / 1e6);
  } else {
    choice.note = fmt::format(
        "samples of {}, which {}: each {} counts as 1 ns; `flarestack import --period` says what "
        "a sample is worth",
        name, likeness == Likeness::kNone ? "are no time" : "have no time stamps",
        event.has_periods ? "unit of their periods" : "of them");
  }
  for (uint32_t i = 0; i < events_.size(); ++i) {
    if (i == choice.event) continue;
    choice.others +=
        fmt::format("{}{} ({} samples)", choice.others.empty() ? "" : ", ", events_[i].name, events_[i].samples);
  }
  return choice;
}

}  // namespace flarestack
