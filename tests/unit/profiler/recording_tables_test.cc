// SPDX-License-Identifier: Apache-2.0
// The tables by what they return and by the trace that they write.
#include "profiler/recording_tables.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/trace/trace_files.h"

namespace flarestack {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr auto kReturn = AddressKind::kReturnAddress;
constexpr auto kInstruction = AddressKind::kInstruction;

struct Tables {
  TemporaryFolder folder;
  TraceWriter writer = open();
  RecordingTables tables{writer};

  TraceWriter open() const {
    Result<TraceWriter> result = TraceWriter::create(folder.file("t"));
    REQUIRE(result.ok());
    return std::move(*result);
  }
  // The records of one kind that are in the file after a flush.
  template <typename Record>
  std::vector<Record> written() {
    REQUIRE(writer.flush().ok());
    std::vector<Record> result;
    for (const TraceRecord& record : read_trace(folder.file("t")).records) {
      if (const auto* of_kind = std::get_if<Record>(&record)) {
        result.push_back(*of_kind);
      }
    }
    return result;
  }
};

}  // namespace

TEST_CASE("what was seen before has its id, and is defined once") {
  Tables t;
  RecordingTables& tables = t.tables;
  const StringId text = tables.string("text");
  const ModuleId library = tables.module("/lib/a.so", {1, 2});
  const FrameId frame = tables.native_frame(library, {0x10}, kReturn);
  const FrameId kernel = tables.named_frame(FrameKind::kKernel, "text");
  const StackId root = tables.stack({}, frame);
  const StackId leaf = tables.stack(root, kernel);
  for (int again = 0; again < 3; ++again) {
    CHECK(tables.string("text") == text);
    CHECK(tables.module("/lib/a.so", {1, 2}) == library);
    CHECK(tables.native_frame(library, {0x10}, kReturn) == frame);
    CHECK(tables.named_frame(FrameKind::kKernel, "text") == kernel);
    CHECK(tables.stack({}, frame) == root);
    CHECK(tables.stack(root, kernel) == leaf);
  }
  CHECK(t.written<StringRecord>() == std::vector<StringRecord>{{text, "text"}});
  CHECK(t.written<ModuleRecord>() == std::vector<ModuleRecord>{{library, "/lib/a.so", {1, 2}}});
  CHECK(t.written<FrameRecord>() == std::vector<FrameRecord>{{frame, FrameKind::kNative, kReturn, library, {0x10}, {}},
                                                             {kernel, FrameKind::kKernel, kReturn, {}, {0}, text}});
  CHECK(t.written<StackRecord>() == std::vector<StackRecord>{{root, {}, frame}, {leaf, root, kernel}});
}

TEST_CASE("ids are dense from 1") {
  Tables t;
  CHECK(t.tables.string("a") == StringId{1});
  CHECK(t.tables.string("b") == StringId{2});
  CHECK(t.tables.module("a", {}) == ModuleId{1});
  CHECK(t.tables.module("b", {}) == ModuleId{2});
  CHECK(t.tables.native_frame({1}, {1}, kReturn) == FrameId{1});
  CHECK(t.tables.unknown_frame({1}, {1}, kReturn) == FrameId{2});
  CHECK(t.tables.named_frame(FrameKind::kMarker, "a") == FrameId{3});
  CHECK(t.tables.stack({}, {1}) == StackId{1});
  CHECK(t.tables.stack({1}, {1}) == StackId{2});
  CHECK(t.tables.next_process() == ProcessId{1});
  CHECK(t.tables.next_process() == ProcessId{2});
  CHECK(t.tables.next_thread() == ThreadId{1});
  CHECK(t.tables.next_thread() == ThreadId{2});
}

