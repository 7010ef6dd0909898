// SPDX-License-Identifier: Apache-2.0
// LiveState: how somebody looks at a LiveView: which table, sorted by what, which row, paused or not; and what the keys
// do to it. Values only, so that a test can press keys. Offline side.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flarestack {

enum class LiveTab : uint8_t { kFunctions, kSites, kThreads };
inline constexpr size_t kLiveTabs = 3;

// Of a terminal: a character is itself.
enum LiveKey : int {
  kKeyTab = '\t',
  kKeyEnter = '\n',
  kKeyEscape = 27,
  kKeyBackspace = 127,
  kKeyUp = 0x110000,  // behind the last character
  kKeyDown,
  kKeyLeft,
  kKeyRight,
  kKeyPageUp,
  kKeyPageDown,
  kKeyHome,
  kKeyEnd,
};

struct LiveSort {
  size_t column = 0;  // of live_table()
  bool ascending = false;
};

struct LiveState {
  LiveTab tab = LiveTab::kFunctions;
  std::array<LiveSort, kLiveTabs> sort = {LiveSort{2, false}, LiveSort{2, false}, LiveSort{3, false}};
  std::array<std::optional<uint32_t>, kLiveTabs> selected;  // row ids; none: the first row
  bool detail = false;                                      // of the selected row, in place of the table
  size_t detail_scroll = 0;
  bool help = false;
  bool paused = false;
  bool editing_filter = false;
  std::string filter;

  size_t tab_index() const { return static_cast<size_t>(tab); }
};

// What a key asks for beyond the state.
enum class LiveAction : uint8_t { kNone, kQuit, kReset };

struct LiveRows {
  std::vector<uint32_t> ids;  // of the table, as it is shown
  size_t page = 10;           // rows that are seen at once
  size_t columns = 0;         // that can be sorted by
};

LiveAction press(LiveState& state, int key, const LiveRows& rows);
// Of the selected row, or of the first one where that is none of them.
size_t selected_index(const LiveState& state, const std::vector<uint32_t>& ids);

}  // namespace flarestack
