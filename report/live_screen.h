// SPDX-License-Identifier: Apache-2.0
// The screen of `flarestack top`, made of values: head, table or detail or help, and what the keys do. Nothing here
// knows a terminal. Offline side.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/live_view.h"
#include "report/live_state.h"
#include "report/live_table.h"

namespace flarestack {

enum class ScreenStyle : uint8_t { kPlain, kBold, kDim, kHeading, kSelected, kHot, kWarm, kNote };

struct ScreenSpan {
  ScreenStyle style = ScreenStyle::kPlain;
  std::string text;
};
using ScreenLine = std::vector<ScreenSpan>;

struct ScreenSize {
  size_t width = 80;
  size_t height = 24;
  bool unicode = false;
};

struct LiveScreen {
  std::vector<ScreenLine> lines;  // at most as many as the screen has, none wider
  LiveRows rows;                  // for press()
};

// What is shown beside the view.
struct LiveScreenText {
  std::vector<std::string> detail;  // of the selected row, if the state asks for it
  std::string quit;                 // what q does
};

LiveScreen live_screen(const LiveView& view, const LiveState& state, const LiveScreenText& text,
                       const ScreenSize& size);

// The head and the first `top` rows of each table as plain lines, for a pipe or a file.
std::string live_text(const LiveView& view, size_t top, size_t width);

// Of a function: who calls it, and what it calls, heaviest first; percentages are of the function's own total.
std::vector<std::string> function_detail(const CallTree& tree, const std::vector<Function>& functions, uint32_t id,
                                         const ScreenSize& size);
// Of a site: the call path that leads there, innermost first.
std::vector<std::string> site_detail(const std::vector<LiveFrame>& path, const ScreenSize& size);

std::string plain_text(const ScreenLine& line);

}  // namespace flarestack
