// SPDX-License-Identifier: Apache-2.0
#include "report/live_state.h"

#include <algorithm>

namespace flarestack {
namespace {

void append_utf8(std::string& text, int character) {
  const auto byte = [&text](int value) { text += static_cast<char>(value); };
  if (character < 0x80) {
    byte(character);
  } else if (character < 0x800) {
    byte(0xC0 | character >> 6);
    byte(0x80 | (character & 0x3F));
  } else if (character < 0x10000) {
    byte(0xE0 | character >> 12);
    byte(0x80 | (character >> 6 & 0x3F));
    byte(0x80 | (character & 0x3F));
  } else {
    byte(0xF0 | character >> 18);
    byte(0x80 | (character >> 12 & 0x3F));
    byte(0x80 | (character >> 6 & 0x3F));
    byte(0x80 | (character & 0x3F));
  }
}

void edit_filter(LiveState& state, int key) {
  if (key == kKeyEnter || key == kKeyEscape) {
    state.editing_filter = false;
    if (key == kKeyEscape) state.filter.clear();
  } else if (key == kKeyBackspace) {
    while (!state.filter.empty() && (static_cast<unsigned char>(state.filter.back()) & 0xC0) == 0x80)
      state.filter.pop_back();
    if (!state.filter.empty()) state.filter.pop_back();
  } else if (key >= ' ' && key < kKeyUp) {
    append_utf8(state.filter, key);
  }
}

void move_selection(LiveState& state, const LiveRows& rows, int64_t by) {
  if (rows.ids.empty()) return;
  const auto last = static_cast<int64_t>(rows.ids.size()) - 1;
  const auto at = static_cast<int64_t>(selected_index(state, rows.ids));
  state.selected[state.tab_index()] = rows.ids[static_cast<size_t>(std::clamp<int64_t>(at + by, 0, last))];
}

// Up and down, by rows of the table or lines of the detail.
bool move(LiveState& state, int key, const LiveRows& rows) {
  constexpr int64_t kFar = int64_t{1} << 40;
  const auto page = static_cast<int64_t>(std::max<size_t>(rows.page, 1));
  int64_t by = 0;
  switch (key) {
    case kKeyUp:
    case 'k':
      by = -1;
      break;
    case kKeyDown:
    case 'j':
      by = 1;
      break;
    case kKeyPageUp:
      by = -page;
      break;
    case kKeyPageDown:
      by = page;
      break;
    case kKeyHome:
      by = -kFar;
      break;
    case kKeyEnd:
      by = kFar;
      break;
    default:
      return false;
  }
  if (state.detail) {
    const auto to = static_cast<int64_t>(state.detail_scroll) + by;
    state.detail_scroll = static_cast<size_t>(std::clamp<int64_t>(to, 0, kFar));  // the screen knows where it ends
  } else {
    move_selection(state, rows, by);
  }
  return true;
}

void go_to(LiveState& state, size_t tab) {
  state.tab = static_cast<LiveTab>(tab % kLiveTabs);
  state.detail = false;
}

void sort_by(LiveState& state, const LiveRows& rows, size_t step) {
  if (rows.columns == 0) return;
  size_t& column = state.sort[state.tab_index()].column;
  column = (column + step) % rows.columns;
}

}  // namespace

size_t selected_index(const LiveState& state, const std::vector<uint32_t>& ids) {
  const std::optional<uint32_t>& selected = state.selected[state.tab_index()];
  const auto found = selected ? std::find(ids.begin(), ids.end(), *selected) : ids.end();
  return found == ids.end() ? 0 : static_cast<size_t>(found - ids.begin());
}

LiveAction press(LiveState& state, int key, const LiveRows& rows) {
  if (state.editing_filter) {
    edit_filter(state, key);
    return LiveAction::kNone;
  }
  if (state.help) {  // any key closes it
    state.help = false;
    return key == 'q' ? LiveAction::kQuit : LiveAction::kNone;
  }
  if (move(state, key, rows)) return LiveAction::kNone;
  switch (key) {
    case 'q':
      return LiveAction::kQuit;
    case 'r':
      return LiveAction::kReset;
    case 'p':
    case ' ':
      state.paused = !state.paused;
      break;
    case '?':
    case 'h':
      state.help = true;
      break;
    case '/':
      state.editing_filter = true;
      state.detail = false;
      break;
    case '1':
    case '2':
    case '3':
      go_to(state, static_cast<size_t>(key - '1'));
      break;
    case kKeyTab:
      go_to(state, state.tab_index() + 1);
      break;
    case '>':
    case kKeyRight:
      sort_by(state, rows, 1);
      break;
    case '<':
    case kKeyLeft:
      sort_by(state, rows, rows.columns - 1);
      break;
    case 'i':
      state.sort[state.tab_index()].ascending = !state.sort[state.tab_index()].ascending;
      break;
    case kKeyEnter:
      if (!rows.ids.empty() && state.tab != LiveTab::kThreads) {
        state.selected[state.tab_index()] = rows.ids[selected_index(state, rows.ids)];
        state.detail = !state.detail;
        state.detail_scroll = 0;
      }
      break;
    case kKeyEscape:
      if (!state.detail) state.filter.clear();
      state.detail = false;
      break;
    default:
      break;
  }
  return LiveAction::kNone;
}

}  // namespace flarestack
