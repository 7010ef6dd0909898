// SPDX-License-Identifier: Apache-2.0
#include "trace/dump.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/unit/trace/trace_files.h"

namespace flarestack {
namespace {

std::vector<std::string> dump_of(const std::string& path) {
  Result<TraceReader> reader = TraceReader::open(path);
  REQUIRE(reader.ok());
  std::vector<std::string> lines;
  dump_trace(*reader, [&](std::string_view line) { lines.emplace_back(line); });
  return lines;
}

TEST_CASE("a dump has one line for each record, and says where chunks begin and that nothing is missing") {
  const TemporaryFolder folder;
  write_trace(folder.file("t"), small_recording(), {22});
  const std::vector<std::string> lines = dump_of(folder.file("t"));
  REQUIRE(lines.size() == small_recording().size() + 3);
  CHECK(lines[0] == "# chunk at byte 16");
  CHECK(lines[1] ==
        "session command=[\"./work\" \"--fast\" \"\"] working_directory=\"/home/user\" host=\"host\" "
        "kernel=\"6.1.0\" version=\"0.1.0\" start_realtime_ns=1700000000123456789 clock=perf_task_clock "
        "requested_hz=1000 wall_clock=yes heap=none heap_sample_bytes=0 leak_checks=not_said");
  const std::vector<std::string> expected = {
      "process id=1 parent=0 origin=launch pid=4711 executable=\"/usr/bin/work\" arguments=[\"./work\" \"--fast\"] "
      "start_ns=5",
      "process_end id=1 kind=replaced_by_exec code=0 end_ns=70 cpu_ns=16",
      "thread id=2 process=2 tid=4711 name=\"next\" start_ns=70",
      "unrecorded pid=4712 parent=2 command=\"sudo id\" reason=\"it is setuid\"",
      "string id=1 text=\"do_syscall_64\"",
      "module id=1 path=\"/usr/bin/work\" build_id=dead00ef",
      "module id=2 path=\"[vdso]\" build_id=none",
      "frame id=2 kind=native address=instruction module=2 offset=0x1204 name=0",
      "frame id=3 kind=kernel address=instruction module=0 offset=0x0 name=1",
      "stack id=4 parent=3 frame=1",
      "sample thread=2 stack=4 metric=off_cpu slice_start_ns=1000000000 slice_length_ns=1000000000 count=3 "
      "weight_ns=2999999",
      "counter process=2 name=\"samples\" value=15",
      "end duration_ns=91",
  };
  for (const std::string& line : expected) CHECK_THAT(lines, Catch::VectorContains(line));
  CHECK(lines.back() == "# complete, 0 damaged chunks, 0 bytes skipped, 0 records of a newer version");
}

TEST_CASE("a dump has a line for each record of memory") {
  const TemporaryFolder folder;
  write_trace(folder.file("t"), heap_recording());
  const std::vector<std::string> lines = dump_of(folder.file("t"));
  CHECK_THAT(lines[1], Catch::EndsWith("wall_clock=yes heap=sampled heap_sample_bytes=524288 leak_checks=not_said"));
  const std::vector<std::string> expected = {
      "allocation thread=2 stack=4 kind=mapped size_class=20 slice_start_ns=1000000000 slice_length_ns=2000000000 "
      "allocations=3 allocated_bytes=3000000 deallocations=5 deallocated_bytes=4000000 temporary=1 "
      "lifetimes=[1 0 0 0 1 1 1 1] peak_bytes=-500000 peak_blocks=-1 samples=3 variance_allocations=17 "
      "variance_kib2=8000",
      "heap_slice process=1 slice_start_ns=0 slice_length_ns=1000000000 peak_bytes=40000 peak_blocks=30 "
      "peak_time_ns=999 live_bytes=14341 live_blocks=7",
      "memory process=1 time_ns=10000000 rss_bytes=9000000 pss_bytes=8000000 allocator_bytes=1000000 "
      "stack_bytes=200000 file_bytes=7000000 mapped_bytes=300000 own_bytes=500000 heap_live_bytes=40000 "
      "minor_faults=1234 major_faults=5",
      "note process=2 text=\"mallocx could not be hooked: its entry is 3 bytes long\"",
  };
  for (const std::string& line : expected) CHECK_THAT(lines, Catch::VectorContains(line));
}

TEST_CASE("a dump says what was lost") {
  const TemporaryFolder folder;
  write_trace(folder.file("t"), {StringRecord{{1}, "kept"}, StringRecord{{2}, "cut"}}, {1});
  const std::string bytes = read_bytes(folder.file("t"));
  const size_t second = bytes.rfind("chunk") - 1;
  write_bytes(folder.file("t"), bytes.substr(0, bytes.size() - 1));
  const std::vector<std::string> lines = dump_of(folder.file("t"));
  REQUIRE(lines.size() == 3);
  CHECK(lines[1] == "string id=1 text=\"kept\"");
  CHECK(lines[2] == "# no end record: the recorder was stopped before it finished, 0 damaged chunks, " +
                        std::to_string(bytes.size() - 1 - second) + " bytes skipped, 0 records of a newer version");
}

TEST_CASE("text of the target cannot break a line or steer a terminal") {
  CHECK(describe(StringRecord{{7}, std::string("a\"b\\c\nd\x1b[31m\xC3\xA9\0", 15)}) ==
        "string id=7 text=\"a\\\"b\\\\c\\nd\\x1B[31m\\xC3\\xA9\\x00\"");
}

TEST_CASE("a dump says of a process that is sampled from outside how, and why") {
  const TemporaryFolder folder;
  write_trace(folder.file("t"), outside_records());
  const std::vector<std::string> lines = dump_of(folder.file("t"));
  const std::string expected =
      "process id=1 parent=0 origin=attach pid=4711 executable=\"/usr/bin/work\" arguments=[\"work\"] start_ns=5 "
      "sampling=snapshots stack_copy_bytes=16384 no_agent_reason=\"it is Go\"";
  CHECK(std::find(lines.begin(), lines.end(), expected) != lines.end());
}

}  // namespace
}  // namespace flarestack
