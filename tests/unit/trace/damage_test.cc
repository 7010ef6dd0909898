// SPDX-License-Identifier: Apache-2.0
// A trace cut, flipped, spliced or hostile gives what is intact, says that something is wrong, and never invents.
#include <algorithm>
#include <cstring>

#include <catch2/catch.hpp>
#include <xxhash.h>

#include "tests/unit/trace/trace_files.h"
#include "trace/chunk.h"

namespace flarestack {
namespace {

// A recording in several chunks, so that damage to one leaves others.
const std::vector<size_t> kCuts = {4, 9, 13, 18};

struct Original {
  std::string bytes;
  std::vector<TraceRecord> records;    // as a reader gives them out
  std::vector<size_t> chunk_of;        // for each of them
  std::vector<uint64_t> chunk_begins;  // and, last, the end of the file
};

Original original(const TemporaryFolder& folder) {
  Original trace;
  write_trace(folder.file("original"), small_recording(), kCuts);
  trace.bytes = read_bytes(folder.file("original"));
  Result<TraceReader> reader = TraceReader::open(folder.file("original"));
  REQUIRE(reader.ok());
  while (std::optional<TraceRecord> record = reader->next()) {
    if (trace.chunk_begins.empty() || trace.chunk_begins.back() != reader->chunk_offset()) {
      trace.chunk_begins.push_back(reader->chunk_offset());
    }
    trace.records.push_back(std::move(*record));
    trace.chunk_of.push_back(trace.chunk_begins.size() - 1);
  }
  REQUIRE(trace.chunk_begins.size() == kCuts.size() + 1);
  REQUIRE_FALSE(reader->damage().any());
  trace.chunk_begins.push_back(trace.bytes.size());
  return trace;
}

// What a reader must give if the bytes [begin, end) cannot be trusted.
std::vector<TraceRecord> intact_records(const Original& trace, uint64_t begin, uint64_t end) {
  std::vector<TraceRecord> intact;
  for (size_t i = 0; i < trace.records.size(); ++i) {
    const size_t chunk = trace.chunk_of[i];
    if (trace.chunk_begins[chunk + 1] <= begin || trace.chunk_begins[chunk] >= end) intact.push_back(trace.records[i]);
  }
  return intact;
}

TEST_CASE("a trace cut at any byte gives every whole chunk before the cut and says that it was cut") {
  const TemporaryFolder folder;
  const Original trace = original(folder);
  for (size_t length = 0; length < trace.bytes.size(); ++length) {
    INFO("cut at " << length);
    write_bytes(folder.file("cut"), trace.bytes.substr(0, length));
    if (length < sizeof(trace_format::FileHeader)) {
      CHECK_FALSE(TraceReader::open(folder.file("cut")).ok());
      continue;
    }
    const WholeTrace whole = read_trace(folder.file("cut"));
    REQUIRE(whole.records == intact_records(trace, length, trace.bytes.size()));
    REQUIRE_FALSE(whole.damage.ended);
    const auto cut_chunk = std::upper_bound(trace.chunk_begins.begin(), trace.chunk_begins.end(), length);
    const uint64_t whole_bytes = cut_chunk == trace.chunk_begins.begin() ? length : *(cut_chunk - 1);
    REQUIRE(whole.damage.skipped_bytes == length - whole_bytes);
  }
}

TEST_CASE("any flipped bit is noticed, and costs the chunk it is in and no other") {
  const TemporaryFolder folder;
  const Original trace = original(folder);
  for (size_t bit = 0; bit < trace.bytes.size() * 8; ++bit) {
    INFO("bit " << bit % 8 << " of byte " << bit / 8);
    std::string bytes = trace.bytes;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    write_bytes(folder.file("flipped"), bytes);
    const WholeTrace whole = read_trace(folder.file("flipped"));
    REQUIRE(whole.records == intact_records(trace, bit / 8, bit / 8 + 1));
    REQUIRE((whole.damage.skipped_bytes != 0 || whole.damage.damaged_chunks != 0));
  }
}

TEST_CASE("a hole of zeros costs the chunks it touches") {
  const TemporaryFolder folder;
  const Original trace = original(folder);
  for (size_t begin = sizeof(trace_format::FileHeader); begin + 50 < trace.bytes.size(); begin += 7) {
    INFO("hole at " << begin);
    std::string bytes = trace.bytes;
    std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(begin), 50, '\0');
    write_bytes(folder.file("hole"), bytes);
    const WholeTrace whole = read_trace(folder.file("hole"));
    REQUIRE(whole.records == intact_records(trace, begin, begin + 50));
    REQUIRE(whole.damage.any());
  }
}

TEST_CASE("what is inserted between chunks is skipped, its length counted") {
  const TemporaryFolder folder;
  const Original trace = original(folder);
  // Longer than the reader's search window, with the start of a magic at its end.
  const std::string garbage = std::string(300'000, '\xF1') +
                              "\xF1"
                              "chun";
  std::string bytes = trace.bytes;
  bytes.insert(trace.chunk_begins[2], garbage);
  write_bytes(folder.file("inserted"), bytes);
  const WholeTrace whole = read_trace(folder.file("inserted"));
  CHECK(whole.records == trace.records);
  CHECK(whole.damage.skipped_bytes == garbage.size());
}

TEST_CASE("two traces glued together give the first one, not a mixture") {
  const TemporaryFolder folder;
  const Original trace = original(folder);
  write_bytes(folder.file("glued"), trace.bytes + trace.bytes);
  const WholeTrace whole = read_trace(folder.file("glued"));
  CHECK(whole.records == trace.records);
  CHECK(whole.damage.skipped_bytes == trace.bytes.size());
}

TEST_CASE("a file that is no trace, empty, missing, a folder or of a newer version is an error of one sentence") {
  const TemporaryFolder folder;
  const auto error_of = [&](const std::string& path) {
    const Result<TraceReader> reader = TraceReader::open(path);
    REQUIRE_FALSE(reader.ok());
    return reader.error().message;
  };
  write_bytes(folder.file("text"), "#!/bin/sh\necho this is not a trace\n");
  CHECK(error_of(folder.file("text")) == "open " + folder.file("text") + ": not a flarestack trace");
  write_bytes(folder.file("empty"), "");
  CHECK_THAT(error_of(folder.file("empty")), Catch::Contains("is empty"));
  CHECK_THAT(error_of(folder.file("missing")), Catch::Contains("No such file"));
  CHECK_THAT(error_of(folder.file(".")), Catch::Contains("not a regular file"));

  std::string newer = encode_file_header();
  newer[8] = 2;
  const auto checksum = static_cast<uint32_t>(XXH3_64bits(newer.data(), 12));
  std::memcpy(newer.data() + 12, &checksum, sizeof(checksum));
  write_bytes(folder.file("newer"), newer);
  CHECK_THAT(error_of(folder.file("newer")), Catch::Contains("2.0 is newer than this flarestack"));
}

}  // namespace
}  // namespace flarestack
