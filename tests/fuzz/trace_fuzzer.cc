// SPDX-License-Identifier: Apache-2.0
// links: flarestack_trace
// Three readings of the bytes: as a file; as a file whose checksums are right, so that what lies behind them is
// reached; and as the payload of a chunk. Besides not crashing: a reader accounts for no more bytes than there are, and
// what a decoder gave out survives being written and read again.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/right_checksums.h"
#include "trace/payload_decoder.h"
#include "trace/payload_encoder.h"
#include "trace/reader.h"

namespace {

using flarestack::TraceRecord;

// A chunk of a few bytes may hold 2^20 records (zstd, and columns of zeros), which is legitimate and takes its time.
constexpr size_t kRecordsRead = 50'000;
constexpr size_t kRecordsKept = 5'000;

void require(bool holds) {
  if (!holds) std::abort();
}

void read_as_file(std::string_view bytes) {
  static const int memory_file = ::memfd_create("trace_fuzzer", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(memory_file);
  require(::ftruncate(memory_file, 0) == 0);
  require(::pwrite(memory_file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  flarestack::Result<flarestack::TraceReader> reader = flarestack::TraceReader::open(path);
  if (!reader) {
    require(!reader.error().message.empty());
    return;
  }
  for (size_t records = 0; reader->next(); ++records) {
    require(reader->chunk_offset() < bytes.size());
    if (records == kRecordsRead) return;
  }
  require(!reader->next());
  require(reader->damage().skipped_bytes <= bytes.size());
}

std::vector<TraceRecord> decode(std::string_view payload) {
  std::vector<TraceRecord> records;
  flarestack::PayloadDecoder decoder(payload);
  while (records.size() < kRecordsKept) {
    std::optional<TraceRecord> record = decoder.next();
    if (!record) break;
    records.push_back(std::move(*record));
  }
  return records;
}

std::string encode(const std::vector<TraceRecord>& records) {
  flarestack::PayloadEncoder encoder;
  for (const TraceRecord& record : records) encoder.add(record);
  return encoder.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  read_as_file(bytes);
  read_as_file(flarestack::fuzz::with_right_checksums(bytes));
  // The first writing sorts the kinds (definitions before their use); from there on nothing may change.
  const std::vector<TraceRecord> sorted = decode(encode(decode(bytes)));
  require(decode(encode(sorted)) == sorted);
  return 0;
}
