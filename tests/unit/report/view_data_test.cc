// SPDX-License-Identifier: Apache-2.0
#include "report/view_data.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "report/packed.h"
#include "report/view_columns.h"
#include "report/view_html.h"
#include "tests/unit/model/leaky_game.h"
#include "tests/unit/report/annotated_sum.h"
#include "tests/unit/report/busy_game.h"
#include "tests/unit/report/game_recording.h"
#include "tests/unit/report/golden.h"
#include "tests/unit/report/heap_game.h"
#include "tests/unit/report/view_payload.h"

namespace flarestack {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr uint32_t kLost = UINT32_MAX - 1;

// The profiles of a recording that a page is made of; either may be missing.
struct PageOf {
  std::optional<Profile> time;
  std::optional<Profile> heap;

  ViewPayload payload(ViewSources sources = {}) const {
    sources.time = time ? &*time : nullptr;
    sources.heap = heap ? &*heap : nullptr;
    return read_view_data(view_data(sources));
  }
};

template <typename Fake>
PageOf page_of(Fake fake, ProfileOptions options, std::optional<Metric> clock, bool heap) {
  const auto recording = std::make_shared<const Recording>(fake.finish());
  const auto build = [&](Metric metric) {
    options.metric = metric;
    options.every_frame = true;
    auto profile = build_profile(recording, options, fake.symbols());
    REQUIRE(profile.ok());
    return std::move(*profile);
  };
  PageOf page;
  if (clock) page.time.emplace(build(*clock));
  if (heap) page.heap.emplace(build(Metric::kAllocated));
  return page;
}

uint64_t total_of(const ViewPayload& payload, const std::string& metric) {
  for (const auto& each : payload.meta["metrics"].GetArray()) {
    if (each["name"].GetString() == metric) return each["total"].GetUint64();
  }
  FAIL("no metric " + metric);
  return 0;
}

int64_t sum_of(const std::vector<int64_t>& values) {
  int64_t sum = 0;
  for (const int64_t each : values) sum += each;
  return sum;
}

// "main < _start": the functions of a stack, innermost first.
std::string stack_text(const ViewPayload& payload, int64_t stack) {
  std::string text;
  while (stack != kNone && stack != kLost) {
    const int64_t frame = payload["stack.frame"][static_cast<size_t>(stack)];
    const auto first = frame == kLost ? 0 : static_cast<size_t>(payload["frame.first"][static_cast<size_t>(frame)]);
    const auto count = frame == kLost ? 0 : static_cast<size_t>(payload["frame.count"][static_cast<size_t>(frame)]);
    for (size_t i = first; i < first + count; ++i) {
      const auto location = static_cast<size_t>(payload["frame.location"][i]);
      const auto function = static_cast<size_t>(payload["location.function"][location]);
      const auto name = static_cast<rapidjson::SizeType>(payload["function.name"][function]);
      text += (text.empty() ? "" : " < ") + std::string(payload.meta["strings"][name].GetString());
    }
    if (frame == kLost) text += text.empty() ? "[lost]" : " < [lost]";
    stack = payload["stack.parent"][static_cast<size_t>(stack)];
  }
  return stack == kLost ? text + " < [lost]" : text;
}

}  // namespace

