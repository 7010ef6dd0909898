// SPDX-License-Identifier: Apache-2.0
#include "model/time_findings.h"

#include <algorithm>
#include <array>
#include <map>
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

// The samples of one stack, on the CPU or waiting: what all of them have in common.
struct StackCost {
  uint32_t stack = 0;
  uint32_t location = kNoIndex;  // the place, in Profile::locations
  ActivityAt activity;
  bool through_library = false;
  uint64_t amount = 0;
  uint64_t samples = 0;
};

// One place's part of one kind of work.
struct PlaceCost {
  uint64_t amount = 0;
  uint64_t samples = 0;
  uint64_t library = 0;                  // of amount: in libraries' code
  std::map<uint32_t, uint64_t> by_call;  // by the library's function
  uint64_t most_of_a_stack = 0;
  uint32_t heaviest_stack = kNoIndex;
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> by_line;  // file and line in the place
};

struct KindCost {
  uint64_t amount = 0;
  uint64_t samples = 0;
  std::vector<uint64_t> by_thread;            // in Recording::threads; one more for all that are unknown
  std::map<uint32_t, PlaceCost> by_function;  // of the place, in Profile::functions; kNoIndex: none
};

template <typename Map>
auto greatest(const Map& amounts) {
  return std::max_element(amounts.begin(), amounts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; });
}

uint64_t greatest_amount(const std::vector<uint64_t>& amounts) {
  return amounts.empty() ? 0 : *std::max_element(amounts.begin(), amounts.end());
}

Confidence confidence_of(uint64_t samples) {
  return samples >= kManySamples  ? Confidence::kSure
         : samples >= kFewSamples ? Confidence::kLikely
                                  : Confidence::kPossible;
}

class TimeFinder {
 public:
  TimeFinder(const Profile& profile, Findings& findings)
      : profile_(profile), findings_(findings), places_(profile), activities_(profile) {
    for (std::vector<uint32_t>& costs : cost_of_stack_) costs.assign(profile.recording.stacks.size() + 2, kNoIndex);
  }

  void run() {
    for (const ProfileSample& sample : profile_.samples) add(sample);
    for (const StackCost& cost : costs_) add(cost);
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
  // Of the sample's stack: looked at once, however many samples it has.
  StackCost& cost_of(const ProfileSample& sample) {
    const uint32_t known = static_cast<uint32_t>(profile_.recording.stacks.size());
    const uint32_t place = sample.stack < known ? sample.stack : sample.stack == kNoIndex ? known : known + 1;
    uint32_t& number = cost_of_stack_[sample.is_waiting ? 1 : 0][place];
    if (number == kNoIndex) {
      number = static_cast<uint32_t>(costs_.size());
      const StackPlace& found = places_.find(sample.stack, 1);
      StackCost& cost = costs_.emplace_back();
      cost.stack = sample.stack;
      cost.location = found.path.empty() ? kNoIndex : found.path.front();
      cost.activity = activities_.find(found, sample.is_waiting);
      cost.through_library = !found.library.empty();
    }
    return costs_[number];
  }

  void add(const ProfileSample& sample) {
    StackCost& cost = cost_of(sample);
    cost.amount += sample.value;
    cost.samples += sample.count;
    const bool is_recording = cost.activity.kind == Activity::kRecording;
    if (!sample.is_waiting && !is_recording) findings_.cpu_ns += sample.value;
    if (is_recording) findings_.recording_ns += sample.value;
    std::vector<uint64_t>& by_thread = kinds_[cost.activity.kind].by_thread;
    const size_t threads = profile_.recording.threads.size();
    if (by_thread.empty()) by_thread.resize(threads + 1);
    by_thread[std::min<size_t>(sample.thread, threads)] += sample.value;
  }

  void add(const StackCost& cost) {
    KindCost& kind = kinds_[cost.activity.kind];
    const bool has_place = cost.location != kNoIndex;
    PlaceCost& place = kind.by_function[has_place ? profile_.locations[cost.location].function : kNoIndex];
    kind.amount += cost.amount;
    kind.samples += cost.samples;
    place.amount += cost.amount;
    place.samples += cost.samples;
    if (cost.amount > place.most_of_a_stack) {
      place.most_of_a_stack = cost.amount;
      place.heaviest_stack = cost.stack;
    }
    if (cost.through_library) place.library += cost.amount;
    if (cost.activity.location != kNoIndex && cost.activity.location != cost.location)
      place.by_call[profile_.locations[cost.activity.location].function] += cost.amount;
    if (has_place && profile_.locations[cost.location].line != 0)
      place.by_line[{profile_.locations[cost.location].file, profile_.locations[cost.location].line}] += cost.amount;
  }

  std::string name_of(uint32_t function) const {
    const std::string_view name = qualified_name(profile_.functions[function].name);
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
  std::string calls_of(const PlaceCost& cost) const {
    constexpr size_t kMostCalls = 3;
    std::map<std::string, uint64_t> by_name;
    for (const auto& [function, amount] : cost.by_call) by_name[name_of(function)] += amount;
    std::vector<std::pair<std::string, uint64_t>> calls(by_name.begin(), by_name.end());
    std::stable_sort(calls.begin(), calls.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string text;
    for (size_t i = 0; i < std::min(calls.size(), kMostCalls) && 20 * calls[i].second >= cost.amount; ++i)
      text += (i == 0 ? "" : ", ") + calls[i].first;
    return text;
  }

  FindingPlace place_of(const PlaceCost& cost) {
    FindingPlace place;
    place.amount = cost.amount;
    place.call = calls_of(cost);
    place.path = places_.find(cost.heaviest_stack).path;
    return place;
  }

  std::vector<FindingPlace> places_of(const KindCost& kind) {
    std::vector<FindingPlace> places;
    for (const auto& [function, cost] : kind.by_function) places.push_back(place_of(cost));
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
    finding.places = places_of(cost);
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
    finding.places.push_back(place_of(cost));
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
    finding.places = places_of(cost);
    findings_.list.push_back(std::move(finding));
  }

  const Profile& profile_;
  Findings& findings_;
  PlaceFinder places_;
  ActivityFinder activities_;
  std::vector<StackCost> costs_;
  // By stack, one more for none and one for lost ones: on the CPU, waiting. kNoIndex: not looked at yet.
  std::array<std::vector<uint32_t>, 2> cost_of_stack_;
  std::map<Activity, KindCost> kinds_;
};

}  // namespace

void add_time_findings(const Profile& profile, Findings& findings) { TimeFinder(profile, findings).run(); }

}  // namespace flarestack
