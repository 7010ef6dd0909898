// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <protozero/pbf_writer.hpp>

#include "base/pprof_fields.h"
#include "tests/unit/importer/imported.h"

namespace flarestack {
namespace {

using Lines = std::vector<std::string>;
using protozero::pbf_writer;

// A profile in a few lines: one location a function, in one mapping.
class ProfileMaker {
 public:
  ProfileMaker() { text(""); }
  void type(const std::string& type, const std::string& unit, uint32_t field = pprof::kSampleType) {
    pbf_writer value(message, field);
    value.add_int64(pprof::kValueType, text(type));
    value.add_int64(pprof::kValueUnit, text(unit));
  }
  void mapping(const std::string& path, const std::string& build_id) {
    pbf_writer mapping(message, pprof::kMapping);
    mapping.add_uint64(pprof::kMappingId, 1);
    mapping.add_uint64(pprof::kMappingStart, 0x400000);
    mapping.add_uint64(pprof::kMappingLimit, 0x500000);
    mapping.add_uint64(pprof::kMappingOffset, 0x1000);
    mapping.add_int64(pprof::kMappingFile, text(path));
    mapping.add_int64(pprof::kMappingBuildId, text(build_id));
  }
  void function(uint64_t id, const std::string& name, const std::string& file, int64_t start_line) {
    pbf_writer function(message, pprof::kFunction);
    function.add_uint64(pprof::kFunctionId, id);
    function.add_int64(pprof::kFunctionName, text(name));
    function.add_int64(pprof::kFunctionFile, text(file));
    function.add_int64(pprof::kFunctionStartLine, start_line);
  }
  // Lines innermost first, each a function and a number.
  void location(uint64_t id, uint64_t address, const std::vector<std::pair<uint64_t, int64_t>>& lines) {
    pbf_writer location(message, pprof::kLocation);
    location.add_uint64(pprof::kLocationId, id);
    location.add_uint64(pprof::kLocationMapping, 1);
    location.add_uint64(pprof::kLocationAddress, address);
    for (const auto& [function, number] : lines) {
      pbf_writer line(location, pprof::kLocationLine);
      line.add_uint64(pprof::kLineFunction, function);
      line.add_int64(pprof::kLineNumber, number);
    }
  }
  void sample(const std::vector<uint64_t>& locations, const std::vector<int64_t>& values,
              const std::vector<std::pair<std::string, std::string>>& labels = {}) {
    pbf_writer sample(message, pprof::kSample);
    sample.add_packed_uint64(pprof::kSampleLocations, locations.begin(), locations.end());
    for (const int64_t value : values) sample.add_int64(pprof::kSampleValues, value);  // not packed: old writers
    for (const auto& [key, content] : labels) {
      pbf_writer label(sample, pprof::kSampleLabel);
      label.add_int64(pprof::kLabelKey, text(key));
      label.add_int64(pprof::kLabelText, text(content));
    }
  }
  void number(uint32_t field, int64_t value) { message.add_int64(field, value); }
  std::string finish() {
    for (const std::string& each : texts) message.add_bytes(pprof::kStringTable, each);
    return bytes;
  }
  int64_t text(const std::string& content) {
    texts.push_back(content);
    return static_cast<int64_t>(texts.size()) - 1;
  }