TEST_CASE("columns give back what they were made of, in the fewest bytes that a type allows") {
  const std::vector<int64_t> small = {0, 1, 127, 128, 300, UINT32_MAX};
  const std::vector<int64_t> large = {0, -1, ViewColumns::kMost, -5, 1'700'000'000'000'000};
  const std::vector<int64_t> absurd = {INT64_MAX, INT64_MIN};
  ViewColumns columns;
  columns.add("small", ColumnCode::kUleb, small);
  columns.add("delta", ColumnCode::kDelta, small);
  columns.add("large", ColumnCode::kDelta, large);
  columns.add("none", ColumnCode::kUleb, {});
  columns.add("absurd", ColumnCode::kUleb, absurd);
  JsonWriter json(JsonLayout::kCompact);
  json.begin_object();
  columns.write_heads(json);
  json.end_object();
  const std::string heads = json.finish();
  std::string data(4, '\0');
  for (size_t i = 0; i < 4; ++i) data[i] = static_cast<char>(heads.size() >> 8 * i);
  const ViewPayload payload = read_view_data(data + heads + columns.bytes());
  CHECK(payload["small"] == small);
  CHECK(payload["delta"] == small);
  CHECK(payload["large"] == large);
  CHECK(payload["none"].empty());
  CHECK(payload["absurd"] == std::vector<int64_t>{ViewColumns::kMost, 0});  // what a script's number holds
  CHECK(std::string_view(payload.meta["columns"][0]["type"].GetString()) == "u32");
  CHECK(std::string_view(payload.meta["columns"][2]["type"].GetString()) == "f64");
  CHECK(payload.meta["columns"][0]["bytes"].GetUint64() == 1 + 1 + 1 + 2 + 2 + 5);
}

TEST_CASE("what is packed comes out as it was, of any size") {
  for (const size_t size : {0, 1, 2, 3, 100'000}) {
    std::string data;
    for (size_t i = 0; i < size; ++i) data.push_back(static_cast<char>(i * i >> 3));
    const std::string text = gzip_base64(data);
    CHECK(text.size() % 4 == 0);
    CHECK(gunzip_base64(text) == data);
  }
}

TEST_CASE("the data of a page: its document") {
  check_golden("view_game.json", page_of(game_recording(), {}, Metric::kCpu, false).payload().json);
  const PageOf page = page_of(heap_game_recording(), {}, Metric::kCpu, true);
  ViewSources sources;
  sources.default_metric = Metric::kPeak;
  sources.title = "<The game>";
  sources.from_ns = 20'000'000;
  check_golden("view_heap_game.json", page.payload(sources).json);
}

TEST_CASE("samples of a page are those of the profile, by slice, each stack and place once") {
  const ViewPayload payload = page_of(game_recording(), {}, Metric::kCpu, false).payload();
  const Profile profile = game_profile();
  CHECK(total_of(payload, "cpu") == profile.total());
  CHECK(static_cast<uint64_t>(sum_of(payload["sample.value"])) == profile.total());
  CHECK(std::is_sorted(payload["sample.slice"].begin(), payload["sample.slice"].end()));
  std::map<std::string, int64_t> by_stack;
  for (size_t i = 0; i < payload["sample.stack"].size(); ++i)
    by_stack[stack_text(payload, payload["sample.stack"][i])] += payload["sample.value"][i];
  CHECK(by_stack.at("memcpy < main < _start") == 6'000'000);
  CHECK(by_stack.at("update < frame < main < _start") == 25'000'000);
  CHECK(by_stack.at("leaf < fold < fold < fold < worker < clone") == 4'000'000);
  CHECK(by_stack.at("[startup]") == 1'000'000);
  CHECK(by_stack.size() == 9);
  for (size_t i = 0; i < payload["stack.parent"].size(); ++i) {
    const int64_t parent = payload["stack.parent"][i];
    CHECK((parent == kNone || parent < static_cast<int64_t>(i)));
  }
}

TEST_CASE("frames that differ by address alone are one, and so are their stacks and samples") {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/game");
  fake.thread(1, 1, 100, "game");
  for (const uint32_t id : {1U, 2U}) {
    FrameRecord frame;
    frame.id = {id};
    frame.kind = FrameKind::kJit;
    frame.name = {1};
    fake.builder.add(StringRecord{{1}, "draw"});
    fake.builder.add(frame);
    fake.builder.add(StackRecord{{id}, {}, {id}});
    fake.builder.add(SampleRecord{{1}, {id}, SampleMetric::kCpu, 0, 10, 1, id * 100});
  }
  const ViewPayload payload = page_of(fake, {}, Metric::kCpu, false).payload();
  CHECK(payload["location.function"].size() == 1);
  CHECK(payload["frame.first"].size() == 1);
  CHECK(payload["stack.parent"] == std::vector<int64_t>{kNone});
  CHECK(payload["sample.value"] == std::vector<int64_t>{300});
  CHECK(payload["sample.count"] == std::vector<int64_t>{2});
}

TEST_CASE("the wall clock's page tells waiting from running, and has both totals") {
  const BusyGame game = busy_game();
  const ViewPayload payload = page_of(busy_game_recording(), {}, Metric::kWall, true).payload();
  CHECK(total_of(payload, "wall") == game.time.total());
  CHECK(total_of(payload, "cpu") == busy_game(Metric::kCpu).time.total());
  int64_t waiting = 0;
  for (size_t i = 0; i < payload["sample.value"].size(); ++i)
    waiting += payload["sample.waiting"][i] * payload["sample.value"][i];
  CHECK(waiting == 120'000'000);
}

TEST_CASE("the heap's rows give every metric its total") {
  const ViewPayload payload = page_of(heap_game_recording(), {}, Metric::kCpu, true).payload();
  for (const Metric metric :
       {Metric::kAllocated, Metric::kAllocations, Metric::kPeak, Metric::kLive, Metric::kTemporary}) {
    INFO(metric_name(metric));
    CHECK(total_of(payload, metric_name(metric)) == heap_game_profile(metric).total());
  }
  int64_t allocated = 0, live = 0, mapped = 0, lifetimes = 0;
  for (size_t i = 0; i < payload["allocation.kind"].size(); ++i) {
    const bool heap = payload["allocation.kind"][i] == 0;
    (heap ? allocated : mapped) += payload["allocation.allocated_bytes"][i];
    live += heap ? payload["allocation.allocated_bytes"][i] - payload["allocation.deallocated_bytes"][i] : 0;
    lifetimes += payload["allocation.lifetime1"][i];
  }
  CHECK(static_cast<uint64_t>(allocated) == total_of(payload, "allocated"));
  CHECK(static_cast<uint64_t>(live) == total_of(payload, "live"));
  CHECK(mapped == 2 * (64 << 20));
  CHECK(lifetimes == 4000);
  CHECK(payload["heap_slice.peak_bytes"] == std::vector<int64_t>{2'000'000, 8'691'456});
  CHECK(payload["memory.rss"] == std::vector<int64_t>{120 << 20});
}

TEST_CASE("leaks: the rows that count, and sites with paths of functions") {
  const auto game = [] {
    LeakyGame fake = leaky_game();
    fake.builder.add(fake.leak(LeakVerdict::kDefinitelyLost, kStdio, 1, 77));  // a runtime's, and so not counted
    return fake;
  };
  const PageOf page = page_of(game(), {}, std::nullopt, true);
  const Suppressions builtin = builtin_suppressions();
  const Leaks leaks = leaks_of(*page.heap, &builtin);
  ViewSources sources;
  sources.leaks = &leaks;
  sources.suppressions = &builtin;
  const ViewPayload payload = page.payload(sources);
  int64_t counted = 0;
  for (size_t i = 0; i < payload["leak.bytes"].size(); ++i)
    counted += payload["leak.counted"][i] * payload["leak.bytes"][i];
  LeakyGame fake = game();
  ProfileOptions options;
  options.metric = Metric::kLeaked;
  const auto leaked = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(leaked.ok());
  const int64_t most = sum_of(payload["leak.bytes"]);
  CHECK(most >= counted + 77);
  CHECK(static_cast<uint64_t>(counted) == leaked->total());
  CHECK(total_of(payload, "leaked") == leaked->total());
  REQUIRE(!leaks.suppressed.empty());
  for (const auto& [key, expected] :
       {std::pair{"leak_sites", &leaks.sites}, std::pair{"leak_inherited_sites", &leaks.inherited},
        std::pair{"leak_suppressed_sites", &leaks.suppressed}}) {
    const auto& sites = payload.meta[key];
    REQUIRE(sites.Size() == expected->size());
    for (const auto& site : sites.GetArray()) {
      REQUIRE(site["path"].Size() == site["stack"].Size());
      const rapidjson::SizeType depth = site["path"].Size();
      for (rapidjson::SizeType i = 0; i < depth; ++i) {
        const auto name = payload["function.name"][site["path"][i].GetUint()];
        CHECK(payload.meta["strings"][static_cast<rapidjson::SizeType>(name)] ==
              site["stack"][depth - 1 - i]["function"]);
      }
    }
  }
  CHECK(payload.meta["leak_summary"]["definitely_lost"]["bytes"].GetUint64() ==
        leaks.totals.of(LeakVerdict::kDefinitelyLost).bytes);
}

TEST_CASE("filters narrow the rows, and what no row has stays out of the tables") {
  ProfileOptions options;
  options.process = "asset-packer";
  const ViewPayload process = page_of(game_recording(), options, Metric::kCpu, false).payload();
  CHECK(sum_of(process["sample.value"]) == 7'000'000);
  CHECK(process.json.find("Vulkan") == std::string::npos);
  options = {};
  options.focus = "draw_label";
  const ViewPayload focus = page_of(heap_game_recording(), options, Metric::kCpu, true).payload();
  CHECK(focus["allocation.stack"].size() == 1);
  CHECK(total_of(focus, "allocations") == 50'000);
  CHECK(total_of(focus, "cpu") == 0);
}

TEST_CASE("annotated functions come with the lines around theirs, as far as there is room") {
  AnnotatedSum sum;
  const Profile profile = sum.profile();
  ViewedCode code;
  add_hottest(profile, 20, sum.sources(), code);
  REQUIRE(!code.functions.empty());
  const auto written = [&](size_t most_bytes) {
    JsonWriter json(JsonLayout::kCompact);
    json.begin_object();
    write_view_code(json, code, most_bytes);
    json.end_object();
    rapidjson::Document document;
    document.Parse(json.finish().c_str());
    REQUIRE(!document.HasParseError());
    return document;
  };
  const rapidjson::Document whole = written(1'000'000);
  CHECK(whole["annotations"].Size() == code.functions.size());
  CHECK(std::string_view(whole["annotations"][0]["name"].GetString()) == sum.name);
  REQUIRE(whole["sources"].Size() > 0);
  bool has_line = false;
  for (const auto& source : whole["sources"].GetArray()) {
    for (const auto& line : source["lines"].GetArray()) has_line = has_line || line.GetString() == sum.text;
  }
  CHECK(has_line);
  const rapidjson::Document none = written(10);
  CHECK(none["annotations"].Size() == 0);
  CHECK(none["annotations_left_out"].GetUint() == code.functions.size());
  CHECK(none["sources"].Size() == whole["sources"].Size());
}

TEST_CASE("lines of generated code are cut") {
  AnnotatedSum sum;
  sum.text = std::string(3'000'000, 'y');
  const Profile profile = sum.profile();
  ViewSources sources;
  sources.time = &profile;
  add_hottest(profile, 20, sum.sources(), sources.code);
  const ViewPayload payload = read_view_data(view_data(sources));
  rapidjson::SizeType longest = 0;
  for (const auto& source : payload.meta["sources"].GetArray()) {
    for (const auto& line : source["lines"].GetArray()) longest = std::max(longest, line.GetStringLength());
  }
  CHECK(longest == 500);
}

TEST_CASE("a damaged recording's lost things are said to be lost") {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.sample(1, {"game!main"}, 1);
  fake.builder.add(StackRecord{{50}, {49}, {1}});  // under a stack that was lost
  fake.builder.add(StackRecord{{51}, {}, {77}});   // of a frame that was lost
  const auto add = [&](uint32_t thread, uint32_t stack, uint64_t weight_ns) {
    fake.builder.add(SampleRecord{{thread}, {stack}, SampleMetric::kCpu, 0, 10, 1, weight_ns});
  };
  add(1, 50, 2);
  add(1, 51, 3);
  add(1, 99, 4);
  add(9, 0, 5);
  add(1, 0, (uint64_t{1} << 60) - 1);
  const ViewPayload payload = page_of(fake, {}, Metric::kCpu, false).payload();
  std::map<std::string, int64_t> by_stack;
  for (size_t i = 0; i < payload["sample.stack"].size(); ++i) {
    const int64_t stack = payload["sample.stack"][i];
    const std::string text = stack == kNone ? "none" : stack == kLost ? "lost" : stack_text(payload, stack);
    by_stack[text + (payload["sample.thread"][i] == kLost ? " of a lost thread" : "")] += payload["sample.value"][i];
  }
  CHECK(by_stack == std::map<std::string, int64_t>{{"main", 1'000'000},
                                                   {"main < [lost]", 2},
                                                   {"[lost]", 3},
                                                   {"lost", 4},
                                                   {"none of a lost thread", 5},
                                                   {"none", ViewColumns::kMost}});
}

TEST_CASE("an empty recording has a page") {
  FakeRecording fake;
  fake.heap();
  const ViewPayload payload = page_of(fake, {}, Metric::kCpu, true).payload();
  CHECK(payload["sample.value"].empty());
  CHECK(payload["stack.parent"].empty());
  CHECK(total_of(payload, "cpu") == 0);
  CHECK(total_of(payload, "live") == 0);
}

TEST_CASE("no name breaks out of the page") {
  const std::string evil = "</script><script>alert(1)</script>\xff\x01@STYLE@ <!--";
  FakeRecording fake;
  fake.session.command = {evil};
  fake.builder.add(fake.session);
  fake.process(1, 100, "/bin/" + evil);
  fake.thread(1, 1, 100, evil);
  fake.sample(1, {"jit:" + evil}, 5);
  fake.builder.add(NoteRecord{{1}, evil});
  PageOf page = page_of(fake, {}, Metric::kCpu, false);
  ViewSources sources;
  sources.time = &*page.time;
  const std::string data = view_data(sources);
  const std::string html = view_html(evil, {gzip_base64(data), gzip_base64(data)});
  CHECK(html.find("alert(1)</script>") == std::string::npos);
  CHECK(html.find("<title>&lt;/script&gt;&lt;script&gt;alert(1)") != std::string::npos);
  CHECK(html.find('\xff') == std::string::npos);
  const std::string begin = "<script id=\"profile-1\" type=\"application/octet-stream\">";
  const size_t at = html.find(begin) + begin.size();
  REQUIRE(at > begin.size());
  const ViewPayload payload = read_view_data(gunzip_base64(html.substr(at, html.find('<', at) - at)));
  CHECK(std::string_view(payload.meta["command"][0].GetString()).starts_with("</script><script>alert(1)</script>"));
  size_t scripts = 0;
  for (size_t i = html.find("<script"); i != std::string::npos; i = html.find("<script", i + 1)) ++scripts;
  CHECK(scripts == 3);
}

}  // namespace flarestack
