// SPDX-License-Identifier: Apache-2.0
#include "model/time_findings.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "model/share.h"
#include "model/stack_place.h"

namespace flarestack {
namespace {

// A standard error of 10 % of a share that is small, and of 25 %.
constexpr uint64_t kManySamples = 100;
constexpr uint64_t kFewSamples = 16;

struct Cause {
  StackPlace place;
  ActivityAt activity;
};

// One place's part of one kind of work.
struct PlaceCost {
  uint64_t amount = 0;
  uint64_t samples = 0;
  uint64_t library = 0;                     // of amount: in libraries' code
  std::map<uint32_t, uint64_t> by_thread;   // waiting
  std::map<std::string, uint64_t> by_call;  // by the library's function
  std::unordered_map<uint32_t, uint64_t> by_stack;
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> by_line;  // file and line in the place
};

struct KindCost {
  uint64_t amount = 0;
  uint64_t samples = 0;
  std::map<uint32_t, uint64_t> by_thread;
  std::map<uint32_t, PlaceCost> by_function;  // of the place, in Profile::functions; kNoIndex: none
};

template <typename Map>
auto greatest(const Map& amounts) {
  return std::max_element(amounts.begin(), amounts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; });
}

uint64_t greatest_amount(const std::map<uint32_t, uint64_t>& amounts) {
  return amounts.empty() ? 0 : greatest(amounts)->second;
}

Confidence confidence_of(uint64_t samples) {
  return samples >= kManySamples  ? Confidence::kSure
         : samples >= kFewSamples ? Confidence::kLikely
                                  : Confidence::kPossible;
}

class TimeFinder {
 public:
  TimeFinder(const Profile& profile, Findings& findings)
      : profile_(profile), findings_(findings), places_(profile), activities_(profile) {}

  void run() {
    for (const ProfileSample& sample : profile_.samples) add(sample);
    measure();
    for (auto& [kind, cost] : kinds_) {
      if (kind == Activity::kOwn) {
        for (const auto& [function, place] : cost.by_function) tell_function(function, place);
      } else if (kind >= Activity::kWaitForLock) {
        tell_wait(kind, cost);
      } else if (kind != Activity::kRecording) {
        tell_work(kind, cost);
      }
    }
  }

 private:
  const Cause& cause_of(const ProfileSample& sample) {
    const auto [entry, added] = causes_[sample.is_waiting ? 1 : 0].try_emplace(sample.stack);
    if (added) {
      entry->second.place = places_.find(sample.stack);
      entry->second.activity = activities_.find(entry->second.place, sample.is_waiting);
    }
    return entry->second;
  }

  void add(const ProfileSample& sample) {
    const Cause& cause = cause_of(sample);
    if (!sample.is_waiting && cause.activity.kind != Activity::kRecording) findings_.cpu_ns += sample.value;
    if (cause.activity.kind == Activity::kRecording) findings_.recording_ns += sample.value;
    KindCost& kind = kinds_[cause.activity.kind];
    const uint32_t location = cause.place.path.empty() ? kNoIndex : cause.place.path.front();
    PlaceCost& place = kind.by_function[location == kNoIndex ? kNoIndex : profile_.locations[location].function];
    kind.amount += sample.value;
    kind.samples += sample.count;
    kind.by_thread[sample.thread] += sample.value;
    place.amount += sample.value;
    place.samples += sample.count;
    place.by_thread[sample.thread] += sample.value;
    place.by_stack[sample.stack] += sample.value;
    if (!cause.place.library.empty()) place.library += sample.value;
    if (cause.activity.location != kNoIndex && cause.activity.location != location)
      place.by_call[name_at(cause.activity.location)] += sample.value;
    if (location != kNoIndex && profile_.locations[location].line != 0)
      place.by_line[{profile_.locations[location].file, profile_.locations[location].line}] += sample.value;
  }

  std::string name_at(uint32_t location) const {
    const std::string_view name = qualified_name(profile_.functions[profile_.locations[location].function].name);
    return std::string(name.substr(0, name.starts_with("operator ") ? name.find('(') : name.find('@')));
  }

  void measure() {
    const ProfileOptions& options = profile_.options;
    const int64_t from_ns = std::max<int64_t>(options.from_ns.value_or(0), 0);
    const int64_t to_ns = std::min(options.to_ns.value_or(INT64_MAX), profile_.recording.duration_ns);
    findings_.elapsed_ns = to_ns > from_ns ? static_cast<uint64_t>(to_ns - from_ns) : 0;
    findings_.knows_waiting = options.metric == Metric::kWall;
    findings_.has_time = true;
    findings_.busy = findings_.elapsed_ns == 0 ? 1 : std::min(1.0, share(findings_.cpu_ns, findings_.elapsed_ns));
  }

