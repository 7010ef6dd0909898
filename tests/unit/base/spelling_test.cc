// SPDX-License-Identifier: Apache-2.0
#include "base/spelling.h"

#include <array>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

TEST_CASE("each kind of slip is one edit") {
  REQUIRE(spelling_distance("", "") == 0);
  REQUIRE(spelling_distance("report", "report") == 0);
  REQUIRE(spelling_distance("", "abc") == 3);
  REQUIRE(spelling_distance("abc", "") == 3);
  REQUIRE(spelling_distance("reprt", "report") == 1);
  REQUIRE(spelling_distance("reeport", "report") == 1);
  REQUIRE(spelling_distance("repart", "report") == 1);
  REQUIRE(spelling_distance("reprot", "report") == 1);
  REQUIRE(spelling_distance("kitten", "sitting") == 3);
  REQUIRE(spelling_distance("ca", "abc") == 3);  // optimal string alignment; unrestricted would be 2
}

TEST_CASE("the nearest candidate is suggested, the first of equals, and nothing far-fetched") {
  constexpr std::array<std::string_view, 5> kCommands{"record", "report", "tree", "info", "flamegraph"};
  REQUIRE(closest_spelling("reprot", kCommands) == "report");
  REQUIRE(closest_spelling("recrd", kCommands) == "record");
  REQUIRE(closest_spelling("flaemgrahp", kCommands) == "flamegraph");
  REQUIRE(closest_spelling("repord", kCommands) == "record");
  REQUIRE_FALSE(closest_spelling("valgrind", kCommands).has_value());
  REQUIRE_FALSE(closest_spelling("", kCommands).has_value());
  REQUIRE_FALSE(closest_spelling("xy", kCommands).has_value());
  REQUIRE_FALSE(closest_spelling("report", std::span<const std::string_view>()).has_value());
}

}  // namespace
}  // namespace flarestack
