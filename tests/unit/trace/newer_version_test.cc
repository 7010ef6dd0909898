// SPDX-License-Identifier: Apache-2.0
// What a reader makes of a payload of a newer minor version, or of a hostile one with a right checksum.
#include <catch2/catch.hpp>
#include <protozero/pbf_writer.hpp>

#include "tests/unit/trace/trace_files.h"
#include "trace/format.h"
#include "trace/payload_decoder.h"

namespace flarestack {
namespace {

using protozero::pbf_writer;

struct Decoded {
  std::vector<TraceRecord> records;
  PayloadProblems problems;
};

Decoded decode(const std::string& payload) {
  PayloadDecoder decoder(payload);
  Decoded decoded;
  while (std::optional<TraceRecord> record = decoder.next()) decoded.records.push_back(std::move(*record));
  decoded.problems = decoder.problems();
  return decoded;
}

std::string packed(std::initializer_list<uint64_t> values) {
  std::string bytes;
  for (const uint64_t value : values) protozero::add_varint_to_buffer(&bytes, value);
  return bytes;
}

TEST_CASE("records, blocks, fields and columns of a newer version are skipped, and counted") {
  std::string payload;
  pbf_writer message(payload);
  message.add_bytes(20, "a record we do not know");
  message.add_uint64(21, 5);  // even of another wire type
  {
    pbf_writer thread(message, trace_format::kThread);
    thread.add_uint64(1, 9);
    thread.add_bytes(15, "a field we do not know");
    thread.add_bytes(4, "name");
  }
  {
    pbf_writer block(message, 99);
    block.add_uint64(trace_format::kBlockCount, 1000);
    block.add_bytes(2, "a column of a block we do not know");
  }
  {
    pbf_writer frames(message, trace_format::kFrames);
    frames.add_uint64(trace_format::kBlockCount, 2);
    frames.add_bytes(2, packed({2}));
    frames.add_bytes(3, packed({0, 40}));  // a kind we do not know
    frames.add_bytes(12, "a column we do not know");
  }
  {
    pbf_writer samples(message, trace_format::kSamples);
    samples.add_uint64(trace_format::kBlockCount, 2);
    samples.add_bytes(4, packed({7}));           // a metric we do not know, in the first record
    samples.add_bytes(8, packed({2000, 4000}));  // zigzag: 1000 and 2000
  }
  {
    pbf_writer allocations(message, trace_format::kAllocations);
    allocations.add_uint64(trace_format::kBlockCount, 2);
    allocations.add_bytes(4, packed({40}));          // a kind of memory we do not know, in the first record
    allocations.add_bytes(8, packed({1000, 2000}));  // allocations
    allocations.add_bytes(99, "a column we do not know");
  }
  {
    pbf_writer session(message, trace_format::kSession);
    session.add_uint64(10, 77);  // a way to record a heap that we do not know
  }
  const Decoded decoded = decode(payload);
  AllocationRecord known;
  known.allocations = known.deallocations = known.lifetimes[0] = 2000;
  CHECK(decoded.records ==
        std::vector<TraceRecord>{ThreadRecord{{9}, {}, 0, "name", 0},
                                 FrameRecord{{1}, FrameKind::kNative, AddressKind::kReturnAddress, {}, {}, {}},
                                 FrameRecord{{2}, FrameKind::kMarker, AddressKind::kReturnAddress, {}, {}, {}},
                                 SampleRecord{{}, {}, SampleMetric::kCpu, 0, 0, 0, 2000}, known, SessionRecord{}});
  CHECK(decoded.problems.unknown_records == 1 + 1 + 1 + 1000 + 1 + 1 + 1 + 1 + 1 + 1);
  CHECK_FALSE(decoded.problems.malformed);
}

TEST_CASE("a block cannot announce more records than a chunk may hold") {
  std::string payload;
  pbf_writer message(payload);
  message.add_bytes(trace_format::kCounter, "");
  {
    pbf_writer stacks(message, trace_format::kStacks);
    stacks.add_uint64(trace_format::kBlockCount, uint64_t{1} << 60);
  }
  const Decoded decoded = decode(payload);
  CHECK(decoded.records == std::vector<TraceRecord>{CounterRecord{}});
  CHECK(decoded.problems.malformed);
}

TEST_CASE("a text longer than the block's bytes, an id above 32 bits and a cut varint end the payload") {
  for (const auto& [field, column, bytes] :
       {std::tuple{trace_format::kStrings, 3U, packed({1})}, std::tuple{trace_format::kModules, 3U, packed({1})},
        std::tuple{trace_format::kModules, 4U, packed({1})},
        std::tuple{trace_format::kFrames, 4U, packed({uint64_t{1} << 33})},
        std::tuple{trace_format::kStacks, 4U, packed({1})},
        std::tuple{trace_format::kSamples, 2U, packed({UINT64_MAX})},
        std::tuple{trace_format::kSamples, 8U, std::string("\x80")},
        std::tuple{trace_format::kAllocations, 2U, packed({uint64_t{1} << 34})},
        std::tuple{trace_format::kAllocations, 5U, packed({256})},
        std::tuple{trace_format::kHeapSlices, 2U, packed({1})},
        std::tuple{trace_format::kMemory, 13U, std::string("\x80")}}) {
    INFO("block " << field << ", column " << column);
    std::string payload;
    pbf_writer message(payload);
    {
      pbf_writer block(message, field);
      block.add_uint64(trace_format::kBlockCount, 1);
      block.add_bytes(column, bytes);
    }
    message.add_bytes(trace_format::kCounter, "");
    const Decoded decoded = decode(payload);
    CHECK(decoded.records.empty());
    CHECK(decoded.problems.malformed);
  }
}

}  // namespace
}  // namespace flarestack
