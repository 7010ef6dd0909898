// SPDX-License-Identifier: Apache-2.0
#include "model/profile.h"

#include <set>

#include <catch2/catch.hpp>

#include "model/function_table.h"
#include "tests/unit/model/fake_recording.h"

namespace flarestack {
namespace {

Profile profile_of(FakeRecording& fake, const ProfileOptions& options = {}) {
  auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

// Self and total in ms by function name.
std::map<std::string, std::pair<uint64_t, uint64_t>> values_of(const Profile& profile) {
  std::map<std::string, std::pair<uint64_t, uint64_t>> values;
  for (const FunctionRow& row : function_table(profile, 0)) {
    const auto [entry, added] =
        values.try_emplace(profile.functions[row.function].name, row.self / 1'000'000, row.total / 1'000'000);
    CHECK(added);  // one row a function
  }
  return values;
}
using Values = std::map<std::string, std::pair<uint64_t, uint64_t>>;

FakeRecording two_processes() {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/game");
  fake.process(2, 200, "/usr/bin/helper", 1);
  fake.thread(1, 1, 100, "game");
  fake.thread(2, 1, 101, "worker");
  fake.thread(3, 2, 200, "helper");
  fake.sample(1, {"game!main", "game!draw"}, 30);
  fake.sample(2, {"game!work", "game!draw"}, 20);
  fake.sample(3, {"helper!main", "helper!help"}, 10);
  return fake;
}

}  // namespace

TEST_CASE("self is the leaf's own time and total includes the callees'") {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.sample(1, {"game!main", "game!draw", "libm.so!sin"}, 50);
  fake.sample(1, {"game!main", "game!draw"}, 30);
  fake.sample(1, {"game!main"}, 20);
  CHECK(values_of(profile_of(fake)) == Values{{"main", {20, 100}}, {"draw", {30, 80}}, {"sin", {50, 50}}});
}

TEST_CASE("a recursive function counts once per stack in its total") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.sample(1, {"game!main", "game!fib", "game!fib", "game!add", "game!fib"}, 40);
  fake.sample(1, {"game!main", "game!fib"}, 2);
  CHECK(values_of(profile_of(fake)) == Values{{"main", {0, 42}}, {"fib", {42, 42}}, {"add", {0, 40}}});
}

TEST_CASE("an inlined frame is a frame of its own, and the same function as its copies that are not inlined") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.sample(1, {"game!main", "game!draw >> dot"}, 30);
  fake.sample(1, {"game!main", "game!dot"}, 12);
  const Profile profile = profile_of(fake);
  CHECK(values_of(profile) == Values{{"main", {0, 42}}, {"draw", {0, 30}}, {"dot", {42, 42}}});

  ProfileOptions options;
  options.inline_frames = false;
  FakeRecording again;
  again.thread(1, 0, 100, "game");
  again.sample(1, {"game!main", "game!draw >> dot"}, 30);
  CHECK(values_of(profile_of(again, options)) == Values{{"main", {0, 30}}, {"draw", {30, 30}}});
}

TEST_CASE("functions of one name in two modules are two functions") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.sample(1, {"a.so!init"}, 1);
  fake.sample(1, {"b.so!init"}, 2);
  CHECK(function_table(profile_of(fake), 0).size() == 2);
}

TEST_CASE("a module that two processes have mapped is one module") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.builder.add(ModuleRecord{{7}, "/usr/lib/libc.so", {9}});
  fake.builder.add(ModuleRecord{{8}, "/usr/lib/libc.so", {9}});
  fake.builder.add(ModuleRecord{{9}, "/usr/lib/libc.so", {10}});  // another build
  CHECK(fake.finish().modules.size() == 2);
}

TEST_CASE("a location is asked for once, however many stacks and frames have it") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.sample(1, {"game!main", "game!draw"}, 1);
  fake.sample(1, {"game!main", "game!load"}, 1);
  // A second frame whose lookup is the same: the call before 0x101 and the instruction at 0x100.
  fake.builder.add(FrameRecord{{900}, FrameKind::kNative, AddressKind::kInstruction, fake.module("game"), {0x100}, {}});
  fake.builder.add(StackRecord{{900}, {}, {900}});
  fake.builder.add(SampleRecord{{1}, {900}, SampleMetric::kCpu, 0, 1, 1, 1'000'000});
  // Never sampled, never asked for.
  fake.stack({"game!unused"});
  const Profile profile = profile_of(fake);
  CHECK(fake.queries_asked == 3 + 3);  // and once for the entry of each function
  CHECK(values_of(profile) == Values{{"main", {1, 3}}, {"draw", {1, 1}}, {"load", {1, 1}}});
}

