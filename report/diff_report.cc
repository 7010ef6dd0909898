// SPDX-License-Identifier: Apache-2.0
#include "report/diff_report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "model/rounded.h"
#include "report/metric_words.h"

namespace flarestack {
namespace {

template <typename Diff>
void find_most_noise(const std::vector<Diff>& all, const DiffValue& (*value_of)(const Diff&), size_t& count,
                     const Diff*& most) {
  for (const Diff& each : all) {  // the greatest first
    if (value_of(each).verdict != ChangeVerdict::kNoise) continue;
    if (count++ == 0) most = &each;
  }
}

const char* more_word(Metric metric) { return is_heap_metric(metric) ? "more" : "slower"; }
const char* less_word(Metric metric) { return is_heap_metric(metric) ? "less" : "faster"; }

std::string file_and_line(const std::string& file, uint32_t line) {
  return file.empty() || line == 0 ? "" : fmt::format("{}:{}", short_file(file, 40), line);
}

}  // namespace

std::string mean_value(Metric metric, double value) { return format_value(metric, rounded(value)); }

std::string signed_value(Metric metric, double change) {
  const std::string text = mean_value(metric, std::abs(change));
  return rounded(std::abs(change)) == 0 ? text : (change > 0 ? "+" : "-") + text;
}

std::string change_ratio(const Change& change) {
  if (change.base == 0) return change.newer == 0 ? "" : "new";
  if (change.newer == 0) return "gone";
  if (change.change == 0) return "";
  const double ratio = change.newer / change.base;
  if (ratio >= 11) return fmt::format("x {:.{}f}", ratio, ratio < 100 ? 1 : 0);
  const double percent = 100 * (ratio - 1);
  return fmt::format("{:+.{}f}%", percent, std::abs(percent) < 99.95 ? 1 : 0);
}

const char* verdict_words(Metric metric, ChangeVerdict verdict) {
  switch (verdict) {
    case ChangeVerdict::kSame:
      return "same";
    case ChangeVerdict::kNoise:
      return "within the noise";
    case ChangeVerdict::kMore:
    case ChangeVerdict::kNew:
      return more_word(metric);
    case ChangeVerdict::kLess:
    case ChangeVerdict::kVanished:
      return less_word(metric);
  }
  return "";
}

DiffLists diff_lists(const ProfileDiff& diff) {
  DiffLists lists;
  lists.worse = changed_functions(diff, ChangeDirection::kMore);
  lists.better = changed_functions(diff, ChangeDirection::kLess);
  lists.worse_sites = changed_sites(diff, ChangeDirection::kMore);
  lists.better_sites = changed_sites(diff, ChangeDirection::kLess);
  for (const FunctionDiff& each : diff.functions) {
    if (!is_change(each.total.verdict) || is_change(each.self.verdict)) continue;
    // What changed by as much as the whole (main, _start) tells no more than that.
    if (std::abs(each.total.change.change - diff.total.change.change) >= diff.least)
      lists.through_calls.push_back(&each);
  }
  std::stable_sort(lists.through_calls.begin(), lists.through_calls.end(),
                   [](const FunctionDiff* a, const FunctionDiff* b) {
                     return std::abs(a->total.change.change) > std::abs(b->total.change.change);
                   });
  if (is_heap_metric(diff.metric)) {
    find_most_noise<SiteDiff>(
        diff.sites, [](const SiteDiff& each) -> const DiffValue& { return each.value; }, lists.noise,
        lists.most_noise_site);
  } else {
    find_most_noise<FunctionDiff>(
        diff.functions, [](const FunctionDiff& each) -> const DiffValue& { return each.self; }, lists.noise,
        lists.most_noise);
  }
  return lists;
}

std::string lists_phrase(const ProfileDiff& diff, const DiffLists& lists) {
  const bool is_heap = is_heap_metric(diff.metric);
  const size_t worse = is_heap ? lists.worse_sites.size() : lists.worse.size();
  const size_t better = is_heap ? lists.better_sites.size() : lists.better.size();
  const char* noun = is_heap ? "place" : "function";
  std::string phrase;
  if (worse + better == 0) {
    phrase = fmt::format("no {} changed", noun);
  } else {
    const auto count = [&](size_t number) {
      return fmt::format("{} {}{}", format_count(number), noun, number == 1 ? "" : "s");
    };
    if (worse != 0) phrase = fmt::format("{} {}", count(worse), more_word(diff.metric));
    if (better != 0)
      phrase += fmt::format("{}{} {}", worse != 0 ? ", " : "", worse != 0 ? format_count(better) : count(better),
                            less_word(diff.metric));
  }
  if (lists.noise != 0) {
    const Change& change = is_heap ? lists.most_noise_site->value.change : lists.most_noise->self.change;
    const std::string& name = is_heap ? lists.most_noise_site->path.front().function : lists.most_noise->function.name;
    phrase += fmt::format("; {} {} within the noise, {}{} by {}", format_count(lists.noise),
                          lists.noise == 1 ? "differs" : "differ", lists.noise == 1 ? "" : "most of all ",
                          short_function(name, 40), signed_value(diff.metric, change.change));
  }
  return phrase;
}

std::string place_of(const Function& function) { return file_and_line(function.file, function.line); }

std::string place_of(const SiteDiff& site) {
  const SiteFrame& frame = site.path.front();
  std::string place = file_and_line(frame.file, frame.line);
  if (!place.empty() && site.base_line != 0 && site.base_line != frame.line)
    place += fmt::format(" (was {})", site.base_line);
  return place;
}

std::vector<std::string> diff_notes(const DiffReport& report) {
  std::vector<std::string> notes;
  const auto is_sampled = [](const ProfileDiff& each) { return !each.is_exact; };
  const bool sampled = std::any_of(report.metrics.begin(), report.metrics.end(), is_sampled);
  const size_t base = report.base.traces.size(), newer = report.newer.traces.size();
  if (base > 1 && newer > 1) {
    notes.push_back(
        fmt::format("Means of {} and {} recordings; the noise is what they differ by among themselves.", base, newer));
  } else if (sampled) {
    notes.emplace_back(
        "The noise is that of sampling: what else varies from run to run is known only of several recordings of each "
        "side (--base, --new).");
  }
  const auto is_uncounted = [](const ProfileDiff& each) {
    return !each.is_exact && each.total.base.samples + each.total.newer.samples == 0 && each.total.base.value > 0;
  };
  if (std::any_of(report.metrics.begin(), report.metrics.end(), is_uncounted)) {
    notes.emplace_back(
        "How many samples these values are was not recorded, so no change of them can be told from chance (import "
        "--period).");
  }
  if (report.equal_totals)
    notes.emplace_back("The new side's values are scaled to the base's total: what changes are shares.");
  return notes;
}

}  // namespace flarestack
