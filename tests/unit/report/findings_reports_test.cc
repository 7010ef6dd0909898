// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <rapidjson/document.h>

#include "report/findings_text.h"
#include "report/findings_words.h"
#include "report/report_json.h"
#include "report/report_markdown.h"
#include "report/report_text.h"
#include "tests/unit/report/busy_game.h"
#include "tests/unit/report/golden.h"

namespace flarestack {
namespace {

// As if the code of the game's own function had been looked at.
void add_hint(Findings& findings) {
  WorkHint hint;
  hint.kind = WorkKind::kDivision;
  hint.confidence = Confidence::kLikely;
  hint.share = 0.8;
  hint.quoted = {{0x11d0, "idiv    r8d", "idivl   %r8d", "", "/src/trace.cc", 50, 16'000'000},
                 {0x11e0, "call 0x1040", "call 0x1040", "modulo_of", "", 0, 1'000'000}};
  hint.why = "a division takes 10 to 40 cycles";
  hint.remedy = "divide by a constant";
  for (Finding& finding : findings.list) {
    if (finding.function != kNoIndex) finding.hints = {hint};
  }
}

}  // namespace

TEST_CASE("findings as text, and as Markdown") {
  const BusyGame game = busy_game();
  Findings findings = find_bottlenecks({&game.time, &game.heap, {}}, 0.05);
  add_hint(findings);
  check_golden("findings.txt", findings_text(findings, 0, {}));
  check_golden("findings.md", findings_markdown(findings, 3));
}

TEST_CASE("callers that are one function again and again are told once") {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.sample(1, {"libc.so.6!_start", "game!main", "game!walk", "game!walk", "game!walk", "game!visit"}, 10);
  const auto profile = build_profile(fake.finish(), {}, fake.symbols());
  REQUIRE(profile.ok());
  CHECK(findings_text(find_bottlenecks({&*profile, nullptr, {}}, 0.05), 0, {}).find("< walk x3 < main < _start") !=
        std::string::npos);
}

TEST_CASE("a report begins with its findings, in each format") {
  const BusyGame game = busy_game();
  Findings findings = find_bottlenecks({&game.time, &game.heap, {}}, 0.05);
  add_hint(findings);
  ReportOptions options;
  options.findings = &findings;
  const std::string text = report_text(game.time, options);
  CHECK(text.find("Bottlenecks") < text.find("FUNCTION"));
  CHECK(report_markdown(game.time, options).find("### Bottlenecks") != std::string::npos);
  rapidjson::Document json;
  json.Parse(report_json(game.time, options).c_str());
  REQUIRE(!json.HasParseError());
  REQUIRE(json["findings"].Size() == findings.list.size());
  for (const auto& finding : json["findings"].GetArray()) {
    for (const char* key :
         {"id", "title", "gain", "share", "amount", "unit", "confidence", "why", "try", "places", "hints"})
      CHECK(finding.HasMember(key));
  }
  CHECK(report_json(game.time, options).find("\"intel\": \"idiv    r8d\"") != std::string::npos);
  CHECK(std::string(report_json(game.time, {})).find("\"findings\"") == std::string::npos);
}

TEST_CASE("a recording in which nothing stands out says so, and what is not known") {
  const BusyGame game = busy_game(Metric::kCpu);
  const Findings none = find_bottlenecks({&game.time, nullptr, {}}, 0.9);
  const std::vector<std::string> said = remarks(none);
  REQUIRE(said.size() == 3);
  CHECK(said[0] == "Nothing stands out: no finding reaches 90.0%.");
  CHECK(said[1] ==
        "It ran on a processor for at most 50.0% of the 100 ms that went by; `record --clock wall` tells what it waits "
        "for.");
  CHECK(said[2].find("5.00 ms that recording itself took") != std::string::npos);
  CHECK(remarks(find_bottlenecks({nullptr, &game.heap, {}}, 0.05)).back().find("without CPU samples") !=
        std::string::npos);
}

}  // namespace flarestack