TEST_CASE("process filters take a pid, a program's name or its path") {
  for (const std::string wanted : {"200", "helper", "/usr/bin/helper"}) {
    FakeRecording fake = two_processes();
    ProfileOptions options;
    options.process = wanted;
    CHECK(values_of(profile_of(fake, options)) == Values{{"main", {0, 10}}, {"help", {10, 10}}});
  }
}

TEST_CASE("thread filters take a tid or a name") {
  for (const std::string wanted : {"101", "worker"}) {
    FakeRecording fake = two_processes();
    ProfileOptions options;
    options.thread = wanted;
    CHECK(values_of(profile_of(fake, options)) == Values{{"work", {0, 20}}, {"draw", {20, 20}}});
  }
}

TEST_CASE("a filter that names nobody is an error that says who is there") {
  FakeRecording fake = two_processes();
  ProfileOptions options;
  options.process = "gmae";
  const auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(!profile.ok());
  CHECK(profile.error().message == "no process 'gmae' in this recording; it has game (100), helper (200)");

  FakeRecording again = two_processes();
  options.process = "helper";
  options.thread = "worker";
  const auto other = build_profile(again.finish(), options, again.symbols());
  REQUIRE(!other.ok());
  CHECK(other.error().message == "no thread 'worker' in this recording; it has helper (200)");
}

TEST_CASE("a slice that lies partly in the time asked for counts with that part") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.sample(1, {"game!early"}, 100, {0, 100});
  fake.sample(1, {"game!middle"}, 100, {100, 100});
  fake.sample(1, {"game!late"}, 100, {200, 100});
  ProfileOptions options;
  options.from_ns = 100;
  options.to_ns = 225;
  CHECK(values_of(profile_of(fake, options)) == Values{{"middle", {100, 100}}, {"late", {25, 25}}});
}

TEST_CASE("focus keeps and ignore drops the stacks that contain a match") {
  const auto values = [](const std::string& focus, const std::string& ignore) {
    FakeRecording fake = two_processes();
    ProfileOptions options;
    options.focus = focus;
    options.ignore = ignore;
    return values_of(profile_of(fake, options));
  };
  CHECK(values("^work$", "") == Values{{"work", {0, 20}}, {"draw", {20, 20}}});
  CHECK(values("", "draw|help") == Values{});
  CHECK(values("draw", "main") == Values{{"work", {0, 20}}, {"draw", {20, 20}}});

  FakeRecording fake;
  ProfileOptions options;
  options.focus = "(";
  CHECK(!build_profile(fake.finish(), options, fake.symbols()).ok());
}

TEST_CASE("the wall metric adds the time off the CPU") {
  for (const Metric metric : {Metric::kCpu, Metric::kWall}) {
    FakeRecording fake;
    fake.thread(1, 0, 100, "game");
    fake.sample(1, {"game!main"}, 30);
    fake.builder.add(
        SampleRecord{{1}, fake.stack({"game!main", "libc.so!poll"}), SampleMetric::kOffCpu, 0, 1, 70, 70'000'000});
    ProfileOptions options;
    options.metric = metric;
    const Profile profile = profile_of(fake, options);
    CHECK(profile.total() == (metric == Metric::kCpu ? 30'000'000 : 100'000'000));
    CHECK(profile.quality.cpu_ns == 30'000'000);
  }
}