TEST_CASE("frames that differ in anything are different frames") {
  Tables t;
  const std::vector<FrameId> frames{
      t.tables.native_frame({1}, {0x10}, kReturn),       t.tables.native_frame({1}, {0x10}, kInstruction),
      t.tables.native_frame({2}, {0x10}, kReturn),       t.tables.native_frame({1}, {0x11}, kReturn),
      t.tables.unknown_frame({1}, {0x10}, kReturn),      t.tables.unknown_frame({2}, {0x10}, kReturn),
      t.tables.unknown_frame({1}, {0x10}, kInstruction), t.tables.named_frame(FrameKind::kKernel, "a"),
      t.tables.named_frame(FrameKind::kMarker, "a"),     t.tables.named_frame(FrameKind::kKernel, "b"),
      t.tables.native_frame({1}, {UINT64_MAX}, kReturn), t.tables.native_frame({UINT32_MAX}, {0x10}, kReturn)};
  for (uint32_t i = 0; i < frames.size(); ++i) {
    CHECK(frames[i] == FrameId{i + 1});
  }
  CHECK(t.tables.unknown_frames() == 3);
}

TEST_CASE("a module is its path and its build id; asked for by build id, its path does not matter") {
  Tables t;
  const ModuleId first = t.tables.module("/lib/a.so", {1, 2});
  const ModuleId rebuilt = t.tables.module("/lib/a.so", {3, 4});
  const ModuleId bare = t.tables.module("/lib/a.so", {});
  CHECK(first != rebuilt);
  CHECK(bare != first);
  CHECK(t.tables.module_by_build_id("/memfd:a.so", {3, 4}) == rebuilt);
  CHECK(t.tables.module_by_build_id("/lib/a.so", {}) == bare);
  CHECK(t.tables.module_by_build_id("/lib/b.so", {}) == ModuleId{4});  // without one, only the path tells
  CHECK(t.tables.module_by_build_id("/lib/c.so", {5}) == ModuleId{5});
  CHECK(t.tables.module_by_build_id("/lib/d.so", {2}) == ModuleId{6});  // the end of another one's
}

TEST_CASE("an unknown frame of a process becomes a frame of the module that is found later") {
  Tables t;
  const ModuleId module = t.tables.module("/lib/a.so", {1});
  const FrameId returned = t.tables.unknown_frame({1}, {0x5010}, kReturn);
  const FrameId leaf = t.tables.unknown_frame({1}, {0x5010}, kInstruction);
  const FrameId nowhere = t.tables.unknown_frame({1}, {0x9000}, kInstruction);
  const FrameId other = t.tables.unknown_frame({2}, {0x5010}, kInstruction);
  std::vector<uint64_t> asked;
  const auto place_of = [&](RuntimeAddress address) {
    asked.push_back(address.value);
    return address.value < 0x6000 ? RecordingTables::Place{module, {address.value - 0x5000}} : RecordingTables::Place{};
  };
  t.tables.locate_unknown_frames({1}, place_of);
  std::sort(asked.begin(), asked.end());
  CHECK(asked == std::vector<uint64_t>{0x500f, 0x5010, 0x9000});  // a return address is looked up before itself
  t.tables.locate_unknown_frames({1}, place_of);
  CHECK(asked.size() == 4);  // only what is unknown still
  std::map<FrameId, FrameRecord> last;
  for (const FrameRecord& record : t.written<FrameRecord>()) {
    last[record.id] = record;
  }
  CHECK(last[returned] == FrameRecord{returned, FrameKind::kNative, kReturn, module, {0x10}, {}});
  CHECK(last[leaf] == FrameRecord{leaf, FrameKind::kNative, kInstruction, module, {0x10}, {}});
  CHECK(last[nowhere] == FrameRecord{nowhere, FrameKind::kNative, kInstruction, {}, {0x9000}, {}});
  CHECK(last[other] == FrameRecord{other, FrameKind::kNative, kInstruction, {}, {0x5010}, {}});
}

