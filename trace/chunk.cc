// SPDX-License-Identifier: Apache-2.0
#include "trace/chunk.h"

#include <bit>
#include <cstring>

#include <xxhash.h>
#include <zstd.h>

namespace flarestack {
namespace {

using trace_format::ChunkHeader;
using trace_format::FileHeader;

static_assert(std::endian::native == std::endian::little, "headers are copied as they lie in memory");

// The highest level that keeps up with a recorder on a busy machine: 3 packs a 1 MiB payload in about 4 ms.
constexpr int kCompressionLevel = 3;

uint32_t checksum_of(const FileHeader& header) {
  return static_cast<uint32_t>(XXH3_64bits(&header, offsetof(FileHeader, checksum)));
}

// The header's hash seeds the payload's, so that one number covers both.
uint64_t checksum_of(const ChunkHeader& header, std::string_view payload) {
  const uint64_t header_hash = XXH3_64bits(&header, offsetof(ChunkHeader, checksum));
  const uint64_t hash = XXH3_64bits_withSeed(payload.data(), payload.size(), header_hash);
  // A part of a file is gone over without its payload, so half of the number is of the header alone.
  return (header.flags & trace_format::kFlagFilePart) != 0 ? (hash & ~uint64_t{UINT32_MAX}) | (header_hash & UINT32_MAX)
                                                           : hash;
}

template <typename Header>
Header copy_from(std::string_view bytes) {
  Header header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  return header;
}

}  // namespace

std::string encode_file_header() {
  FileHeader header{};
  std::memcpy(header.magic, trace_format::kFileMagic, sizeof(header.magic));
  header.major_version = trace_format::kMajorVersion;
  header.minor_version = trace_format::kMinorVersion;
  header.checksum = checksum_of(header);
  std::string bytes(sizeof(header), '\0');
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

std::optional<FileHeader> decode_file_header(std::string_view bytes) {
  if (bytes.size() < sizeof(FileHeader)) return std::nullopt;
  const auto header = copy_from<FileHeader>(bytes);
  if (std::memcmp(header.magic, trace_format::kFileMagic, sizeof(header.magic)) != 0) return std::nullopt;
  if (header.checksum != checksum_of(header)) return std::nullopt;
  return header;
}

std::string encode_chunk(std::string_view raw, uint32_t sequence, uint16_t flags) {
  ChunkHeader header{};
  std::memcpy(header.magic, trace_format::kChunkMagic, sizeof(header.magic));
  header.major_version = trace_format::kMajorVersion;
  header.flags = flags;
  header.sequence = sequence;
  header.raw_size_bytes = static_cast<uint32_t>(raw.size());

  std::string bytes(sizeof(header) + ZSTD_compressBound(raw.size()), '\0');
  char* payload = bytes.data() + sizeof(header);
  size_t payload_size_bytes =
      ZSTD_compress(payload, bytes.size() - sizeof(header), raw.data(), raw.size(), kCompressionLevel);
  if (ZSTD_isError(payload_size_bytes) != 0 || payload_size_bytes >= raw.size()) {
    std::memcpy(payload, raw.data(), raw.size());  // fits: the bound is above the raw size
    payload_size_bytes = raw.size();
  } else {
    header.flags = static_cast<uint16_t>(flags | trace_format::kFlagZstd);
  }
  header.payload_size_bytes = static_cast<uint32_t>(payload_size_bytes);
  header.checksum = checksum_of(header, {payload, payload_size_bytes});
  std::memcpy(bytes.data(), &header, sizeof(header));
  bytes.resize(sizeof(header) + payload_size_bytes);
  return bytes;
}

std::optional<ChunkHeader> decode_chunk_header(std::string_view bytes) {
  const auto header = copy_from<ChunkHeader>(bytes);
  if (std::memcmp(header.magic, trace_format::kChunkMagic, sizeof(header.magic)) != 0) return std::nullopt;
  if (header.major_version != trace_format::kMajorVersion) return std::nullopt;
  if ((header.flags & ~(trace_format::kFlagZstd | trace_format::kFlagFilePart)) != 0) return std::nullopt;
  if (header.payload_size_bytes > trace_format::kMaxPayloadBytes) return std::nullopt;
  if (header.raw_size_bytes > trace_format::kMaxRawBytes) return std::nullopt;
  return header;
}

bool is_file_part(const ChunkHeader& header) {
  return (header.flags & trace_format::kFlagFilePart) != 0 &&
         (header.checksum & UINT32_MAX) == (XXH3_64bits(&header, offsetof(ChunkHeader, checksum)) & UINT32_MAX);
}

std::optional<std::string> decode_chunk(const ChunkHeader& header, std::string_view payload) {
  if (header.payload_size_bytes != payload.size()) return std::nullopt;
  if (header.checksum != checksum_of(header, payload)) return std::nullopt;
  if ((header.flags & trace_format::kFlagZstd) == 0) {
    if (header.raw_size_bytes != payload.size()) return std::nullopt;
    return std::string(payload);
  }
  // Before memory is taken for it.
  if (ZSTD_getFrameContentSize(payload.data(), payload.size()) != header.raw_size_bytes) return std::nullopt;
  std::string raw(header.raw_size_bytes, '\0');
  const size_t size_bytes = ZSTD_decompress(raw.data(), raw.size(), payload.data(), payload.size());
  if (ZSTD_isError(size_bytes) != 0 || size_bytes != raw.size()) return std::nullopt;
  return raw;
}

}  // namespace flarestack
