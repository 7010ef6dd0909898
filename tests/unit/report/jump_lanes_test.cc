// SPDX-License-Identifier: Apache-2.0
#include "report/jump_lanes.h"

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

using Lines = std::vector<std::string>;

TEST_CASE("a jump is a line from its row to its target's, which has the arrow") {
  CHECK(jump_lanes({{2, 0}}, 4, false) == Lines{",->", "|  ", "`--", "   "});
  CHECK(jump_lanes({{0, 2}}, 3, false) == Lines{",--", "|  ", "`->"});
  CHECK(jump_lanes({}, 2, false) == Lines{"", ""});
}

TEST_CASE("jumps to one row share a lane, and shorter ones run nearer to the text") {
  CHECK(jump_lanes({{3, 0}, {1, 0}, {1, 2}}, 4, false) == Lines{",--->", "+-,--", "| `->", "`----"});
}

TEST_CASE("where lanes cross it is seen") {
  CHECK(jump_lanes({{0, 2}, {1, 4}}, 5, false) == Lines{"  ,--", ",-+--", "| `->", "|    ", "`--->"});
  CHECK(jump_lanes({{0, 1}}, 2, true) == Lines{"\u256d\u2500\u2500", "\u2570\u2500\u25b8"});
}

TEST_CASE("a jump to itself needs one row") { CHECK(jump_lanes({{1, 1}}, 2, false) == Lines{"   ", ",->"}); }

TEST_CASE("the longest are left out where the lanes do not suffice") {
  std::vector<RowJump> jumps;
  for (uint32_t i = 0; i < 20; ++i) jumps.push_back({i, 40 - i});
  const Lines lines = jump_lanes(jumps, 41, false);
  CHECK(lines[0].find_first_not_of(' ') == std::string::npos);
  CHECK(lines[19].find(',') != std::string::npos);
  CHECK(lines[0].size() == lines[19].size());
}

}  // namespace
}  // namespace flarestack