TEST_CASE("kernel time, markers, JIT code and unknown code are frames by their own names") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.sample(1, {"game!main", "[kernel]"}, 40);
  fake.sample(1, {"[startup]"}, 10);
  fake.sample(1, {"game!main", "jit:loop~opt"}, 20);
  fake.builder.add(FrameRecord{{900}, FrameKind::kNative, AddressKind::kInstruction, {}, {0x7f0012345678}, {}});
  fake.builder.add(StackRecord{{900}, {}, {900}});
  fake.builder.add(SampleRecord{{1}, {900}, SampleMetric::kCpu, 0, 1, 30, 30'000'000});
  const Profile profile = profile_of(fake);
  CHECK(values_of(profile) == Values{{"main", {0, 60}},
                                     {"[kernel]", {40, 40}},
                                     {"[startup]", {10, 10}},
                                     {"loop~opt", {20, 20}},
                                     {"[unknown]", {30, 30}}});
  CHECK(profile.quality.kernel_ns == 40'000'000);
  CHECK(profile.quality.unsampled_ns == 10'000'000);
  CHECK(profile.quality.unknown_code_ns == 30'000'000);
  CHECK(profile.quality.achieved_hz == Approx(50 / 0.060));  // of the 60 ms outside the kernel, 50 were sampled
}

TEST_CASE("code that is named after its stacks were written has its name in them") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.builder.add(FrameRecord{{900}, FrameKind::kNative, AddressKind::kInstruction, {}, {0x7f0012345678}, {}});
  fake.builder.add(StackRecord{{900}, {}, {900}});
  fake.builder.add(SampleRecord{{1}, {900}, SampleMetric::kCpu, 0, 1, 30, 30'000'000});
  fake.builder.add(StringRecord{{900}, "loop"});
  fake.builder.add(FrameRecord{{900}, FrameKind::kJit, AddressKind::kInstruction, {}, {0x7f0012345678}, {900}});
  CHECK(values_of(profile_of(fake)) == Values{{"loop", {30, 30}}});
}

TEST_CASE("what damage took away is shown as [lost] and counted") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  const StackId draw = fake.stack({"game!main", "game!draw"});
  fake.builder.add(StackRecord{{500}, draw, {77}});                     // the frame is unknown
  fake.builder.add(StackRecord{{501}, {88}, fake.frame("game!draw")});  // the parent is
  fake.builder.add(SampleRecord{{1}, {500}, SampleMetric::kCpu, 0, 1, 1, 1'000'000});
  fake.builder.add(SampleRecord{{1}, {501}, SampleMetric::kCpu, 0, 1, 1, 2'000'000});
  fake.builder.add(SampleRecord{{1}, {4'000'000'000}, SampleMetric::kCpu, 0, 1, 1, 4'000'000});  // the stack is
  fake.builder.add(SampleRecord{{9}, draw, SampleMetric::kCpu, 0, 1, 1, 8'000'000});             // the thread is
  fake.builder.add(SampleRecord{{1}, {}, SampleMetric::kCpu, 0, 1, 1, 16'000'000});              // never had a stack
  const Profile profile = profile_of(fake);
  CHECK(values_of(profile) ==
        Values{{"main", {0, 9}}, {"draw", {10, 11}}, {"[lost]", {5, 7}}, {"[no stack]", {16, 16}}});
  CHECK(profile.recording.lost_definitions == 4);
  CHECK(profile.quality.lost_ns == 7'000'000);
  CHECK(!profile.quality.complete);
}

TEST_CASE("a loop of stacks cannot be made, and absurd numbers are left out and counted") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.builder.add(StackRecord{{600}, {601}, fake.frame("game!a")});
  fake.builder.add(StackRecord{{601}, {600}, fake.frame("game!b")});
  fake.builder.add(StackRecord{{602}, {602}, fake.frame("game!c")});
  fake.builder.add(SampleRecord{{1}, {601}, SampleMetric::kCpu, 0, 1, 1, 1'000'000});
  fake.builder.add(SampleRecord{{1}, {602}, SampleMetric::kCpu, 0, 1, 1, 1'000'000});
  fake.builder.add(SampleRecord{{1}, {601}, SampleMetric::kCpu, INT64_MAX, INT64_MAX, 1, 1});
  fake.builder.add(SampleRecord{{1}, {601}, SampleMetric::kCpu, 0, -5, 1, 1});
  fake.builder.add(SampleRecord{{1}, {601}, SampleMetric::kCpu, 0, 1, 1, UINT64_MAX});
  const Profile profile = profile_of(fake);
  CHECK(profile.total() == 2'000'000);
  CHECK(profile.recording.absurd_records == 3);
  CHECK(profile.recording.lost_definitions == 2);
}

TEST_CASE("a thread's last name and a process's counters are kept") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.thread(1, 0, 100, "renamed");
  fake.builder.add(CounterRecord{{1}, "samples_dropped", 3});
  fake.builder.add(CounterRecord{{2}, "samples_dropped", 4});
  const Recording recording = fake.finish();
  REQUIRE(recording.threads.size() == 1);
  CHECK(recording.threads[0].name == "renamed");
  CHECK(recording.counter("samples_dropped") == 7);
  CHECK(recording.counter("never_counted") == 0);
}

