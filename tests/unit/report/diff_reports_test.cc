// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <rapidjson/document.h>

#include "report/diff_json.h"
#include "report/diff_markdown.h"
#include "report/diff_text.h"
#include "report/flamegraph_difference.h"
#include "tests/unit/report/changed_game.h"
#include "tests/unit/report/golden.h"

namespace flarestack {

TEST_CASE("what changed, as text") {
  const std::string text = diff_text(changed_game_report(GameVersion::kOld, GameVersion::kNew));
  check_golden("diff.txt", text);
  for (size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
    const std::string line = text.substr(begin, text.find('\n', begin) - begin);
    INFO(line);
    CHECK(columns_of(line) <= 100);
  }
}

TEST_CASE("what changed, the other way round and in few rows") {
  DiffReport report = changed_game_report(GameVersion::kNew, GameVersion::kOld);
  report.top = 1;
  report.filters = "--process game";
  check_golden("diff_back.txt", diff_text(report));
}

TEST_CASE("nothing changed, as text") {
  check_golden("diff_same.txt", diff_text(changed_game_report(GameVersion::kOld, GameVersion::kOld)));
}

TEST_CASE("what changed, for a pull request") {
  check_golden("diff.md", diff_markdown(changed_game_report(GameVersion::kOld, GameVersion::kNew)));
}

TEST_CASE("what changed, as JSON") {
  const std::string text = diff_json(changed_game_report(GameVersion::kOld, GameVersion::kNew));
  check_golden("diff.json", text);
  rapidjson::Document document;
  document.Parse(text.c_str(), text.size());
  REQUIRE(!document.HasParseError());
  CHECK(std::string(document["schema"].GetString()) == "flarestack.diff/1");
}

TEST_CASE("frames of a difference are painted by how far they are from chance") {
  FlameDifference difference;
  difference.base_weight = difference.newer_weight = 1e6;
  difference.sigmas = 2.5;
  difference.least = 1e6;
  difference.whole = 1e9;
  const auto node = [](uint64_t base_ms, uint64_t newer_ms, FrameType type = FrameType::kNative) {
    FlameNode made;
    made.type = type;
    made.total = (base_ms + newer_ms) * 1'000'000;
    made.total_count = base_ms * 1'000'000;
    return made;
  };
  CHECK(difference.frame_class(node(100, 200)) == "up5");  // 100 of sqrt(300): 5.8 sigma
  CHECK(difference.frame_class(node(200, 100)) == "down5");
  CHECK(difference.frame_class(node(100, 110)) == "even");
  CHECK(difference.frame_class(node(300, 0)) == "gone");
  CHECK(difference.frame_class(node(3, 0)) == "gone faint");
  CHECK(std::string(difference.mark_of(node(0, 300))) == "+ ");
  CHECK(std::string(difference.mark_of(node(0, 3))).empty());
  CHECK(difference.frame_class(node(100, 200, FrameType::kKernel)) == "even");  // as one sample
  difference.base_weight = difference.newer_weight = 0;                         // exact: by how much
  CHECK(difference.frame_class(node(100, 110)) == "up2");
  CHECK(difference.frame_class(node(100, 1000)) == "up7");
}

TEST_CASE("changes as ratios") {
  const auto ratio = [](double base, double newer) {
    Change change{base, newer, newer - base, 0, 0};
    return change_ratio(change);
  };
  CHECK(ratio(100, 120.8) == "+20.8%");
  CHECK(ratio(100, 50) == "-50.0%");
  CHECK(ratio(100, 300) == "+200%");
  CHECK(ratio(100, 1250) == "x 12.5");
  CHECK(ratio(100, 20'000) == "x 200");
  CHECK(ratio(0, 5) == "new");
  CHECK(ratio(5, 0) == "gone");
  CHECK(ratio(5, 5).empty());
}

}  // namespace flarestack
