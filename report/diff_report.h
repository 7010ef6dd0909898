// SPDX-License-Identifier: Apache-2.0
// What the reports of `flarestack diff` tell, and the words that they share. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/profile_diff.h"
#include "report/text_style.h"

namespace flarestack {

struct DiffReportSide {
  std::vector<std::string> traces;  // as they were named
  std::string command;              // of the first
};

struct DiffReport {
  DiffReportSide base;
  DiffReportSide newer;
  std::string filters;  // as describe_filters() has them; empty: none
  bool equal_totals = false;
  size_t top = 10;  // rows of a table at most; 0: all
  TextLayout layout;
  std::vector<ProfileDiff> metrics;
};

// "+100 ms", "-2.70 MiB", "+1,234", "0".
std::string signed_value(Metric metric, double change);
std::string mean_value(Metric metric, double value);
// "+20.8%", "x 12.5" from eleven times as much on, "new", "gone", "" where both are nothing.
std::string change_ratio(const Change& change);
// What the verdict on the whole, or on a row, means in this metric: "slower", "less", "within the noise", ...
const char* verdict_words(Metric metric, ChangeVerdict verdict);

// What of a metric is listed, each with the greatest change first.
struct DiffLists {
  std::vector<const FunctionDiff*> worse, better;  // by their own value
  std::vector<const FunctionDiff*> through_calls;  // whose own value did not change, but that of what they call
  std::vector<const SiteDiff*> worse_sites, better_sites;
  size_t noise = 0;                          // functions, or of a heap metric sites
  const FunctionDiff* most_noise = nullptr;  // of them the one that differs most
  const SiteDiff* most_noise_site = nullptr;
};
DiffLists diff_lists(const ProfileDiff& diff);
// "3 functions slower, 1 faster; 14 differ within the noise, most of all calm by +20 ms"
std::string lists_phrase(const ProfileDiff& diff, const DiffLists& lists);
// "work.c:12", of a function; "work.c:25 (was 20)", of a site; empty: unknown.
std::string place_of(const Function& function);
std::string place_of(const SiteDiff& site);
// Sentences on what to make of it all.
std::vector<std::string> diff_notes(const DiffReport& report);

}  // namespace flarestack
