// SPDX-License-Identifier: Apache-2.0
#include "model/function_table.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

namespace flarestack {
namespace {

struct FunctionValues {
  std::vector<uint64_t> self, total, samples;  // by function
};

// A function's total is the sum over its outermost occurrences, found in one walk down the tree.
FunctionValues sum_by_function(const Profile& profile) {
  const auto& nodes = profile.tree.nodes();
  FunctionValues values;
  values.self.resize(profile.functions.size());
  values.total.resize(profile.functions.size());
  values.samples.resize(profile.functions.size());
  std::vector<uint32_t> depth_of(profile.functions.size(), 0);  // occurrences on the path from the root
  constexpr uint32_t kLeave = uint32_t{1} << 31;
  std::vector<uint32_t> to_visit(profile.tree.children(CallTree::kRoot).begin(),
                                 profile.tree.children(CallTree::kRoot).end());
  while (!to_visit.empty()) {
    const uint32_t next = to_visit.back();
    to_visit.pop_back();
    const CallNode& node = nodes[next & ~kLeave];
    if ((next & kLeave) != 0) {
      --depth_of[node.function];
      continue;
    }
    values.self[node.function] += node.self;
    values.samples[node.function] += node.self_count;
    if (depth_of[node.function]++ == 0) values.total[node.function] += node.total;
    to_visit.push_back(next | kLeave);
    const auto children = profile.tree.children(next);
    to_visit.insert(to_visit.end(), children.begin(), children.end());
  }
  return values;
}

// Row numbers by function; kNoIndex for functions that have none.
using RowIndex = std::vector<uint32_t>;

void add_hottest_lines(const Profile& profile, const RowIndex& row_of, std::vector<FunctionRow>& rows) {
  std::vector<uint64_t> self_at(profile.locations.size(), 0);
  for (const ProfileSample& sample : profile.samples) self_at[sample.location] += sample.value;
  std::map<std::tuple<uint32_t, uint32_t, uint32_t>, uint64_t> self_by_line;  // row, file, line
  for (size_t i = 0; i < self_at.size(); ++i) {
    const Location& location = profile.locations[i];
    const uint32_t row = row_of[location.function];
    if (self_at[i] != 0 && row != kNoIndex && location.line != 0)
      self_by_line[{row, location.file, location.line}] += self_at[i];
  }
  for (const auto& [key, self] : self_by_line) {
    const auto [row, file, line] = key;
    if (self > rows[row].hottest_line.self) rows[row].hottest_line = {file, line, self};
  }
}

// Sample indexes, those of one thread together; `begin` has one more entry than there are threads.
std::vector<uint32_t> by_thread(const Profile& profile, std::vector<uint32_t>& begin) {
  const auto lost = static_cast<uint32_t>(profile.recording.threads.size());
  begin.assign(lost + 2, 0);
  for (const ProfileSample& sample : profile.samples) ++begin[std::min(sample.thread, lost) + 1];
  for (size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  std::vector<uint32_t> order(profile.samples.size());
  std::vector<uint32_t> next(begin.begin(), begin.end() - 1);
  for (uint32_t i = 0; i < order.size(); ++i) order[next[std::min(profile.samples[i].thread, lost)]++] = i;
  return order;
}

// For each node the nearest one upwards, itself included, whose function has a row; the root if there is none. With it
// a walk to the root passes the few rows only.
std::vector<uint32_t> nearest_rows(const std::vector<CallNode>& nodes, const RowIndex& row_of) {
  std::vector<uint32_t> nearest(nodes.size(), CallTree::kRoot);
  for (uint32_t i = 1; i < nodes.size(); ++i) {
    nearest[i] = row_of[nodes[i].function] != kNoIndex ? i : nearest[nodes[i].parent];
  }
  return nearest;
}

void add_threads(const Profile& profile, const RowIndex& row_of, std::vector<FunctionRow>& rows) {
  const auto& nodes = profile.tree.nodes();
  const std::vector<uint32_t> nearest = nearest_rows(nodes, row_of);
  std::vector<uint32_t> begin;
  const std::vector<uint32_t> order = by_thread(profile, begin);
  std::vector<uint32_t> seen_by(nodes.size(), kNoIndex);  // the last thread that was there
  std::vector<uint32_t> row_seen_by(rows.size(), kNoIndex);
  for (uint32_t thread = 0; thread + 1 < begin.size(); ++thread) {
    const uint32_t shown = thread < profile.recording.threads.size() ? thread : kLostIndex;
    const auto share = [&](uint32_t row) -> ThreadShare& {
      if (row_seen_by[row] != thread) rows[row].threads.push_back({shown, 0});
      row_seen_by[row] = thread;
      return rows[row].threads.back();
    };
    for (uint32_t i = begin[thread]; i < begin[thread + 1]; ++i) {
      const ProfileSample& sample = profile.samples[order[i]];
      if (sample.value == 0) continue;
      uint32_t node = nearest[sample.node];
      if (node == sample.node) share(row_of[nodes[node].function]).self += sample.value;
      for (; node != CallTree::kRoot && seen_by[node] != thread; node = nearest[nodes[node].parent]) {
        seen_by[node] = thread;
        share(row_of[nodes[node].function]);
      }
    }
  }
  for (FunctionRow& row : rows) {
    std::stable_sort(row.threads.begin(), row.threads.end(),
                     [](const ThreadShare& a, const ThreadShare& b) { return a.self > b.self; });
  }
}

}  // namespace

std::vector<FunctionRow> function_rows(const Profile& profile, double threshold) {
  const FunctionValues values = sum_by_function(profile);
  const double least = std::max(threshold * static_cast<double>(profile.total()), 1.0);
  std::vector<FunctionRow> rows;
  for (uint32_t i = 0; i < profile.functions.size(); ++i) {
    if (profile.functions[i].type == FrameType::kProcess || static_cast<double>(values.total[i]) < least) continue;
    rows.push_back({i, values.self[i], values.total[i], values.samples[i], {}, {}});
  }
  std::sort(rows.begin(), rows.end(), [&profile](const FunctionRow& a, const FunctionRow& b) {
    if (a.self != b.self) return a.self > b.self;
    if (a.total != b.total) return a.total > b.total;
    const Function& left = profile.functions[a.function];
    const Function& right = profile.functions[b.function];
    return std::tie(left.name, left.module_path) < std::tie(right.name, right.module_path);
  });
  return rows;
}

std::vector<FunctionRow> function_table(const Profile& profile, double threshold) {
  std::vector<FunctionRow> rows = function_rows(profile, threshold);
  RowIndex row_of(profile.functions.size(), kNoIndex);
  for (uint32_t i = 0; i < rows.size(); ++i) row_of[rows[i].function] = i;
  add_hottest_lines(profile, row_of, rows);
  add_threads(profile, row_of, rows);
  return rows;
}

double speed_up_without(uint64_t part, uint64_t whole) {
  if (part >= whole) return std::numeric_limits<double>::infinity();
  return static_cast<double>(whole) / static_cast<double>(whole - part);
}

}  // namespace flarestack
