// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <rapidjson/document.h>

#include "report/leaks_json.h"
#include "report/leaks_suppressions.h"
#include "report/leaks_text.h"
#include "report/leaks_words.h"
#include "report/report_json.h"
#include "report/report_text.h"
#include "report/summary_text.h"
#include "tests/unit/model/growing_server.h"
#include "tests/unit/model/leaky_game.h"
#include "tests/unit/report/golden.h"

namespace flarestack {
namespace {

constexpr uint8_t kAllVerdicts = 0x0F;

std::string text_of(const Profile& profile, const LeakReportOptions& options, uint64_t memory_bytes = 0) {
  const Suppressions builtin = builtin_suppressions();
  return leaks_text(profile, leaks_of(profile, &builtin), find_growth(profile, memory_bytes), builtin, options);
}

size_t widest_line(const std::string& text) {
  size_t widest = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    widest = std::max(widest, columns_of(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return widest;
}

rapidjson::Document json_of(const Profile& profile, size_t top = 0) {
  const Suppressions builtin = builtin_suppressions();
  LeakReportOptions options;
  options.top = top;
  const std::string text =
      leaks_json(profile, leaks_of(profile, &builtin), find_growth(profile, 1 << 30), builtin, options);
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(text.c_str(), text.size());
  REQUIRE(!document.HasParseError());
  return document;
}

Profile server_profile() {
  FakeRecording server = growing_server();
  ProfileOptions options;
  options.metric = Metric::kLive;
  auto profile = build_profile(server.finish(), options, server.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

}  // namespace

TEST_CASE("leaks as text") {
  const Profile profile = leaky_profile();
  check_golden("leaks.txt", text_of(profile, {}));
  LeakReportOptions all;
  all.shown = kAllVerdicts;
  all.layout.width = 80;
  const std::string narrow = text_of(profile, all);
  check_golden("leaks_all_narrow.txt", narrow);
  CHECK(widest_line(narrow) <= 80);
  LeakReportOptions one;
  one.top = 1;
  CHECK_THAT(text_of(profile, one), Catch::Contains("and 4 more sites"));
  LeakReportOptions coloured;
  coloured.layout.colour = Colour::kAlways;
  CHECK_THAT(text_of(profile, coloured), Catch::Contains("\033[31m96 B in 3 blocks definitely lost"));
}

TEST_CASE("growth as text, with and without a known size of memory") {
  const std::string text = text_of(server_profile(), {}, uint64_t{1} << 30);
  check_golden("leaks_growth.txt", text);
  CHECK(widest_line(text) <= 100);
  CHECK_THAT(text_of(server_profile(), {}), Catch::Contains("--memory SIZE"));
}

TEST_CASE("leaks as JSON keep the contract") {
  const rapidjson::Document document = json_of(leaky_profile());
  CHECK(document["schema"].GetString() == std::string("flarestack.leaks/1"));
  const auto& summary = document["summary"];
  CHECK(summary["definitely_lost"]["bytes"].GetUint64() == 120);
  CHECK(summary["definitely_lost"]["blocks"].GetUint64() == 4);
  CHECK(summary["indirectly_lost"]["bytes"].GetUint64() == 3288);
  CHECK(summary["possibly_lost"]["blocks"].GetUint64() == 1);
  CHECK(summary["still_reachable"]["bytes"].GetUint64() == (2 << 20) + 640);
  CHECK(summary["suppressed"]["bytes"].GetUint64() == 1024);
  uint64_t bytes = 0;
  for (const auto& site : document["sites"].GetArray()) {
    bytes += site["bytes"].GetUint64();
    CHECK(site["verdict"].IsString());
    CHECK(site["blocks"].GetUint64() >= 1);
    CHECK(site["stack"].Size() >= 3);
    for (const char* key : {"function", "module", "file", "line"}) CHECK(site["stack"][0].HasMember(key));
  }
  CHECK(bytes == 120 + 3288 + 4096 + (2 << 20) + 640);
  const auto& first = document["sites"][0];
  CHECK(first["verdict"].GetString() == std::string("definitely_lost"));
  CHECK(first["indirectly_lost_bytes"].GetUint64() == 3288);
  CHECK(first["stack"][0]["function"].GetString() == std::string("push_node"));
  CHECK(first["stack"][0]["line"].GetUint() == 5);
  CHECK(first["threads"].Size() == 2);
  CHECK(first["processes"][1]["pid"].GetInt() == 101);
  CHECK(document["checks"][1]["partial"].GetBool());
  CHECK(document["no_verdict"][0]["live_bytes"].GetUint64() == 8292);
  CHECK(document["inherited_sites"].Size() == 1);
  CHECK_FALSE(first["inherited"].GetBool());
  CHECK(document["suppressed_sites"][0]["suppression"]["name"].GetString() == std::string("stdio: buffers"));
  CHECK(json_of(leaky_profile(), 1)["sites"].Size() == 1);
  const rapidjson::Document growth = json_of(server_profile());
  CHECK(growth["growth"].Size() == 2);
  CHECK(growth["growth"][0]["trend"].GetString() == std::string("growing"));
  CHECK(growth["growth"][1]["trend"].GetString() == std::string("levelled_off"));
  CHECK(growth["growth_by_process"][0]["seconds_left"].GetDouble() > 0);
}

TEST_CASE("a leak of what was inherited says who lost it, or why nobody can tell") {
  for (const bool has_verdict : {true, false}) {
    LeakyGame game;
    game.heap();
    game.process(1, 100, "/usr/bin/game");
    game.process(2, 101, "/usr/bin/game", 1, 50'000'000);
    game.thread(1, 1, 100, "game");
    for (const uint32_t process : {has_verdict ? 1U : 2U, 2U})
      game.builder.add(LeakCheckRecord{{process}, 2, LeakCheckCause::kExit, 90'000'000, 1000, 9, 999, 4096, ""});
    LeakRecord lost = game.leak(LeakVerdict::kDefinitelyLost, kList, 2, 48, 2);
    lost.inherited = true;
    game.builder.add(lost);
    ProfileOptions options;
    options.metric = Metric::kLive;
    const auto profile = build_profile(game.finish(), options, game.symbols());
    REQUIRE(profile.ok());
    check_golden(has_verdict ? "leaks_inherited.txt" : "leaks_no_parent_verdict.txt", text_of(*profile, {}));
    const rapidjson::Document document = json_of(*profile);
    const auto& sites = document[has_verdict ? "sites" : "inherited_sites"];
    REQUIRE(sites.Size() == 1);
    CHECK(sites[0]["inherited"].GetBool());
    CHECK(sites[0]["processes"][0]["pid"].GetInt() == 101);
    REQUIRE(document["no_parent_verdict"].Size() == (has_verdict ? 0 : 1));
    if (has_verdict) continue;
    const auto& unknown = document["no_parent_verdict"][0];
    CHECK(unknown["pid"].GetInt() == 101);
    CHECK(unknown["parent"]["pid"].GetInt() == 100);
    CHECK(unknown["reason"].GetString() == std::string("nothing of its heap was recorded"));
    CHECK(unknown["lost_bytes"].GetUint64() == 48);
  }
}

TEST_CASE("generated suppressions suppress what was shown, and nothing else") {
  const Profile profile = leaky_profile();
  const Suppressions builtin = builtin_suppressions();
  for (const uint8_t shown : {uint8_t{0x01}, uint8_t{0x07}, kAllVerdicts}) {
    LeakReportOptions options;
    options.shown = shown;
    const Leaks before = leaks_of(profile, &builtin, true);
    const std::string text = leak_suppressions(profile, before, options);
    if (shown == 0x07) check_golden("leaks.supp", text);
    Suppressions own;
    REQUIRE(own.add(text, "own.supp").ok());
    REQUIRE(own.add(kBuiltinSuppressions, kBuiltinSuppressionsName).ok());
    const Leaks after = leaks_of(profile, &own);
    size_t left = 0;
    for (const LeakSite& site : before.sites) {
      const bool is_shown = (shown >> static_cast<int>(site.verdict) & 1) != 0;
      // What is indirectly lost goes with what leads to it.
      if (!is_shown && site.verdict != LeakVerdict::kIndirectlyLost) ++left;
    }
    CHECK(after.sites.size() == left);
    CHECK(after.totals.lost_blocks() == 0);
  }
}

TEST_CASE("a report of the heap and the summary tell of leaks in one line") {
  const char* line = "leaks: 120 B in 4 blocks definitely lost, and 3.21 KiB in 15 blocks behind them; 4.00 KiB in 1";
  CHECK_THAT(report_text(leaky_profile({}, Metric::kLeaked), {}), Catch::Contains(line));
  const Profile heap = leaky_profile();
  CHECK_THAT(summary_text(heap, nullptr, "game.flare", {}), Catch::Contains(line));
  CHECK_THAT(summary_text(leaky_profile({}, Metric::kCpu), &heap, "game.flare", {}), Catch::Contains(line));
  CHECK(leaks_line(server_profile(), nullptr) == "none");
}

TEST_CASE("a report of what leaked is a report as any other") {
  const Profile profile = leaky_profile({}, Metric::kLeaked);
  check_golden("leaked.txt", report_text(profile, {}));
  rapidjson::Document document;
  const std::string text = report_json(profile, {});
  document.Parse(text.c_str(), text.size());
  REQUIRE(!document.HasParseError());
  CHECK(document["metric"].GetString() == std::string("leaked"));
  CHECK(document["unit"].GetString() == std::string("bytes"));
  CHECK(document["total"].GetUint64() == 3408);
}

}  // namespace flarestack
