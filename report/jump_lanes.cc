// SPDX-License-Identifier: Apache-2.0
#include "report/jump_lanes.h"

#include <algorithm>
#include <map>

namespace flarestack {
namespace {

constexpr uint32_t kMostLanes = 5;

// All jumps to one row.
struct Bundle {
  uint32_t to = 0;
  uint32_t first = 0;  // topmost and lowest row of it
  uint32_t last = 0;
  std::vector<uint32_t> from;
  uint32_t lane = 0;  // 0 is nearest to the text
};

enum Cell : uint8_t { kBlank, kVertical, kHorizontal, kCrossing, kTop, kBottom, kTee, kArrow };
constexpr const char* kAscii[] = {" ", "|", "-", "+", ",", "`", "+", ">"};
constexpr const char* kUnicode[] = {" ", "\u2502", "\u2500", "\u253c", "\u256d", "\u2570", "\u251c", "\u25b8"};

std::vector<Bundle> bundles_of(const std::vector<RowJump>& jumps) {
  std::map<uint32_t, Bundle> by_target;
  for (const RowJump& jump : jumps) {
    const auto [entry, added] = by_target.try_emplace(jump.to);
    Bundle& bundle = entry->second;
    if (added) bundle = {jump.to, jump.to, jump.to, {}, 0};
    bundle.first = std::min(bundle.first, jump.from);
    bundle.last = std::max(bundle.last, jump.from);
    bundle.from.push_back(jump.from);
  }
  std::vector<Bundle> bundles;
  for (auto& [to, bundle] : by_target) bundles.push_back(std::move(bundle));
  std::stable_sort(bundles.begin(), bundles.end(),
                   [](const Bundle& a, const Bundle& b) { return a.last - a.first < b.last - b.first; });
  return bundles;
}

// Each bundle gets the nearest lane that is free all along; those without one are dropped.
uint32_t assign_lanes(std::vector<Bundle>& bundles) {
  std::vector<std::vector<const Bundle*>> lanes(kMostLanes);
  uint32_t used = 0;
  std::vector<Bundle> kept;
  kept.reserve(bundles.size());
  for (Bundle& bundle : bundles) {
    for (uint32_t lane = 0; lane < kMostLanes; ++lane) {
      const bool is_free = std::none_of(lanes[lane].begin(), lanes[lane].end(), [&](const Bundle* other) {
        return other->first <= bundle.last && bundle.first <= other->last;
      });
      if (!is_free) continue;
      bundle.lane = lane;
      kept.push_back(bundle);
      lanes[lane].push_back(&kept.back());
      used = std::max(used, lane + 1);
      break;
    }
  }
  bundles = std::move(kept);
  return used;
}

class Canvas {
 public:
  Canvas(uint32_t rows, uint32_t lanes) : columns_(lanes * 2 + 1), cells_(size_t{rows} * columns_, kBlank) {}

  void draw(const Bundle& bundle) {
    const uint32_t column = columns_ - 3 - bundle.lane * 2;  // behind the lanes: a dash and the arrow's head
    for (uint32_t row = bundle.first; row <= bundle.last && bundle.first != bundle.last; ++row) {
      Cell& cell = at(row, column);
      cell = cell == kHorizontal ? kCrossing : kVertical;
    }
    for (const uint32_t row : bundle.from) reach(bundle, row, column);
    reach(bundle, bundle.to, column);
    at(bundle.to, columns_ - 1) = kArrow;
  }
  std::string text(uint32_t row, bool unicode) const {
    std::string out;
    for (uint32_t column = 0; column < columns_; ++column)
      out += (unicode ? kUnicode : kAscii)[cells_[size_t{row} * columns_ + column]];
    return out;
  }

 private:
  Cell& at(uint32_t row, uint32_t column) { return cells_[size_t{row} * columns_ + column]; }
  // From the lane to the text.
  void reach(const Bundle& bundle, uint32_t row, uint32_t column) {
    at(row, column) = row == bundle.first ? kTop : row == bundle.last ? kBottom : kTee;
    for (uint32_t each = column + 1; each < columns_; ++each) {
      Cell& cell = at(row, each);
      if (cell == kArrow) break;
      cell = cell == kVertical || cell == kCrossing ? kCrossing : cell == kBlank ? kHorizontal : cell;
    }
  }

  uint32_t columns_;
  std::vector<Cell> cells_;
};

}  // namespace

std::vector<std::string> jump_lanes(const std::vector<RowJump>& jumps, uint32_t row_count, bool unicode) {
  std::vector<Bundle> bundles = bundles_of(jumps);
  const uint32_t lanes = assign_lanes(bundles);
  std::vector<std::string> result(row_count);
  if (lanes == 0) return result;
  Canvas canvas(row_count, lanes);
  for (auto bundle = bundles.rbegin(); bundle != bundles.rend(); ++bundle) canvas.draw(*bundle);
  for (uint32_t row = 0; row < row_count; ++row) result[row] = canvas.text(row, unicode);
  return result;
}

}  // namespace flarestack
