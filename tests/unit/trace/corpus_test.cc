// SPDX-License-Identifier: Apache-2.0
// The fuzzer's corpus is also the archive of the format: files of this version are read for as long as it exists.
// UPDATE_GOLDEN=1 writes what is missing; it replaces nothing, since that would hide that an old file is not read.
#include <cstdlib>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/unit/trace/trace_files.h"
#include "trace/payload_decoder.h"
#include "trace/payload_encoder.h"

namespace flarestack {
namespace {

const std::string kCorpus = "tests/fuzz/corpus/trace/";

bool to_be_written(const std::string& path) {
  return std::getenv("UPDATE_GOLDEN") != nullptr && !std::filesystem::exists(path);
}

TEST_CASE("a trace kept in the corpus reads as the recording it was written from") {
  const std::string small = kCorpus + "small.v1.flare";
  if (to_be_written(small)) write_trace(small, small_recording());
  CHECK(read_trace(small).records == in_payload_order(small_recording()));
  CHECK_FALSE(read_trace(small).damage.any());

  const std::string heap = kCorpus + "heap.v1.flare";
  if (to_be_written(heap)) write_trace(heap, heap_recording());
  CHECK(read_trace(heap).records == in_payload_order(heap_recording()));
  CHECK_FALSE(read_trace(heap).damage.any());

  const std::string chunks = kCorpus + "chunks.v1.flare";
  if (to_be_written(chunks)) write_trace(chunks, small_recording(), {4, 9, 13, 18});
  CHECK(read_trace(chunks).records.size() == small_recording().size());
  CHECK_FALSE(read_trace(chunks).damage.any());
}

void check_payload(const std::string& path, const std::vector<TraceRecord>& records) {
  if (to_be_written(path)) {
    PayloadEncoder encoder;
    for (const TraceRecord& record : records) encoder.add(record);
    write_bytes(path, encoder.take());
  }
  const std::string payload = read_bytes(path);
  PayloadDecoder decoder(payload);
  std::vector<TraceRecord> decoded;
  while (std::optional<TraceRecord> record = decoder.next()) decoded.push_back(std::move(*record));
  CHECK(decoded == records);
  CHECK_FALSE(decoder.problems().malformed);
}

TEST_CASE("a payload kept in the corpus reads as the records it was encoded from") {
  check_payload(kCorpus + "extreme.v1.payload", in_payload_order(extreme_records()));
  check_payload(kCorpus + "extreme_heap.v1.payload", in_payload_order(extreme_heap_records()));
  check_payload(kCorpus + "extreme_leaks.v1.payload", in_payload_order(extreme_leak_records()));
  check_payload(kCorpus + "outside.v1.payload", in_payload_order(outside_records()));
  check_payload(kCorpus + "imported.v1.payload", in_payload_order(imported_records()));
}

}  // namespace
}  // namespace flarestack
