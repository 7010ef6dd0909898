// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <set>

#include <catch2/catch.hpp>
#include <rapidjson/document.h>

#include "report/callgrind.h"
#include "report/chrome_trace.h"
#include "report/firefox_profile.h"
#include "report/heaptrack_text.h"
#include "report/massif.h"
#include "report/profile_csv.h"
#include "report/profile_json.h"
#include "report/speedscope.h"
#include "tests/unit/report/game_recording.h"
#include "tests/unit/report/golden.h"
#include "tests/unit/report/heap_game.h"

namespace flarestack {
namespace {

rapidjson::Document parsed(const std::string& text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(text.c_str(), text.size());
  REQUIRE(!document.HasParseError());
  return document;
}

// Names that try to break out of each format, a sample without a stack, and one of a thread that nobody knows.
Profile hostile_profile(Metric metric) {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/bin/ev\x1b[31mil");
  fake.thread(1, 1, 100, "t|h\n\x7f");
  const std::vector<std::string> stack = {"a|b.so!x;y \"<\\script>,#]]>&`\x1b[2J\xff\n", "game!`tick|`\nfn=(1) other"};
  fake.sample(1, stack, 5);
  fake.builder.add(SampleRecord{{1}, {}, SampleMetric::kCpu, 0, 100'000'000, 1, 1'000'000});
  fake.sample(7, stack, 2);
  fake.allocation(1, stack, FakeRecording::blocks(100, 3, 1));
  fake.builder.add(HeapSliceRecord{{1}, 0, 100'000'000, 300, 3, 50'000'000, 200, 2});
  ProfileOptions options;
  options.metric = metric;
  auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

}  // namespace

TEST_CASE("functions as CSV") { check_golden("functions.csv", profile_csv(game_profile())); }

TEST_CASE("CSV quotes what has commas and quotes") {
  const std::string csv = profile_csv(hostile_profile(Metric::kCpu));
  INFO(csv);
  CHECK(csv.find("\"x;y \"\"<\\script>,#]]>&`?[2J??\",") != std::string::npos);
}

TEST_CASE("time as callgrind") { check_golden("cpu.callgrind", callgrind(game_profile())); }

TEST_CASE("the heap as callgrind, massif and heaptrack have it") {
  check_golden("peak.callgrind", callgrind(heap_game_profile(Metric::kPeak)));
  check_golden("heap.massif", massif(heap_game_profile(Metric::kPeak)));
  check_golden("heap.heaptrack", heaptrack_text(heap_game_profile(Metric::kLeaked)));
}

TEST_CASE("massif tells as one what holds less than a hundredth, and ms_print's comments are not in its names") {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/bin/game");
  fake.thread(1, 1, 100, "game");
  const auto keep = [&fake](const std::vector<std::string>& stack, uint64_t size_bytes) {
    AllocationRecord kept = FakeRecording::blocks(size_bytes, 1, 0);
    kept.peak_bytes = static_cast<int64_t>(size_bytes);
    kept.peak_blocks = 1;
    fake.allocation(1, stack, kept);
  };
  keep({"game!main", "game!{lambda()#2}"}, 9900);
  keep({"game!main", "game!a"}, 60);
  keep({"game!main", "game!b"}, 40);
  fake.builder.add(HeapSliceRecord{{1}, 0, 100'000'000, 10'000, 3, 50'000'000, 10'000, 3});
  ProfileOptions options;
  options.metric = Metric::kPeak;
  const auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  const std::string text = massif(*profile);
  INFO(text);
  CHECK(text.find("n2: 10000 (heap allocation functions)") != std::string::npos);
  CHECK(text.find("\n n1: 9900 0x201: {lambda():2} (") != std::string::npos);
  CHECK(text.find("\n n0: 100 in 2 places, all below massif's threshold (1.00%)\n") != std::string::npos);
}

TEST_CASE("massif's trees end at a hundred frames") {
  FakeRecording fake;
  fake.heap();
  fake.thread(1, 0, 100, "game");
  std::vector<std::string> stack(1000, "game!again");
  stack.emplace_back("game!leaf");
  fake.allocation(1, stack, FakeRecording::blocks(100, 1, 0));
  ProfileOptions options;
  options.metric = Metric::kPeak;
  const auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  const std::string text = massif(*profile);
  const std::string deepest = std::string(100, ' ') + "n0: 100 0x";
  CHECK(text.find("\n" + deepest) != std::string::npos);
}

TEST_CASE("a call of what is on the stack already costs nothing in callgrind's format") {
  FakeRecording fake;
  fake.thread(1, 0, 1, "main");
  fake.sample(1, {"a.so!main", "a.so!fold", "a.so!fold", "a.so!leaf"}, 10);
  const auto profile = build_profile(fake.finish(), {}, fake.symbols());
  REQUIRE(profile.ok());
  const std::string text = callgrind(*profile);
  INFO(text);
  CHECK(text.find("cfn=(3)\ncalls=1 1\n20 0 0\n") != std::string::npos);
  CHECK(text.find("cfn=(3) fold\ncalls=10 1\n10 10000000 10\n") != std::string::npos);
}

TEST_CASE("no name breaks an export") {
  const std::array json = {speedscope, firefox_profile, chrome_trace, profile_json};
  for (const Metric metric : {Metric::kCpu, Metric::kAllocated, Metric::kPeak}) {
    const Profile profile = hostile_profile(metric);
    for (const auto& format : json) parsed(format(profile));
    for (const std::string& text :
         {callgrind(profile), massif(profile), heaptrack_text(profile), profile_csv(profile)}) {
      CHECK(text.find('\x1b') == std::string::npos);
      CHECK(text.find("\nfn=(1) other") == std::string::npos);
    }
  }
}

TEST_CASE("a profile without samples is exported") {
  FakeRecording fake;
  fake.heap();
  ProfileOptions options;
  for (const Metric metric : {Metric::kCpu, Metric::kPeak}) {
    options.metric = metric;
    const auto profile = build_profile(fake.finish(), options, fake.symbols());
    REQUIRE(profile.ok());
    CHECK(parsed(profile_json(*profile))["total"].GetUint64() == 0);
    CHECK(parsed(speedscope(*profile))["profiles"].Size() == 1);
    CHECK(parsed(firefox_profile(*profile))["threads"].Size() == 0);
    CHECK(parsed(chrome_trace(*profile))["traceEvents"].Size() == 0);
    CHECK(callgrind(*profile).find("totals: 0") != std::string::npos);
    CHECK(massif(*profile).find("mem_heap_B=0") != std::string::npos);
    CHECK(heaptrack_text(*profile).find("total memory leaked: 0B") != std::string::npos);
  }
}

TEST_CASE("Firefox's profile has the heap beside the time, and a function of both once") {
  const Profile time = heap_game_profile(Metric::kCpu);
  const rapidjson::Document profile = parsed(firefox_profile_with_heap(time, heap_game_profile(Metric::kAllocated)));
  const auto& threads = profile["threads"];
  REQUIRE(threads.Size() == 2);
  CHECK(threads[0]["samples"]["length"].GetUint() == 1);
  CHECK(threads[1]["samples"]["length"].GetUint() == 0);  // of the loader, which allocates only
  uint64_t allocated_bytes = 0;
  for (const auto& thread : threads.GetArray()) {
    for (const auto& weight : thread["nativeAllocations"]["weight"].GetArray()) allocated_bytes += weight.GetUint64();
  }
  CHECK(allocated_bytes == heap_game_profile(Metric::kAllocated).total());
  std::set<std::string> names;
  const auto& shared = profile["shared"];
  for (const auto& name : shared["funcTable"]["name"].GetArray()) {
    CHECK(names.insert(shared["stringArray"][name.GetUint()].GetString()).second);
  }
  CHECK(names.count("main") == 1);
}

TEST_CASE("Firefox's profile tells inlined functions by their depth at one address") {
  const rapidjson::Document profile = parsed(firefox_profile(game_profile()));
  const auto& shared = profile["shared"];
  const auto& frames = shared["frameTable"];
  const auto name_of = [&](rapidjson::SizeType frame) {
    const auto& name = shared["funcTable"]["name"][frames["func"][frame].GetUint()];
    return std::string(shared["stringArray"][name.GetUint()].GetString());
  };
  bool found = false;
  const auto& stacks = shared["stackTable"];
  for (rapidjson::SizeType i = 0; i < stacks["length"].GetUint(); ++i) {
    const auto frame = stacks["frame"][i].GetUint();
    if (name_of(frame) != "update") continue;
    found = true;
    const auto outer = stacks["frame"][stacks["prefix"][i].GetUint()].GetUint();
    CHECK(name_of(outer) == "frame");
    CHECK(frames["inlineDepth"][frame].GetUint() == 1);
    CHECK(frames["inlineDepth"][outer].GetUint() == 0);
    CHECK(frames["address"][frame].GetInt64() == frames["address"][outer].GetInt64());
    CHECK(frames["address"][frame].GetInt64() % 0x100 == 0);  // of the call, not behind it
  }
  CHECK(found);
}

}  // namespace flarestack
