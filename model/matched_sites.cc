// SPDX-License-Identifier: Apache-2.0
#include "model/matched_sites.h"

#include <algorithm>
#include <map>
#include <utility>

#include "model/heap_sites.h"

namespace flarestack {
namespace {

// Beyond, sites are matched by their place in the order alone: generated code.
constexpr size_t kMostAligned = 500;

// One line, in the recordings of one side.
struct SideSite {
  PlacedSite place;
  std::vector<SiteFrame> path;
  std::string module;
  std::vector<double> runs;
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
};
using SitesOfFile = std::map<uint32_t, SideSite>;            // by line
using SitesOfFunction = std::map<std::string, SitesOfFile>;  // by the file's base name
using SitesOfSide = std::map<uint32_t, SitesOfFunction>;     // by matched function

std::string base_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

std::vector<SiteFrame> frames_of(const Profile& profile, const HeapSite& site) {
  std::vector<SiteFrame> frames;
  for (const uint32_t each : site.path) {
    const Location& location = profile.locations[each];
    frames.push_back({profile.functions[location.function].name, profile.files[location.file], location.line});
  }
  return frames;
}

// `first`: which of all profiles this side's first is.
SitesOfSide sites_of_side(std::span<const Profile* const> side, const MatchedFunctions& functions, size_t first) {
  SitesOfSide sites;
  for (size_t run = 0; run < side.size(); ++run) {
    const Profile& profile = *side[run];
    for (const HeapSite& each : heap_sites(profile)) {
      const Location& location = profile.locations[each.path.front()];
      const Function& function = profile.functions[location.function];
      const uint32_t matched = functions.of_profile(first + run)[location.function];
      SideSite& site = sites[matched][base_name(profile.files[location.file])][location.line];
      if (site.runs.empty()) {
        site.runs.resize(side.size());
        site.place.line = static_cast<int64_t>(location.line) - static_cast<int64_t>(function.line);
        site.path = frames_of(profile, each);
        site.module = function.module;
      }
      site.runs[run] += static_cast<double>(each.value(profile.options.metric));
      site.allocations += each.allocations;
      site.allocated_bytes += each.allocated_bytes;
    }
  }
  for (auto& [matched, files] : sites) {
    for (auto& [file, lines] : files) {
      for (auto& [line, site] : lines) {
        if (site.allocations != 0)
          site.place.mean_bytes = static_cast<double>(site.allocated_bytes) / static_cast<double>(site.allocations);
      }
    }
  }
  return sites;
}

MeasuredValue measured(const SideSite* site, size_t runs) {
  MeasuredValue value;
  value.runs = site == nullptr ? std::vector<double>(runs) : site->runs;
  for (const double each : value.runs) value.value += each / static_cast<double>(runs);
  return value;
}

struct Sides {
  size_t base_runs, newer_runs;
};

void add_match(const SideSite* base, uint32_t base_line, const SideSite* newer, const Sides& sides,
               std::vector<MatchedSite>& found) {
  const SideSite& shown = newer != nullptr ? *newer : *base;
  found.push_back(
      {shown.path, shown.module, base_line, measured(base, sides.base_runs), measured(newer, sides.newer_runs)});
}

void match_files(const SitesOfFile& base, const SitesOfFile& newer, const Sides& sides,
                 std::vector<MatchedSite>& found) {
  std::vector<std::pair<uint32_t, const SideSite*>> of_base, of_newer;
  std::vector<PlacedSite> base_places, newer_places;
  for (const auto& [line, site] : base) {
    of_base.emplace_back(line, &site);
    base_places.push_back(site.place);
  }
  for (const auto& [line, site] : newer) {
    of_newer.emplace_back(line, &site);
    newer_places.push_back(site.place);
  }
  size_t i = 0, j = 0;
  const auto add_until = [&](size_t base_end, size_t newer_end) {
    for (; i < base_end; ++i) add_match(of_base[i].second, of_base[i].first, nullptr, sides, found);
    for (; j < newer_end; ++j) add_match(nullptr, 0, of_newer[j].second, sides, found);
  };
  for (const auto& [a, b] : align_sites(base_places, newer_places)) {
    add_until(a, b);
    add_match(of_base[a].second, of_base[a].first, of_newer[b].second, sides, found);
    i = a + 1;
    j = b + 1;
  }
  add_until(of_base.size(), of_newer.size());
}

// A file that was renamed is one of a single one left on either side.
void match_function(SitesOfFunction base, SitesOfFunction newer, const Sides& sides, std::vector<MatchedSite>& found) {
  for (auto file = base.begin(); file != base.end();) {
    const auto same = newer.find(file->first);
    if (same == newer.end()) {
      ++file;
      continue;
    }
    match_files(file->second, same->second, sides, found);
    newer.erase(same);
    file = base.erase(file);
  }
  if (base.size() == 1 && newer.size() == 1) {
    match_files(base.begin()->second, newer.begin()->second, sides, found);
    return;
  }
  for (const auto& [file, lines] : base) match_files(lines, {}, sides, found);
  for (const auto& [file, lines] : newer) match_files({}, lines, sides, found);
}

double score_of(const PlacedSite& base, const PlacedSite& newer) {
  constexpr double kPaired = 8;  // more than all else, so that as many as possible are
  double score = kPaired;
  if (base.line == newer.line) score += 2;
  const double greater = std::max(base.mean_bytes, newer.mean_bytes);
  if (base.mean_bytes == newer.mean_bytes)
    score += 3;
  else if (greater > 0)
    score += std::min(base.mean_bytes, newer.mean_bytes) / greater;
  return score;
}

}  // namespace

std::vector<std::pair<size_t, size_t>> align_sites(std::span<const PlacedSite> base,
                                                   std::span<const PlacedSite> newer) {
  std::vector<std::pair<size_t, size_t>> pairs;
  if (std::max(base.size(), newer.size()) > kMostAligned) {
    for (size_t i = 0; i < std::min(base.size(), newer.size()); ++i) pairs.emplace_back(i, i);
    return pairs;
  }
  // best[i][j]: of the sites from i and from j on.
  const size_t width = newer.size() + 1;
  std::vector<double> best((base.size() + 1) * width, 0);
  for (size_t i = base.size(); i-- > 0;) {
    for (size_t j = newer.size(); j-- > 0;) {
      best[i * width + j] = std::max({best[(i + 1) * width + j], best[i * width + j + 1],
                                      best[(i + 1) * width + j + 1] + score_of(base[i], newer[j])});
    }
  }
  for (size_t i = 0, j = 0; i < base.size() && j < newer.size();) {
    const double here = best[i * width + j];
    if (here == best[(i + 1) * width + j + 1] + score_of(base[i], newer[j])) {
      pairs.emplace_back(i++, j++);
    } else if (here == best[(i + 1) * width + j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return pairs;
}

std::vector<MatchedSite> match_sites(std::span<const Profile* const> base, std::span<const Profile* const> newer,
                                     const MatchedFunctions& functions) {
  SitesOfSide of_base = sites_of_side(base, functions, 0);
  SitesOfSide of_newer = sites_of_side(newer, functions, base.size());
  const Sides sides{base.size(), newer.size()};
  std::vector<MatchedSite> found;
  for (auto& [function, files] : of_base) {
    const auto same = of_newer.find(function);
    match_function(std::move(files), same == of_newer.end() ? SitesOfFunction() : std::move(same->second), sides,
                   found);
    if (same != of_newer.end()) of_newer.erase(same);
  }
  for (auto& [function, files] : of_newer) match_function({}, std::move(files), sides, found);
  return found;
}

}  // namespace flarestack