TEST_CASE("an unknown frame that has a name is JIT code; one that was found is not asked for") {
  Tables t;
  const ModuleId module = t.tables.module("/lib/a.so", {1});
  const FrameId jit = t.tables.unknown_frame({1}, {0x7001}, kReturn);
  const FrameId found = t.tables.unknown_frame({1}, {0x5000}, kInstruction);
  const FrameId unnamed = t.tables.unknown_frame({1}, {0x8000}, kInstruction);
  t.tables.locate_unknown_frames({1}, [&](RuntimeAddress address) {
    return address.value == 0x5000 ? RecordingTables::Place{module, {0}} : RecordingTables::Place{};
  });
  t.tables.name_unknown_frames({1}, [](std::span<const RecordingTables::UnknownFrame> frames) {
    std::vector<JitPlace> places;
    for (const RecordingTables::UnknownFrame& frame : frames) {
      CHECK(frame.lookup.value != 0x5000);
      places.push_back(frame.lookup.value == 0x7000 ? JitPlace{"JS:f", "/a.js", 7} : JitPlace{});
    }
    return places;
  });
  std::map<FrameId, FrameRecord> last;
  for (const FrameRecord& record : t.written<FrameRecord>()) {
    last[record.id] = record;
  }
  CHECK(last[jit].kind == FrameKind::kJit);
  CHECK(last[jit].name == t.tables.string("JS:f"));
  CHECK(last[jit].file == t.tables.string("/a.js"));
  CHECK(last[jit].line == 7);
  CHECK(last[found].kind == FrameKind::kNative);
  CHECK(last[unnamed] == FrameRecord{unnamed, FrameKind::kNative, kInstruction, {}, {0x8000}, {}});
}

TEST_CASE("where code changes, an unknown frame is another one in each epoch, and knows when it was met") {
  Tables t;
  const FrameId first = t.tables.unknown_frame({1}, {0x7001}, kReturn, {100, 1});
  CHECK(t.tables.unknown_frame({1}, {0x7001}, kReturn, {150, 1}) == first);
  CHECK(t.tables.unknown_frame({1}, {0x7001}, kReturn, {200, 2}) != first);
  t.tables.name_unknown_frames({1}, [](std::span<const RecordingTables::UnknownFrame> frames) {
    std::vector<int64_t> times;
    for (const RecordingTables::UnknownFrame& frame : frames) {
      times.push_back(frame.time_ns);
    }
    std::sort(times.begin(), times.end());
    CHECK(times == std::vector<int64_t>{100, 200});
    return std::vector<JitPlace>(frames.size());
  });
}

TEST_CASE("weights of one thread, stack, metric and slice add up, and others are apart") {
  Tables t;
  constexpr int64_t kSlice = 10'000'000;
  t.tables.add_weight({1}, {1}, SampleMetric::kCpu, 0, 1, 100);
  t.tables.add_weight({1}, {1}, SampleMetric::kCpu, kSlice - 1, 0, 20);
  t.tables.add_weight({1}, {1}, SampleMetric::kCpu, kSlice, 1, 3);
  t.tables.add_weight({1}, {1}, SampleMetric::kOffCpu, 5, 1, 4);
  t.tables.add_weight({1}, {2}, SampleMetric::kCpu, 5, 1, 5);
  t.tables.add_weight({2}, {1}, SampleMetric::kCpu, -7, 1, 6);  // a time before the recording is its beginning
  REQUIRE(t.tables.flush().ok());
  REQUIRE(t.tables.flush().ok());  // nothing is told twice
  CHECK(t.written<SampleRecord>() == std::vector<SampleRecord>{{{1}, {1}, SampleMetric::kCpu, 0, kSlice, 1, 120},
                                                               {{1}, {1}, SampleMetric::kOffCpu, 0, kSlice, 1, 4},
                                                               {{1}, {2}, SampleMetric::kCpu, 0, kSlice, 1, 5},
                                                               {{2}, {1}, SampleMetric::kCpu, 0, kSlice, 1, 6},
                                                               {{1}, {1}, SampleMetric::kCpu, kSlice, kSlice, 1, 3}});
}

TEST_CASE("a window's weights are written when it is over, not before") {
  Tables t;
  t.tables.add_weight({1}, {1}, SampleMetric::kCpu, 5, 1, 100);
  REQUIRE(t.tables.flush_window(kSecond - 1).ok());
  CHECK(t.written<SampleRecord>().empty());
  REQUIRE(t.tables.flush_window(kSecond).ok());
  CHECK(t.written<SampleRecord>().size() == 1);
  t.tables.add_weight({1}, {1}, SampleMetric::kCpu, kSecond - 1, 1, 100);  // older than the window: it keeps its time
  REQUIRE(t.tables.flush_window(2 * kSecond - 1).ok());
  CHECK(t.written<SampleRecord>().size() == 1);
  REQUIRE(t.tables.flush_window(2 * kSecond).ok());
  REQUIRE(t.written<SampleRecord>().size() == 2);
  CHECK(t.written<SampleRecord>()[1].slice_start_ns == 990'000'000);
}

