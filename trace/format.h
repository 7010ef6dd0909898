// SPDX-License-Identifier: Apache-2.0
// The bytes of a trace file: its two headers and the field numbers of a payload (docs/trace-format.md, which changes in
// the same commit as this). Used by the writer and the reader alone.
//
//   file    = FileHeader chunk*
//   chunk   = ChunkHeader payload             the payload is one protobuf message, compressed with zstd
//
// All integers are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flarestack::trace_format {

// A reader refuses a newer major version, and skips and counts what it does not know of a newer minor one.
constexpr uint16_t kMajorVersion = 1;
constexpr uint16_t kMinorVersion = 0;

// Neither text nor valid UTF-8, so that a file mangled by a text transfer is noticed at once (as in PNG).
constexpr unsigned char kFileMagic[8] = {0x89, 'F', 'L', 'A', 'R', 'E', '\r', '\n'};
constexpr unsigned char kChunkMagic[8] = {0xF1, 'c', 'h', 'u', 'n', 'k', 0x0A, 0xE7};

struct FileHeader {
  unsigned char magic[8];
  uint16_t major_version;
  uint16_t minor_version;
  uint32_t checksum;  // low half of XXH3-64 of the 12 bytes before
};
static_assert(sizeof(FileHeader) == 16 && offsetof(FileHeader, checksum) == 12);

struct ChunkHeader {
  unsigned char magic[8];
  uint16_t major_version;
  uint16_t flags;
  uint32_t sequence;  // 0, 1, 2, ...: a chunk that does not follow its predecessor is not of this recording
  uint32_t payload_size_bytes;
  uint32_t raw_size_bytes;  // after decompression
  uint64_t checksum;        // XXH3-64 of the payload as stored, seeded with the XXH3-64 of the 24 bytes before
};
static_assert(sizeof(ChunkHeader) == 32 && offsetof(ChunkHeader, checksum) == 24);

constexpr uint16_t kFlagZstd = 1;
// The payload is a part of a bundled file, no records: who reads records goes on behind it without reading it.
constexpr uint16_t kFlagFilePart = 2;

// Limits a reader holds a file to, however large a size field is. The writer cuts a chunk at 1 MiB and a record is
// dropped (and counted) above kMaxRecordBytes, so that no chunk comes near the limit.
constexpr size_t kMaxRawBytes = 64U << 20;
constexpr size_t kMaxPayloadBytes = kMaxRawBytes + (1U << 20);
constexpr size_t kChunkBytes = 1U << 20;
constexpr size_t kMaxRecordBytes = 32U << 20;
constexpr uint64_t kMaxBlockRecords = 1U << 20;  // in all blocks of a chunk; each takes at least a byte of kChunkBytes

// Fields of the payload. Below kFirstBlock: one record each. From there on: a block of records of one kind, in columns.
enum PayloadField : uint32_t {
  kSession = 1,
  kProcess = 2,
  kProcessEnd = 3,
  kThread = 4,
  kCounter = 5,
  kUnrecorded = 6,
  kEnd = 7,
  kNote = 8,
  kLeakCheck = 9,
  kLeak = 10,
  kBundledFile = 11,
  kRegion = 12,
  kTimeout = 13,
  kTimeoutStack = 14,
  kFirstBlock = 32,
  kStrings = 32,
  kModules = 33,
  kFrames = 34,
  kStacks = 35,
  kSamples = 36,
  kAllocations = 37,
  kHeapSlices = 38,
  kMemory = 39,
  kRegionTotals = 40,
  kRegionSpans = 41,
  kRegionValues = 42,
};

// In every block: how many records it holds, so that a reader which does not know the block can say what it skipped.
constexpr uint32_t kBlockCount = 1;

}  // namespace flarestack::trace_format
