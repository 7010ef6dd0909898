// SPDX-License-Identifier: Apache-2.0
// The tables of `flarestack top`: functions, allocation sites or threads of a LiveView, as texts in columns, filtered
// and sorted. Offline side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/live_view.h"
#include "report/live_state.h"

namespace flarestack {

// How much a row asks for attention.
enum class LiveHeat : uint8_t { kNone, kWarm, kHot };

struct LiveColumn {
  std::string title;
  size_t width = 0;  // at least; the last column of a table, which is a name, takes what is left
  bool left_aligned = false;
  bool is_hidden = false;  // a narrow terminal has no room for it
};

struct LiveRow {
  uint32_t id = 0;
  std::vector<std::string> cells;  // one a column
  LiveHeat heat = LiveHeat::kNone;
};

struct LiveTable {
  std::vector<LiveColumn> columns;
  std::vector<LiveRow> rows;
};

// The one that the state is at, in `width` columns: names are cut to what the other columns leave.
LiveTable live_table(const LiveView& view, const LiveState& state, size_t width);

// What of the functions' time is now against what it is on the whole, in points of percentage: "+12.3", "-4.0"; "="
// where the samples of now cannot tell.
std::string trend_text(const LiveFunction& function, const LiveView& view);

}  // namespace flarestack
