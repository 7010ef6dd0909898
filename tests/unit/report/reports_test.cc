// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <rapidjson/document.h>

#include "report/collapsed.h"
#include "report/info_json.h"
#include "report/info_text.h"
#include "report/quality_panel.h"
#include "report/report_json.h"
#include "report/report_markdown.h"
#include "report/tree_json.h"
#include "report/tree_text.h"
#include "tests/unit/report/game_recording.h"
#include "tests/unit/report/golden.h"

namespace flarestack {
namespace {

// Every line of `text` takes at most `width` columns.
void check_width(const std::string& text, size_t width) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    const std::string line = text.substr(begin, end - begin);
    INFO(line);
    CHECK(columns_of(line) <= width);
    CHECK((line.empty() || line.back() != ' '));
    begin = end + 1;
  }
}

// A profile whose names, paths and reasons try to break out of each format.
Profile hostile_profile() {
  FakeRecording fake;
  fake.process(1, 100, "/bin/ev\x1b[31mil");
  fake.thread(1, 1, 100, "t|h\n\x7f");
  fake.sample(1, {"a|b.so!x;y \"<\\script>]]>&`\x1b[2J\xff\n", "game!`tick|`"}, 5);
  fake.builder.add(UnrecordedRecord{7, {}, "cmd\x1b[0m", "rea\rson"});
  auto profile = build_profile(fake.finish(), {}, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

rapidjson::Document parsed(const std::string& text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(text.c_str(), text.size());
  REQUIRE(!document.HasParseError());
  return document;
}

}  // namespace

TEST_CASE("report as text") {
  const std::string text = report_text(game_profile(), {});
  check_golden("report.txt", text);
  check_width(text, 100);
}

TEST_CASE("report as text in a narrow terminal, with filters") {
  ProfileOptions filters;
  filters.process = "game";
  filters.to_ns = 50'000'000;
  filters.ignore = "leaf";
  ReportOptions options;
  options.layout.width = 80;
  options.top = 4;
  const std::string text = report_text(game_profile(filters), options);
  check_golden("report_narrow.txt", text);
  check_width(text, 80);
}

TEST_CASE("report in colour differs from the plain one in escapes only") {
  ReportOptions options;
  const std::string plain = report_text(game_profile(), options);
  options.layout.colour = Colour::kAlways;
  const std::string colour = report_text(game_profile(), options);
  std::string stripped;
  for (size_t i = 0; i < colour.size(); ++i) {
    if (colour[i] == '\x1b')
      i = colour.find('m', i);
    else
      stripped += colour[i];
  }
  CHECK(stripped == plain);
  CHECK(colour != plain);
}

TEST_CASE("report without samples says so") {
  FakeRecording fake;
  const auto profile = build_profile(fake.finish(), {}, fake.symbols());
  REQUIRE(profile.ok());
  CHECK(report_text(*profile, {}).find("No samples") != std::string::npos);
  CHECK(parsed(report_json(*profile, {}))["total"].GetUint64() == 0);
}

TEST_CASE("modules with the same problem are listed together and a remedy is said once") {
  FakeRecording fake;
  fake.thread(1, 0, 1, "main");
  const auto problem = [&fake](const std::string& name, const std::string& text, const std::string& remedy) {
    fake.sample(1, {name + "!work"}, 10);
    const std::string path = "/usr/lib/" + name;
    fake.problems[path] = {{}, ModuleSymbols::Level::kNone, path + " " + text, remedy};
  };
  problem("a.so", "has no symbols", "fetch them");
  problem("b.so", "has changed", "");
  problem("c.so", "has no symbols", "fetch them");
  problem("d.so", "has no lines", "fetch them");
  const auto profile = build_profile(fake.finish(), {}, fake.symbols());
  REQUIRE(profile.ok());
  const std::string text = quality_text(*profile, {});
  const std::string expected =
      "  symbols       a.so (25.0% of the time), c.so (25.0%): have no symbols\n"
      "                /usr/lib/d.so (25.0% of the time): has no lines\n"
      "                try: fetch them\n"
      "                /usr/lib/b.so (25.0% of the time): has changed\n";
  INFO(text);
  CHECK(text.find(expected) != std::string::npos);
}

TEST_CASE("report as JSON") {
  const std::string text = report_json(game_profile(), {});
  check_golden("report.json", text);
  const rapidjson::Document json = parsed(text);
  CHECK(json["schema"] == "flarestack.report/1");
  CHECK(json["metric"] == "cpu");
  CHECK(json["unit"] == "ns");
  CHECK(json["total"].GetUint64() == 100'000'000);
  uint64_t previous = UINT64_MAX;
  for (const auto& function : json["functions"].GetArray()) {
    for (const char* key : {"name", "module", "file", "line", "self", "total"}) CHECK(function.HasMember(key));
    CHECK(function["self"].GetUint64() <= previous);
    previous = function["self"].GetUint64();
  }
  CHECK(json["quality"]["unsymbolized_modules"][0] == "/usr/lib/libgpu.so");
}

TEST_CASE("report as markdown") { check_golden("report.md", report_markdown(game_profile(), {})); }

TEST_CASE("tree as text") {
  const std::string text = *tree_text(game_profile(), {});
  check_golden("tree.txt", text);
  check_width(text, 100);
}

TEST_CASE("callers and callees as text, with line-drawing guides") {
  TreeOptions options;
  options.function = "main|clone|fold";
  options.layout.unicode = true;
  check_golden("callers_callees.txt", *tree_text(game_profile(), options));
}

TEST_CASE("tree as JSON") {
  const std::string text = *tree_json(game_profile(), {});
  check_golden("tree.json", text);
  parsed(text);
  TreeOptions options;
  options.function = "fold";
  const rapidjson::Document json = parsed(*tree_json(game_profile(), options));
  CHECK(json["functions"][0]["total"].GetUint64() == 4'000'000);
  CHECK(json["functions"][0]["callers"][0]["name"] == "fold");
  CHECK(json["functions"][0]["callers"][1]["name"] == "worker");
}

TEST_CASE("a function's exact name wins over the same text as a regular expression") {
  const Profile profile = game_profile();
  const auto exact = find_functions(profile, "main");
  REQUIRE(exact.ok());
  CHECK(exact->size() == 1);
  CHECK(!find_functions(profile, "no_such").ok());
  CHECK(!find_functions(profile, "(").ok());
}

TEST_CASE("collapsed stacks") { check_golden("collapsed.txt", collapsed(game_profile())); }

TEST_CASE("info as text") { check_golden("info.txt", info_text(game_profile(), {})); }

TEST_CASE("info as JSON") {
  const std::string text = info_json(game_profile());
  check_golden("info.json", text);
  const rapidjson::Document json = parsed(text);
  CHECK(json["schema"] == "flarestack.info/1");
  CHECK(json["command"][0] == "./game");
  CHECK(json["processes"][0]["exit"].GetInt() == 0);
  CHECK(json["processes"][1]["exit"].GetInt() == 128 + 11);
  CHECK(json["processes"][1]["end"]["signal"].GetInt() == 11);
  CHECK(json["clock"]["kind"] == "perf_task_clock");
  CHECK(json["quality"]["complete"].GetBool());
}

TEST_CASE("a process that has not ended has no exit status") {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/game");
  const auto profile = build_profile(fake.finish(), {}, fake.symbols());
  CHECK(parsed(info_json(*profile))["processes"][0]["exit"].IsNull());
}

TEST_CASE("names cannot steer the terminal or break a format") {
  const Profile profile = hostile_profile();
  for (const std::string& text : {report_text(profile, {}), *tree_text(profile, {}), info_text(profile, {}),
                                  report_markdown(profile, {}), collapsed(profile)}) {
    INFO(text);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
    CHECK(text.find('\xff') == std::string::npos);
  }
  const std::string folded = collapsed(profile);
  CHECK(std::count(folded.begin(), folded.end(), ';') == 1);
  CHECK(std::count(folded.begin(), folded.end(), '\n') == 1);
  parsed(report_json(profile, {}));
  parsed(*tree_json(profile, {}));
  parsed(info_json(profile));
  const std::string markdown = report_markdown(profile, {});
  CHECK(markdown.find("`` `tick\\|` ``") != std::string::npos);
}

TEST_CASE("a stack of a hundred thousand frames is no problem for any report") {
  FakeRecording fake;
  fake.thread(1, 0, 1, "deep");
  std::vector<std::string> names;
  for (int i = 0; i < 100'000; ++i) names.push_back(i % 2 == 0 ? "game!even" : "game!odd");
  fake.sample(1, names, 5);
  const auto profile = build_profile(fake.finish(), {}, fake.symbols());
  REQUIRE(profile.ok());
  CHECK(report_text(*profile, {}).find("even") != std::string::npos);
  CHECK(tree_text(*profile, {}).ok());
  CHECK(tree_json(*profile, {}).ok());
  CHECK(collapsed(*profile).size() > 100'000);
}

}  // namespace flarestack
