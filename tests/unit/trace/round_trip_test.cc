// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/unit/trace/trace_files.h"
#include "trace/writer.h"

namespace flarestack {
namespace {

TEST_CASE("a recording comes back record for record") {
  const TemporaryFolder folder;
  for (const std::vector<TraceRecord>& records : {small_recording(), heap_recording(), leak_recording()}) {
    write_trace(folder.file("t"), records);
    const WholeTrace whole = read_trace(folder.file("t"));
    CHECK(whole.records == in_payload_order(records));
    CHECK_FALSE(whole.damage.any());
    CHECK(whole.damage.unknown_records == 0);
  }
}

TEST_CASE("every kind of record keeps its largest and smallest values") {
  const TemporaryFolder folder;
  for (const std::vector<TraceRecord>& records : {extreme_records(), extreme_heap_records(), extreme_leak_records(),
                                                  outside_records(), imported_records(), region_records()}) {
    write_trace(folder.file("t"), records);
    const WholeTrace whole = read_trace(folder.file("t"));
    CHECK(whole.records == in_payload_order(records));
    CHECK(whole.damage.damaged_chunks + whole.damage.skipped_bytes + whole.damage.unknown_records == 0);
  }
}

TEST_CASE("with a chunk for each record the order is that of writing") {
  const TemporaryFolder folder;
  for (const std::vector<TraceRecord>& records :
       {small_recording(), heap_recording(), leak_recording(), extreme_records(), extreme_heap_records(),
        extreme_leak_records(), region_records()}) {
    std::vector<size_t> cuts;
    for (size_t i = 1; i < records.size(); ++i) cuts.push_back(i);
    write_trace(folder.file("t"), records, cuts);
    const WholeTrace whole = read_trace(folder.file("t"));
    CHECK(whole.records == records);
    CHECK(whole.damage.damaged_chunks + whole.damage.skipped_bytes + whole.damage.unknown_records == 0);
  }
}

TEST_CASE("what a leak names is read before it, also where one chunk holds both") {
  const TemporaryFolder folder;
  write_trace(folder.file("t"), leak_recording());
  std::vector<uint32_t> stacks;
  size_t leaks = 0;
  for (const TraceRecord& record : read_trace(folder.file("t")).records) {
    if (const auto* stack = std::get_if<StackRecord>(&record)) stacks.push_back(stack->id.value);
    if (const auto* leak = std::get_if<LeakRecord>(&record)) {
      ++leaks;
      CHECK(std::find(stacks.begin(), stacks.end(), leak->stack.value) != stacks.end());
    }
  }
  CHECK(leaks == 4);
}

TEST_CASE("a million records make several chunks of a few bytes a record") {
  const TemporaryFolder folder;
  Result<TraceWriter> writer = TraceWriter::create(folder.file("t"));
  REQUIRE(writer.ok());
  // A call tree as a recorder meets it: new frames at offsets all over two modules, below parents of any age.
  constexpr uint32_t kRecords = 300'000;
  uint64_t random = 1;
  const auto next_random = [&random] { return random = random * 6364136223846793005U + 1442695040888963407U; };
  std::vector<TraceRecord> stacks;
  for (uint32_t i = 1; i <= kRecords; ++i) {
    const uint64_t offset = next_random() >> 44;
    writer->add(FrameRecord{{i}, FrameKind::kNative, AddressKind::kReturnAddress, {1 + i / 9 % 2}, {offset}, {}});
    const uint32_t parent = next_random() >> 62 != 0 ? i - 1 : static_cast<uint32_t>((next_random() >> 33) % i);
    stacks.push_back(StackRecord{{i}, {parent}, {i}});
    writer->add(stacks.back());
    writer->add(SampleRecord{{1 + i % 8}, {i}, SampleMetric::kCpu, 0, 1'000'000'000, 1, 1'000'000 + (offset & 255)});
  }
  REQUIRE(writer->flush().ok());
  CHECK(writer->bytes_written() < uint64_t{kRecords} * 3 * 4);

  Result<TraceReader> reader = TraceReader::open(folder.file("t"));
  REQUIRE(reader.ok());
  std::vector<TraceRecord> stacks_read;
  std::vector<uint64_t> chunks;
  uint32_t frames_known = 0, stacks_known = 0;
  bool defined_before_use = true;
  while (std::optional<TraceRecord> record = reader->next()) {
    if (chunks.empty() || chunks.back() != reader->chunk_offset()) chunks.push_back(reader->chunk_offset());
    if (const auto* frame = std::get_if<FrameRecord>(&*record)) frames_known = frame->id.value;
    if (const auto* sample = std::get_if<SampleRecord>(&*record)) {
      defined_before_use = defined_before_use && sample->stack.value <= stacks_known;
    }
    if (const auto* stack = std::get_if<StackRecord>(&*record)) {
      defined_before_use = defined_before_use && stack->frame.value <= frames_known;
      stacks_known = stack->id.value;
      stacks_read.push_back(*stack);
    }
  }
  CHECK(defined_before_use);
  CHECK(stacks_read == stacks);
  CHECK(chunks.size() >= 3);
  CHECK(reader->damage().damaged_chunks == 0);
  CHECK(reader->damage().skipped_bytes == 0);
}

TEST_CASE("what the usual program does to its heap takes a few bytes a record") {
  const TemporaryFolder folder;
  Result<TraceWriter> writer = TraceWriter::create(folder.file("t"));
  REQUIRE(writer.ok());
  constexpr uint32_t kRecords = 100'000;
  uint64_t random = 1;
  const auto below = [&random](uint64_t limit) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    return (random >> 33) % limit;
  };
  std::vector<TraceRecord> written;
  for (uint32_t i = 1; i <= kRecords; ++i) {
    AllocationRecord record{{1}, {i}, MemoryKind::kHeap, static_cast<uint8_t>(3 + below(8)), 0, 1'000'000'000};
    record.allocations = 1 + below(50);
    record.allocated_bytes = record.allocations << (record.size_class - 1);
    if (i % 3 != 0) {  // freed at once
      record.deallocations = record.lifetimes[0] = record.temporary = record.allocations;
      record.deallocated_bytes = record.allocated_bytes;
    } else {  // kept
      record.peak_bytes = static_cast<int64_t>(record.allocated_bytes);
      record.peak_blocks = static_cast<int64_t>(record.allocations);
    }
    written.emplace_back(record);
    writer->add(record);
  }
  REQUIRE(writer->flush().ok());
  CHECK(writer->bytes_written() < uint64_t{kRecords} * 5);
  CHECK(read_trace(folder.file("t")).records == written);
}

TEST_CASE("a trace that is still being written gives what was flushed") {
  const TemporaryFolder folder;
  Result<TraceWriter> writer = TraceWriter::create(folder.file("t"));
  REQUIRE(writer.ok());
  CHECK(read_trace(folder.file("t")).records.empty());
  writer->add(StringRecord{{1}, "one"});
  CHECK(read_trace(folder.file("t")).records.empty());
  REQUIRE(writer->flush().ok());
  writer->add(StringRecord{{2}, "two"});
  const WholeTrace whole = read_trace(folder.file("t"));
  CHECK(whole.records == std::vector<TraceRecord>{StringRecord{{1}, "one"}});
  CHECK_FALSE(whole.damage.ended);
  CHECK(whole.damage.skipped_bytes == 0);
  CHECK(whole.damage.damaged_chunks == 0);
}

TEST_CASE("a flush with nothing new writes nothing") {
  const TemporaryFolder folder;
  Result<TraceWriter> writer = TraceWriter::create(folder.file("t"));
  REQUIRE(writer.ok());
  const uint64_t before = writer->bytes_written();
  REQUIRE(writer->flush().ok());
  CHECK(writer->bytes_written() == before);
}

TEST_CASE("a record too large for a chunk is dropped and counted") {
  const TemporaryFolder folder;
  write_trace(folder.file("t"), {StringRecord{{1}, std::string(40 << 20, 'x')}, StringRecord{{2}, "small"}});
  const WholeTrace whole = read_trace(folder.file("t"));
  CHECK(whole.records ==
        std::vector<TraceRecord>{CounterRecord{{}, "trace_records_dropped", 1}, StringRecord{{2}, "small"}});
}

TEST_CASE("a trace is private, also where the file was there before with another mode") {
  const TemporaryFolder folder;
  write_bytes(folder.file("t"), "something longer than a header");
  REQUIRE(::chmod(folder.file("t").c_str(), 0644) == 0);
  write_trace(folder.file("t"), small_recording());
  struct stat status;
  REQUIRE(::stat(folder.file("t").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(read_trace(folder.file("t")).records.size() == small_recording().size());
}

}  // namespace
}  // namespace flarestack
