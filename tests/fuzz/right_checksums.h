// SPDX-License-Identifier: Apache-2.0
// A trace of any bytes whose checksums are right, so that a fuzzer reaches what lies behind them.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

#include <xxhash.h>

#include "trace/chunk.h"

namespace flarestack::fuzz {

inline std::string with_right_checksums(std::string bytes) {
  using trace_format::ChunkHeader;
  using trace_format::kChunkMagic;
  const std::string_view magic(reinterpret_cast<const char*>(kChunkMagic), sizeof(kChunkMagic));
  for (size_t at = bytes.find(magic); at != std::string::npos; at = bytes.find(magic, at + 1)) {
    if (bytes.size() - at < sizeof(ChunkHeader)) break;
    ChunkHeader header;
    std::memcpy(&header, bytes.data() + at, sizeof(header));
    if (header.payload_size_bytes > bytes.size() - at - sizeof(header)) continue;
    const uint64_t seed = XXH3_64bits(bytes.data() + at, offsetof(ChunkHeader, checksum));
    const uint64_t checksum = XXH3_64bits_withSeed(bytes.data() + at + sizeof(header), header.payload_size_bytes, seed);
    std::memcpy(bytes.data() + at + offsetof(ChunkHeader, checksum), &checksum, sizeof(checksum));
  }
  return bytes;
}

}  // namespace flarestack::fuzz