TEST_CASE("slices double as a run goes on, and no weight is lost or moved out of its slice") {
  Tables t;
  uint64_t added_ns = 0;
  std::vector<std::tuple<uint64_t, int64_t>> times;  // weight, time: told apart by the weight
  for (int64_t second = 0; second < 1000; ++second) {
    const int64_t time_ns = second * kSecond + 123'456'789;
    const auto weight_ns = static_cast<uint64_t>(second + 1);
    t.tables.add_weight({1}, {static_cast<uint32_t>(second + 1)}, SampleMetric::kCpu, time_ns, 1, weight_ns);
    times.emplace_back(weight_ns, time_ns);
    added_ns += weight_ns;
    REQUIRE(t.tables.flush_window((second + 1) * kSecond).ok());
  }
  REQUIRE(t.tables.flush().ok());
  const std::vector<SampleRecord> samples = t.written<SampleRecord>();
  REQUIRE(samples.size() == times.size());
  uint64_t written_ns = 0;
  int64_t last_length_ns = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto [weight_ns, time_ns] = times[i];
    REQUIRE(samples[i].weight_ns == weight_ns);
    REQUIRE(samples[i].slice_start_ns % samples[i].slice_length_ns == 0);
    REQUIRE(samples[i].slice_start_ns <= time_ns);
    REQUIRE(time_ns < samples[i].slice_start_ns + samples[i].slice_length_ns);
    REQUIRE(samples[i].slice_length_ns >= last_length_ns);
    last_length_ns = samples[i].slice_length_ns;
    written_ns += samples[i].weight_ns;
  }
  CHECK(written_ns == added_ns);
  CHECK(samples.front().slice_length_ns == 10'000'000);
  CHECK(samples.back().slice_length_ns == 80'000'000);  // 128 windows of 1 s, of 2 s and of 4 s, then of 8 s
}

TEST_CASE("counters that are told while they grow add up to what they are at the end") {
  Tables t;
  t.tables.add_counters({1}, {{"samples", 10}, {"samples_dropped", 0}});
  t.tables.add_counters({1}, {{"samples", 10}});
  t.tables.add_counters({1}, {{"samples", 15}, {"samples_dropped", 2}});
  t.tables.add_counters({}, {{"samples", 3}});
  t.tables.end_process({{1}, ExitKind::kExited, 0, 0, 0}, {{"samples", 16}, {"samples_dropped", 2}, {"threads", 1}});
  std::map<std::pair<uint32_t, std::string>, uint64_t> sums;
  size_t records = 0;
  for (const CounterRecord& record : t.written<CounterRecord>()) {
    sums[{record.process.value, record.name}] += record.value;
    ++records;
  }
  CHECK(sums ==
        decltype(sums){{{1, "samples"}, 16}, {{1, "samples_dropped"}, 2}, {{1, "threads"}, 1}, {{0, "samples"}, 3}});
  CHECK(records == 6);
}

TEST_CASE("a flush within a window tells all so far, once, and lets slices grow no faster") {
  Tables once, often;
  for (Tables* each : {&once, &often}) {
    const StackId stack = each->tables.stack({}, each->tables.named_frame(FrameKind::kKernel, "k"));
    for (int64_t second = 0; second < 200; ++second) {
      each->tables.add_weight({1}, stack, SampleMetric::kCpu, second * kSecond, 1, 5);
      if (each == &often) {
        REQUIRE(each->tables.flush_so_far().ok());
        CHECK(each->written<SampleRecord>().size() == static_cast<size_t>(second + 1));
      }
      REQUIRE(each->tables.flush_window((second + 1) * kSecond).ok());
    }
  }
  CHECK(once.written<SampleRecord>() == often.written<SampleRecord>());
}

}  // namespace flarestack
