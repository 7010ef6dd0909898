// SPDX-License-Identifier: Apache-2.0
// The file is read with pread() into memory of our own and never mapped: it may be cut while we read it, and a mapping
// would then raise SIGBUS. At any moment at most one chunk and its decompressed payload are held.
#include "trace/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "trace/chunk.h"
#include "trace/payload_decoder.h"

namespace flarestack {
namespace {

using trace_format::ChunkHeader;
using trace_format::FileHeader;

const std::string_view kChunkMagic(reinterpret_cast<const char*>(trace_format::kChunkMagic),
                                   sizeof(trace_format::kChunkMagic));
constexpr size_t kSearchBytes = 256U << 10;

uint64_t size_of(int fd) {
  struct stat status;
  return ::fstat(fd, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

// What there is of [offset, offset + size_bytes): shorter at the end of the file and on a read error.
std::string read_at(int fd, uint64_t offset, size_t size_bytes) {
  const uint64_t file_size_bytes = size_of(fd);
  std::string bytes(std::min<uint64_t>(size_bytes, file_size_bytes - std::min(offset, file_size_bytes)), '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::pread(fd, bytes.data() + have, bytes.size() - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

struct TraceReader::State {
  Fd file;
  TraceDamage damage;
  uint64_t position = 0;      // of the first byte not yet looked at
  uint64_t chunk_offset = 0;  // of the open chunk
  uint32_t next_sequence = 0;
  bool follows = false;
  std::string payload;  // of the open chunk, which the decoder borrows
  PayloadDecoder decoder;

  bool open_next_chunk();
  bool open_chunk_at_position();
  bool skip_file_part();
  bool skip_to_magic();
  void close_chunk();
};

// Goes to the next intact chunk; false at the end of the file.
bool TraceReader::State::open_next_chunk() {
  for (;;) {
    while (skip_file_part()) {
    }
    const TraceDamage before = damage;
    if (open_chunk_at_position()) return true;
    if (skip_to_magic()) continue;
    if (follows) damage = before;  // it is looked at again
    return false;
  }
}

bool TraceReader::State::open_chunk_at_position() {
  const std::string head = read_at(file.get(), position, sizeof(ChunkHeader));
  if (head.size() < sizeof(ChunkHeader) || !head.starts_with(kChunkMagic)) return false;
  const std::optional<ChunkHeader> header = decode_chunk_header(head);
  if (!header) {
    ++damage.damaged_chunks;
    return false;
  }
  // A size is believed only as far as there is a file, so that a wrong one costs no memory. A chunk that reaches beyond
  // the end is cut or still being written (or its size is damaged): skipped_bytes and `ended` say so.
  const uint64_t end = position + sizeof(ChunkHeader) + header->payload_size_bytes;
  if (end > size_of(file.get())) return false;
  std::optional<std::string> raw =
      decode_chunk(*header, read_at(file.get(), position + sizeof(ChunkHeader), header->payload_size_bytes));
  if (!raw || header->sequence < next_sequence || (header->flags & trace_format::kFlagFilePart) != 0) {
    ++damage.damaged_chunks;
    return false;
  }
  next_sequence = header->sequence + 1;
  chunk_offset = position;
  position = end;
  payload = std::move(*raw);
  decoder = PayloadDecoder(payload);
  return true;
}

// Over a part of a bundled file, whose contents are not read: its header has a checksum of its own, and another chunk
// or the end of the file is where its size must lead to. False: there is no such part.
bool TraceReader::State::skip_file_part() {
  const std::string head = read_at(file.get(), position, sizeof(ChunkHeader));
  const std::optional<ChunkHeader> header =
      head.size() < sizeof(ChunkHeader) ? std::nullopt : decode_chunk_header(head);
  if (!header || !is_file_part(*header) || header->sequence < next_sequence) return false;
  const uint64_t end = position + sizeof(ChunkHeader) + header->payload_size_bytes;
  if (end > size_of(file.get()) || !kChunkMagic.starts_with(read_at(file.get(), end, kChunkMagic.size()))) return false;
  next_sequence = header->sequence + 1;
  position = end;
  return true;
}

// Moves the position to the next chunk magic behind it, or to the end of the file (false), and counts what lies
// between. Of a file that is still being written the end is no place to move to.
bool TraceReader::State::skip_to_magic() {
  // No size of the chunk at the position can be trusted, so the search begins right behind its first byte.
  uint64_t from = position;
  for (;;) {
    const std::string window = read_at(file.get(), from, kSearchBytes);
    const size_t found = window.find(kChunkMagic, from == position ? 1 : 0);
    const bool at_end = found == std::string::npos && window.size() < kSearchBytes;
    if (found == std::string::npos && !at_end) {
      from += window.size() - (kChunkMagic.size() - 1);
      continue;
    }
    if (at_end && follows) return false;
    const uint64_t to = from + (at_end ? window.size() : found);
    damage.skipped_bytes += to - position;
    position = to;
    return !at_end;
  }
}

void TraceReader::State::close_chunk() {
  if (decoder.problems().malformed) ++damage.damaged_chunks;
  damage.unknown_records += decoder.problems().unknown_records;
  decoder = PayloadDecoder();
  payload.clear();
}

Result<TraceReader> TraceReader::open(const std::string& path) {
  Result<Fd> file = open_file(path, O_RDONLY | O_NONBLOCK);  // a FIFO must not make us wait
  if (!file) return file.error();
  struct stat status;
  if (::fstat(file->get(), &status) != 0) return errno_error("stat " + path);
  if (!S_ISREG(status.st_mode)) return Error{"open " + path + ": not a regular file"};
  if (status.st_size == 0)
    return Error{"open " + path + ": the file is empty; its recorder was stopped before it began"};

  auto state = std::make_unique<State>();
  state->file = std::move(*file);
  const std::string head = read_at(state->file.get(), 0, sizeof(FileHeader));
  if (const std::optional<FileHeader> header = decode_file_header(head)) {
    if (header->major_version > trace_format::kMajorVersion) {
      return Error{
          fmt::format("open {}: format version {}.{} is newer than this flarestack, which reads {}.x; "
                      "read it with the flarestack that wrote it",
                      path, header->major_version, header->minor_version, trace_format::kMajorVersion)};
    }
    state->position = sizeof(FileHeader);
  } else if (!state->open_next_chunk()) {
    // A damaged header costs nothing as long as one chunk is intact.
    return Error{"open " + path + ": not a flarestack trace"};
  }
  return TraceReader(std::move(state));
}

TraceReader::TraceReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader& TraceReader::operator=(TraceReader&&) noexcept = default;
TraceReader::~TraceReader() = default;

void TraceReader::follow() { state_->follows = true; }

std::optional<TraceRecord> TraceReader::next() {
  for (;;) {
    if (std::optional<TraceRecord> record = state_->decoder.next()) {
      if (std::holds_alternative<EndRecord>(*record)) state_->damage.ended = true;
      return record;
    }
    state_->close_chunk();
    if (!state_->open_next_chunk()) return std::nullopt;
  }
}

const TraceDamage& TraceReader::damage() const { return state_->damage; }
uint32_t TraceReader::next_sequence() const { return state_->next_sequence; }
uint64_t TraceReader::chunk_offset() const { return state_->chunk_offset; }

}  // namespace flarestack
