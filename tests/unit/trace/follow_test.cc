// SPDX-License-Identifier: Apache-2.0
// A reader that follows a trace while it is written.
#include <fstream>

#include <catch2/catch.hpp>

#include "tests/unit/trace/trace_files.h"
#include "trace/format.h"
#include "trace/writer.h"

namespace flarestack {
namespace {

std::vector<TraceRecord> rest_of(TraceReader& reader) {
  std::vector<TraceRecord> records;
  while (std::optional<TraceRecord> record = reader.next()) records.push_back(std::move(*record));
  return records;
}

TraceReader follow(const std::string& path) {
  Result<TraceReader> reader = TraceReader::open(path);
  REQUIRE(reader.ok());
  reader->follow();
  return std::move(*reader);
}

}  // namespace

TEST_CASE("a reader that follows a trace gets each flush once") {
  const TemporaryFolder folder;
  Result<TraceWriter> writer = TraceWriter::create(folder.file("t"));
  REQUIRE(writer.ok());
  TraceReader reader = follow(folder.file("t"));
  CHECK(rest_of(reader).empty());
  for (uint32_t i = 1; i <= 3; ++i) {
    const TraceRecord record = StringRecord{{i}, std::string(i, 'x')};
    writer->add(record);
    CHECK(rest_of(reader).empty());
    REQUIRE(writer->flush().ok());
    CHECK(rest_of(reader) == std::vector<TraceRecord>{record});
    CHECK(rest_of(reader).empty());
  }
  CHECK_FALSE(reader.damage().ended);
  writer->add(EndRecord{5});
  REQUIRE(writer->flush().ok());
  CHECK(rest_of(reader).size() == 1);
  CHECK_FALSE(reader.damage().any());
}

TEST_CASE("a chunk that is there in parts is waited for, at whatever byte it ends so far") {
  const TemporaryFolder folder;
  write_trace(folder.file("whole"), small_recording(), {9});
  const std::string bytes = read_bytes(folder.file("whole"));
  const std::vector<TraceRecord> all = read_trace(folder.file("whole")).records;
  for (size_t cut = sizeof(trace_format::FileHeader); cut < bytes.size(); ++cut) {
    INFO("first only " << cut << " bytes");
    write_bytes(folder.file("t"), bytes.substr(0, cut));
    TraceReader reader = follow(folder.file("t"));
    std::vector<TraceRecord> records = rest_of(reader);
    REQUIRE(records.size() < all.size());
    REQUIRE(rest_of(reader).empty());
    std::ofstream(folder.file("t"), std::ios::binary | std::ios::app) << bytes.substr(cut);
    for (TraceRecord& record : rest_of(reader)) records.push_back(std::move(record));
    REQUIRE(records == all);
    REQUIRE_FALSE(reader.damage().any());
  }
}

TEST_CASE("what is no chunk is damage once another chunk follows it") {
  const TemporaryFolder folder;
  write_trace(folder.file("whole"), small_recording(), {9});
  std::string bytes = read_bytes(folder.file("whole"));
  bytes[sizeof(trace_format::FileHeader) + 40] = static_cast<char>(~bytes[sizeof(trace_format::FileHeader) + 40]);
  write_bytes(folder.file("t"), bytes);
  TraceReader reader = follow(folder.file("t"));
  CHECK_FALSE(rest_of(reader).empty());
  CHECK(reader.damage().damaged_chunks == 1);
  CHECK(reader.damage().skipped_bytes != 0);
  CHECK(reader.damage().ended);
}

}  // namespace flarestack
