// SPDX-License-Identifier: Apache-2.0
// Chunks as bytes: what TraceWriter appends and TraceReader finds. Recorder and offline side; pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trace/format.h"

namespace flarestack {

std::string encode_file_header();
// The header, if it is whole and its checksum holds.
std::optional<trace_format::FileHeader> decode_file_header(std::string_view bytes);

// Header and compressed payload. `flags`: those besides kFlagZstd. `raw` is at most trace_format::kMaxRawBytes.
std::string encode_chunk(std::string_view raw, uint32_t sequence, uint16_t flags = 0);
// The header, if its magic, version and sizes are ones a chunk may have; `bytes` holds at least a header. The checksum
// is not checked: that takes the payload.
std::optional<trace_format::ChunkHeader> decode_chunk_header(std::string_view bytes);
// Whether it is a part of a bundled file, and the header is intact: its half of the checksum is checked.
bool is_file_part(const trace_format::ChunkHeader& header);
// The decompressed payload, if the checksum of header and payload holds and the sizes are true.
std::optional<std::string> decode_chunk(const trace_format::ChunkHeader& header, std::string_view payload);

}  // namespace flarestack