  // The calls that made most of it: "malloc, free".
  static std::string calls_of(const PlaceCost& cost) {
    constexpr size_t kMostCalls = 3;
    std::vector<std::pair<std::string, uint64_t>> calls(cost.by_call.begin(), cost.by_call.end());
    std::stable_sort(calls.begin(), calls.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string text;
    for (size_t i = 0; i < std::min(calls.size(), kMostCalls) && 20 * calls[i].second >= cost.amount; ++i)
      text += (i == 0 ? "" : ", ") + calls[i].first;
    return text;
  }

  FindingPlace place_of(const PlaceCost& cost, bool is_waiting) {
    FindingPlace place;
    place.amount = cost.amount;
    place.call = calls_of(cost);
    if (!cost.by_stack.empty()) place.path = causes_[is_waiting ? 1 : 0][greatest(cost.by_stack)->first].place.path;
    return place;
  }

  std::vector<FindingPlace> places_of(const KindCost& kind, bool is_waiting) {
    std::vector<FindingPlace> places;
    for (const auto& [function, cost] : kind.by_function) places.push_back(place_of(cost, is_waiting));
    std::stable_sort(places.begin(), places.end(),
                     [](const FindingPlace& a, const FindingPlace& b) { return a.amount > b.amount; });
    return places;
  }

  Finding cpu_finding(uint64_t amount, uint64_t samples) const {
    Finding finding;
    finding.profile = &profile_;
    finding.amount = amount;
    finding.samples = samples;
    finding.share = share(amount, findings_.cpu_ns);
    finding.win = finding.share * (findings_.knows_waiting ? findings_.busy : 1);
    finding.confidence = confidence_of(samples);
    return finding;
  }

  void tell_work(Activity kind, const KindCost& cost) {
    Finding finding = cpu_finding(cost.amount, cost.samples);
    if (finding.share < findings_.threshold && kind != Activity::kAllocation) return;
    const ActivityText& text = activity_text(kind);
    finding.id = text.id;
    finding.title = text.title;
    finding.why = text.why;
    finding.remedy = text.remedy;
    // The kernel's time is counted, not sampled.
    if (cost.samples == 0) finding.confidence = Confidence::kLikely;
    finding.places = places_of(cost, false);
    findings_.list.push_back(std::move(finding));
  }

  void tell_function(uint32_t function, const PlaceCost& cost) {
    Finding finding = cpu_finding(cost.amount, cost.samples);
    if (finding.share < findings_.threshold || function >= profile_.functions.size()) return;
    if (profile_.functions[function].type == FrameType::kMarker) return;  // the quality panel speaks of it
    finding.id = activity_text(Activity::kOwn).id;
    finding.title = profile_.functions[function].name;
    finding.function = function;
    finding.why = cost.library == 0
                      ? "it is the function's own code"
                      : fmt::format("{} of it is the function's own code, the rest library code that works for it",
                                    format_percent(cost.amount - cost.library, cost.amount));
    if (!cost.by_line.empty()) {
      const auto line = greatest(cost.by_line);
      if (5 * line->second >= cost.amount && cost.by_line.size() > 1)
        finding.why +=
            fmt::format("; {} of it on line {}", format_percent(line->second, cost.amount), line->first.second);
    }
    finding.places.push_back(place_of(cost, false));
    findings_.list.push_back(std::move(finding));
  }

  // The share of the time in which nothing ran, nor was ready to.
  double idle() const {
    const auto ready = kinds_.find(Activity::kWaitForProcessor);
    const uint64_t ready_ns = ready != kinds_.end() ? greatest_amount(ready->second.by_thread) : 0;
    return std::max(0.0, 1 - findings_.busy - share(ready_ns, findings_.elapsed_ns));
  }

  void tell_wait(Activity kind, const KindCost& cost) {
    const uint64_t longest_ns = greatest_amount(cost.by_thread);
    const double of_elapsed = std::min(1.0, share(longest_ns, findings_.elapsed_ns));
    Finding finding;
    finding.profile = &profile_;
    finding.amount = cost.amount;
    finding.samples = cost.samples;
    // Those who are ready wait whether or not others run.
    finding.win = kind == Activity::kWaitForProcessor ? of_elapsed : std::min(of_elapsed, idle());
    finding.share = finding.win;
    if (finding.share < findings_.threshold) return;
    const ActivityText& text = activity_text(kind);
    finding.id = text.id;
    finding.title = text.title;
    finding.why = text.why;
    finding.remedy = text.remedy;
    const bool may_be_idle = kind == Activity::kWaitForEvents || kind == Activity::kWaitForCondition ||
                             kind == Activity::kWaitForThread || kind == Activity::kWaitForChild ||
                             kind == Activity::kWaitForInput || kind == Activity::kWaitOther;
    finding.confidence =
        may_be_idle ? Confidence::kPossible : std::min(confidence_of(cost.samples), Confidence::kLikely);
    if (kind == Activity::kWaitForProcessor) finding.confidence = Confidence::kSure;  // the kernel's own account
    finding.places = places_of(cost, true);
    findings_.list.push_back(std::move(finding));
  }

  const Profile& profile_;
  Findings& findings_;
  PlaceFinder places_;
  ActivityFinder activities_;
  std::unordered_map<uint32_t, Cause> causes_[2];  // by stack: on the CPU, waiting
  std::map<Activity, KindCost> kinds_;
};

}  // namespace

void add_time_findings(const Profile& profile, Findings& findings) { TimeFinder(profile, findings).run(); }

}  // namespace flarestack
