// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <rapidjson/document.h>

#include "report/collapsed.h"
#include "report/flamegraph_svg.h"
#include "report/info_json.h"
#include "report/info_text.h"
#include "report/report_json.h"
#include "report/report_markdown.h"
#include "report/summary_text.h"
#include "report/tree_json.h"
#include "report/tree_text.h"
#include "tests/unit/report/golden.h"
#include "tests/unit/report/heap_game.h"

namespace flarestack {
namespace {

constexpr Metric kHeapMetrics[] = {Metric::kAllocated, Metric::kAllocations, Metric::kPeak, Metric::kLive,
                                   Metric::kTemporary};

rapidjson::Document parsed(const std::string& text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(text.c_str(), text.size());
  REQUIRE(!document.HasParseError());
  return document;
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

}  // namespace

TEST_CASE("a heap report as text, by each metric") {
  for (const Metric metric : kHeapMetrics) {
    const std::string text = report_text(heap_game_profile(metric), {});
    check_golden(std::string("heap_") + metric_name(metric) + ".txt", text);
    CHECK(widest_line(text) <= 100);
    CHECK(text.find(" of the time") == std::string::npos);
  }
}

TEST_CASE("a heap report of one function in a narrow terminal") {
  ProfileOptions filters;
  filters.focus = "load_level";
  ReportOptions options;
  options.layout.width = 80;
  options.layout.unicode = true;
  const std::string text = report_text(heap_game_profile(Metric::kPeak, filters), options);
  check_golden("heap_narrow.txt", text);
  CHECK(widest_line(text) <= 80);
}

TEST_CASE("a heap report as Markdown, tree, collapsed stacks and summary") {
  const Profile profile = heap_game_profile(Metric::kAllocated);
  check_golden("heap.md", report_markdown(profile, {}));
  check_golden("heap_tree.txt", *tree_text(profile, {}));
  check_golden("heap.collapsed", collapsed(profile));
  check_golden("heap_summary.txt", summary_text(heap_game_profile(Metric::kCpu), &profile, "game.flare", {}));
  check_golden("heap_info.txt", info_text(heap_game_profile(Metric::kCpu), {}));
}

TEST_CASE("a heap report as JSON keeps the contract") {
  for (const Metric metric : kHeapMetrics) {
    const Profile profile = heap_game_profile(metric);
    ReportOptions options;
    options.threshold = 0;
    const rapidjson::Document report = parsed(report_json(profile, options));
    CHECK(report["metric"].GetString() == std::string(metric_name(metric)));
    CHECK(report["unit"].GetString() == std::string(metric_unit(metric)));
    uint64_t self = 0;
    for (const auto& function : report["functions"].GetArray()) {
      self += function["self"].GetUint64();
      CHECK(function["total"].GetUint64() >= function["self"].GetUint64());
      CHECK_FALSE(function.HasMember("speed_up_if_free"));
    }
    CHECK(self == report["total"].GetUint64());
    const auto& heap = report["heap"];
    CHECK(heap["allocations"].GetUint64() == 198'008);
    CHECK(heap["deallocations"].GetUint64() == 98'007);
    CHECK(heap["peak_bytes"].GetUint64() == 8'691'456);
    CHECK(heap["peak_time_ns"].GetInt64() == 44'000'000);
    CHECK(heap["live_bytes_at_end"].GetUint64() == 2'400'000 + (1 << 20));
    CHECK(heap["live_blocks_at_end"].GetUint64() == 100'001);
    CHECK(heap["temporary_allocations"].GetUint64() == 49'990);
    const char* same = metric == Metric::kAllocated     ? "allocated_bytes"
                       : metric == Metric::kAllocations ? "allocations"
                       : metric == Metric::kPeak        ? "peak_bytes"
                       : metric == Metric::kLive        ? "live_bytes_at_end"
                                                        : "temporary_allocations";
    CHECK(heap[same].GetUint64() == report["total"].GetUint64());
    CHECK(heap["mapped"]["mapped_bytes"].GetUint64() == 128 << 20);
    CHECK(heap["memory"]["rss_peak"]["pid"].GetInt() == 100);
    CHECK(heap["sizes"].Size() == 8);
    CHECK(heap["lifetimes"].Size() == kLifetimeClasses);
    CHECK(report["advice"].Size() == 6);
    uint64_t by_place = 0;
    for (const auto& place : report["places"].GetArray()) by_place += place["value"].GetUint64();
    CHECK(by_place == report["total"].GetUint64());
    CHECK(report["quality"]["heap_events"].GetUint64() == 400'000);
    CHECK(report["quality"]["foreign_frees"].GetUint64() == 3);
  }
}

TEST_CASE("the summary of a recording of the heap alone names who allocated") {
  const Profile profile = heap_game_profile(Metric::kAllocated);
  const std::string text = summary_text(profile, nullptr, "game.flare", {});
  CHECK_THAT(text, Catch::Contains("20.4 MiB allocated in 1 process over 100 ms, no CPU samples\n   39.2% load_level"));
  CHECK_THAT(text, Catch::Contains("heap: 20.4 MiB in 198,008 allocations"));
  CHECK(std::count(text.begin(), text.end(), '\n') <= 10);
}

TEST_CASE("numbers that a damaged trace makes do not make a report endless") {
  FakeRecording fake = heap_game_recording();
  AllocationRecord record = FakeRecording::blocks(64, 1, 1);
  record.lifetimes[3] = uint64_t{1} << 59;
  fake.allocation(1, {"game!main"}, record);
  ProfileOptions options;
  options.metric = Metric::kAllocated;
  const auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  CHECK(report_text(*profile, {}).size() < 20'000);
}

TEST_CASE("info tells of the heap and of notes") {
  const rapidjson::Document info = parsed(info_json(heap_game_profile(Metric::kCpu)));
  CHECK(info["heap"]["mode"].GetString() == std::string("exact"));
  CHECK(info["heap"]["allocations"].GetUint64() == 198'008);
  CHECK(info["notes"][0]["pid"].GetInt() == 100);
  CHECK_THAT(info["notes"][0]["text"].GetString(), Catch::Contains("could not be hooked"));
  CHECK(info["quality"]["complete"].GetBool());
}

TEST_CASE("a flame graph of a heap speaks of bytes") {
  const std::string svg = flamegraph_svg(heap_game_profile(Metric::kPeak), {});
  CHECK_THAT(svg, Catch::Contains("8.29 MiB at the heap&apos;s peak") ||
                      Catch::Contains("8.29 MiB at the heap's peak") ||
                      Catch::Contains("8.29 MiB at the heap&#39;s peak"));
  CHECK_THAT(svg, Catch::Contains("\"unit\":\"bytes\""));
  CHECK_THAT(svg, !Catch::Contains("of CPU time"));
}

TEST_CASE("the tree of a heap has the metric's unit") {
  const rapidjson::Document tree = parsed(*tree_json(heap_game_profile(Metric::kLive), {}));
  CHECK(tree["unit"].GetString() == std::string("bytes"));
  CHECK(tree["metric"].GetString() == std::string("live"));
}

}  // namespace flarestack