  std::string bytes;
  pbf_writer message{bytes};
  std::vector<std::string> texts;
};

// main calls sort, into which swap is inlined; and an address without a symbol.
void add_code(ProfileMaker& maker) {
  maker.mapping("/usr/bin/app", "c0ffee");
  maker.function(7, "main", "/src/main.cc", 10);
  maker.function(8, "sort", "/src/sort.cc", 20);
  maker.function(9, "swap", "/src/sort.h", 3);
  maker.location(1, 0x401000, {{7, 12}});
  maker.location(2, 0x402000, {{9, 5}, {8, 22}});
  maker.location(3, 0x403210, {});
}

TEST_CASE("a CPU profile comes with functions, lines, inlined frames, modules and threads") {
  ProfileMaker maker;
  maker.type("samples", "count");
  maker.type("cpu", "nanoseconds");
  add_code(maker);
  maker.sample({2, 1}, {3, 30'000'000}, {{"thread", "worker"}, {"tid", "12"}, {"pid", "11"}, {"process", "app"}});
  maker.sample({3, 1}, {1, 10'000'000});
  maker.number(pprof::kTimeNanos, 1'700'000'000'000'000'000);
  maker.number(pprof::kDurationNanos, 2'000'000'000);
  maker.number(pprof::kComment, maker.text("made by a test"));
  const ImportedTrace trace = imported(maker.finish());
  const std::string main = "/usr/bin/app!main@/src/main.cc:12";
  CHECK(trace.lines() ==
        Lines{main + ";/usr/bin/app!app+0x4210 1 10000000",
              main + ";/usr/bin/app!sort@/src/sort.cc:22 >> /usr/bin/app!swap@/src/sort.h:5 3 30000000"});
  REQUIRE(trace.modules.size() == 1);
  CHECK(trace.modules[0].build_id == std::vector<uint8_t>{0xc0, 0xff, 0xee});
  CHECK(trace.frames[0].function_line + trace.frames[1].function_line + trace.frames[2].function_line == 33);
  REQUIRE(trace.threads.size() == 2);
  CHECK(trace.threads[0].name == "worker");
  CHECK(trace.threads[0].tid == 12);
  CHECK(trace.processes[0].pid == 11);
  CHECK(trace.processes[0].executable == "app");
  CHECK(trace.session.start_realtime_ns == 1'700'000'000'000'000'000);
  CHECK(trace.duration_ns == 2'000'000'000);
  CHECK(trace.notes == Lines{"made by a test"});
}

TEST_CASE("a heap profile is allocations and what of them is in use") {
  ProfileMaker maker;
  for (const auto& [type, unit] : {std::pair{"alloc_objects", "count"},
                                   {"alloc_space", "bytes"},
                                   {"inuse_objects", "count"},
                                   {"inuse_space", "bytes"}})
    maker.type(type, unit);
  maker.type("space", "bytes", pprof::kPeriodType);
  maker.number(pprof::kPeriod, 524'288);
  add_code(maker);
  maker.sample({1}, {10, 480, 4, 192});
  maker.sample({2, 1}, {0, 0, 0, 0});
  const ImportedTrace trace = imported(maker.finish());
  CHECK(trace.session.heap == HeapMode::kImported);
  CHECK(trace.session.heap_sample_bytes == 524'288);
  REQUIRE(trace.allocations.size() == 1);
  CHECK(trace.allocations[0].allocations == 10);
  CHECK(trace.allocations[0].allocated_bytes == 480);
  CHECK(trace.allocations[0].deallocations == 6);
  CHECK(trace.allocations[0].deallocated_bytes == 288);
  CHECK(trace.allocations[0].size_class == 6);  // 48 bytes
  CHECK(trace.samples.empty());
  CHECK(trace.heap_slices.empty());
}

TEST_CASE("time that waits is off the CPU, and counts are worth their period") {
  ProfileMaker contention;
  contention.type("contentions", "count");
  contention.type("delay", "microseconds");
  add_code(contention);
  contention.sample({1}, {4, 5000});
  const ImportedTrace waits = imported(contention.finish());
  REQUIRE(waits.samples.size() == 1);
  CHECK(waits.samples[0].metric == SampleMetric::kOffCpu);
  CHECK(waits.samples[0].count == 4);
  CHECK(waits.samples[0].weight_ns == 5'000'000);
  CHECK(waits.session.wall_clock);

  ProfileMaker counts;
  counts.type("samples", "count");
  counts.type("cpu", "milliseconds", pprof::kPeriodType);
  counts.number(pprof::kPeriod, 10);
  add_code(counts);
  counts.sample({1}, {4});
  CHECK(imported(counts.finish()).lines() == Lines{"/usr/bin/app!main@/src/main.cc:12 4 40000000"});

  ProfileMaker goroutines;
  goroutines.type("goroutine", "count");
  goroutines.type("threads", "count");
  add_code(goroutines);
  goroutines.sample({1}, {4, 1});
  const ImportedTrace kept = imported(goroutines.finish());
  CHECK(kept.samples.at(0).weight_ns == 4);
  CHECK_THAT(kept.notes.at(0), Catch::Contains("goroutine/count"));
  CHECK_THAT(kept.notes.at(1), Catch::Contains("threads/count"));
  ImportOptions options;
  options.event = "threads";
  CHECK(imported(goroutines.bytes, options).samples.at(0).weight_ns == 1);
  options.event = "x";
  CHECK_THAT(import_error(goroutines.bytes, options), Catch::Contains("it has goroutine/count, threads/count"));
}

TEST_CASE("negative values are left out and noted, wrong references are errors") {
  ProfileMaker difference;
  difference.type("cpu", "nanoseconds");
  add_code(difference);
  difference.sample({1}, {-5});
  difference.sample({1}, {6});
  const ImportedTrace trace = imported(difference.finish());
  CHECK(trace.samples.size() == 1);
  CHECK_THAT(trace.notes.at(0), Catch::StartsWith("1 samples with a negative value"));

  ProfileMaker nowhere;
  nowhere.type("cpu", "nanoseconds");
  add_code(nowhere);
  nowhere.sample({1}, {1});
  nowhere.sample({99}, {1});
  CHECK(import_error(nowhere.finish()) == "FILE: sample 2: there is no location 99");

  ProfileMaker uneven;
  uneven.type("cpu", "nanoseconds");
  uneven.sample({}, {1, 2});
  CHECK(import_error(uneven.finish()) == "FILE: sample 1 has 2 values for 1 sample types");
  CHECK_THAT(import_error(std::string_view("\x0a\x7f\x08", 3)), Catch::Contains("malformed or cut off"));
  ProfileMaker empty;
  empty.type("cpu", "nanoseconds");
  CHECK(import_error(empty.finish()) == "FILE: there is no sample in it");
}

}  // namespace
}  // namespace flarestack