TEST_CASE("grouping puts each process's stacks under a frame that is no function") {
  FakeRecording fake = two_processes();
  ProfileOptions options;
  options.group_by_process = true;
  const Profile profile = profile_of(fake, options);
  const auto top = profile.tree.children(CallTree::kRoot);
  REQUIRE(top.size() == 2);
  CHECK(profile.functions[profile.tree.nodes()[top[0]].function].name == "game [100]");
  CHECK(profile.functions[profile.tree.nodes()[top[1]].function].name == "helper [200]");
  CHECK(profile.tree.nodes()[top[0]].total == 50'000'000);
  for (const FunctionRow& row : function_table(profile, 0))
    CHECK(profile.functions[row.function].type != FrameType::kProcess);
}

TEST_CASE("grouping puts what belongs to no known process together") {
  FakeRecording fake = two_processes();
  fake.thread(8, 0, 8, "of no process");
  fake.thread(9, 77, 9, "of a lost process");
  fake.sample(8, {"game!main", "game!draw"}, 1);
  fake.sample(9, {"game!main", "game!draw"}, 2);
  fake.sample(99, {"game!main"}, 4);
  ProfileOptions options;
  options.group_by_process = true;
  const Profile profile = profile_of(fake, options);
  const auto top = profile.tree.children(CallTree::kRoot);
  REQUIRE(top.size() == 3);
  CHECK(profile.functions[profile.tree.nodes()[top[2]].function].name == "[lost process]");
  CHECK(profile.tree.nodes()[top[2]].total == 7'000'000);
}

TEST_CASE("a row knows its hottest line, its entry line and the threads that were there") {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.thread(2, 1, 101, "worker");
  fake.thread(3, 1, 102, "idle");
  fake.sample(1, {"game!main", "game!draw@7"}, 10);
  fake.sample(2, {"game!draw@9"}, 15);
  fake.sample(2, {"game!draw@9", "game!sin"}, 5);
  fake.sample(3, {"game!main"}, 1);
  const Profile profile = profile_of(fake);
  const std::vector<FunctionRow> rows = function_table(profile, 0.05);
  REQUIRE(rows.size() == 3);
  const FunctionRow& draw = rows[0];
  CHECK(profile.functions[draw.function].name == "draw");
  CHECK(profile.functions[draw.function].file == "/src/draw.cc");
  CHECK(profile.functions[draw.function].line == 1);
  CHECK(draw.hottest_line.line == 9);
  CHECK(draw.hottest_line.self == 15'000'000);
  CHECK(draw.total == 30'000'000);
  REQUIRE(draw.threads.size() == 2);
  CHECK(draw.threads[0].thread == 1);
  CHECK(draw.threads[0].self == 15'000'000);
  CHECK(draw.threads[1].self == 10'000'000);
  const FunctionRow& main = rows[2];
  CHECK(profile.functions[main.function].name == "main");
  CHECK(main.threads.size() == 2);
}

TEST_CASE("Amdahl's law") {
  CHECK(speed_up_without(50, 100) == 2.0);
  CHECK(speed_up_without(0, 100) == 1.0);
  CHECK(std::isinf(speed_up_without(100, 100)));
  CHECK(std::isinf(speed_up_without(0, 0)));
}

TEST_CASE("a trace without an end says that the recorder stopped before it finished") {
  FakeRecording fake = two_processes();
  Recording recording = fake.finish();
  recording.damage.ended = false;
  const auto profile = build_profile(std::move(recording), {}, fake.symbols());
  REQUIRE(profile.ok());
  CHECK(!profile->quality.complete);
  REQUIRE(profile->quality.damage.size() == 1);
  CHECK(profile->quality.damage[0] == "the trace was cut: the recorder stopped before it finished");
}

}  // namespace flarestack
