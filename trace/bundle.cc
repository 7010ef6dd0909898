// SPDX-License-Identifier: Apache-2.0
#include "trace/bundle.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string_view>

#include <xxhash.h>

#include "trace/chunk.h"
#include "trace/payload_encoder.h"
#include "trace/reader.h"

namespace flarestack {
namespace {

using trace_format::ChunkHeader;

struct StateFree {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};
using Hash = std::unique_ptr<XXH3_state_t, StateFree>;

Hash new_hash() {
  Hash hash(XXH3_createState());
  XXH3_64bits_reset(hash.get());
  return hash;
}

std::string read_at(int file, uint64_t offset, size_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  size_t have = 0;
  while (have < size_bytes) {
    const ssize_t got = ::pread(file, bytes.data() + have, size_bytes - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

// One part, unpacked; none: it is damaged.
std::optional<std::string> read_part(int trace, uint64_t offset) {
  const std::string head = read_at(trace, offset, sizeof(ChunkHeader));
  const std::optional<ChunkHeader> header =
      head.size() == sizeof(ChunkHeader) ? decode_chunk_header(head) : std::nullopt;
  if (!header || (header->flags & trace_format::kFlagFilePart) == 0) return std::nullopt;
  struct stat status {};
  const uint64_t payload = offset + sizeof(ChunkHeader);
  if (::fstat(trace, &status) != 0 || payload + header->payload_size_bytes > static_cast<uint64_t>(status.st_size)) {
    return std::nullopt;
  }
  return decode_chunk(*header, read_at(trace, payload, header->payload_size_bytes));
}

// A file without a name: on disk where there is room for large ones, else in memory.
Fd nameless_file() {
  const char* folder = std::getenv("TMPDIR");
  Fd file(::open(folder != nullptr ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  return file ? std::move(file) : Fd(memfd_create("bundled", MFD_CLOEXEC));
}

}  // namespace

struct TraceBundle::State {
  std::string trace_path;
  std::vector<BundledFileRecord> files;
  std::mutex mutex;
  std::map<std::vector<uint64_t>, Fd> unpacked;  // by parts

  Result<Fd> unpack(const BundledFileRecord& file) const;
};

Result<Fd> TraceBundle::State::unpack(const BundledFileRecord& file) const {
  const Error damaged{file.path + ": its copy in " + trace_path + " is damaged"};
  Result<Fd> trace = open_file(trace_path, O_RDONLY | O_NONBLOCK);
  if (!trace.ok()) return trace.error();
  Fd result = nameless_file();
  if (!result) return errno_error("unpack " + file.path);
  const Hash hash = new_hash();
  uint64_t size_bytes = 0;
  for (const uint64_t offset : file.part_offsets) {
    const std::optional<std::string> part = read_part(trace->get(), offset);
    // Never more than was promised, or few bytes could ask for any amount of room by naming one part often.
    if (!part || part->size() > file.size_bytes - size_bytes) return damaged;
    XXH3_64bits_update(hash.get(), part->data(), part->size());
    if (Result<void> written = write_all(result.get(), *part, "unpack " + file.path); !written.ok()) {
      return written.error();
    }
    size_bytes += part->size();
  }
  if (size_bytes != file.size_bytes || XXH3_64bits_digest(hash.get()) != file.checksum) return damaged;
  return result;
}

TraceBundle::TraceBundle(std::string trace_path, std::vector<BundledFileRecord> files)
    : state_(std::make_unique<State>()) {
  state_->trace_path = std::move(trace_path);
  state_->files = std::move(files);
}

TraceBundle::~TraceBundle() = default;

const std::vector<BundledFileRecord>& TraceBundle::files() const { return state_->files; }

Result<Fd> TraceBundle::open(const BundledFileRecord& file) const {
  const std::lock_guard<std::mutex> guard(state_->mutex);
  auto found = state_->unpacked.find(file.part_offsets);
  if (found == state_->unpacked.end()) {
    Result<Fd> unpacked = state_->unpack(file);
    if (!unpacked.ok()) return unpacked.error();
    found = state_->unpacked.emplace(file.part_offsets, std::move(*unpacked)).first;
  }
  Fd copy(::fcntl(found->second.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return errno_error("open " + file.path);
  ::lseek(copy.get(), 0, SEEK_SET);
  return copy;
}

Fd TraceBundle::open(BundledKind kind, std::span<const uint8_t> id) const {
  for (const BundledFileRecord& file : state_->files) {
    if (file.kind == kind && std::equal(file.id.begin(), file.id.end(), id.begin(), id.end())) {
      Result<Fd> opened = open(file);
      return opened.ok() ? std::move(*opened) : Fd();
    }
  }
  return {};
}

Fd TraceBundle::open_source(const std::string& path) const {
  for (const BundledFileRecord& file : state_->files) {
    if (file.kind == BundledKind::kSource && file.path == path) {
      Result<Fd> opened = open(file);
      return opened.ok() ? std::move(*opened) : Fd();
    }
  }
  return {};
}

struct BundleWriter::State {
  std::string path;
  Fd file;
  uint64_t end = 0;  // of the trace so far
  uint32_t next_sequence = 0;
  uint64_t bytes_written = 0;
  std::vector<BundledFileRecord> known;

  Result<void> append(std::string_view bytes);
  Result<void> append_parts(int source, BundledFileRecord& record);
};

Result<void> BundleWriter::State::append(std::string_view bytes) {
  ::lseek(file.get(), static_cast<off_t>(end), SEEK_SET);
  Result<void> written = write_all(file.get(), bytes, "write " + path);
  if (written.ok()) {
    end += bytes.size();
    bytes_written += bytes.size();
  }
  return written;
}

Result<void> BundleWriter::State::append_parts(int source, BundledFileRecord& record) {
  uint64_t offset = 0;
  for (std::string part = read_at(source, 0, trace_format::kChunkBytes); !part.empty();
       part = read_at(source, offset, trace_format::kChunkBytes)) {
    record.part_offsets.push_back(end);
    if (Result<void> written = append(encode_chunk(part, next_sequence++, trace_format::kFlagFilePart));
        !written.ok()) {
      return written;
    }
    offset += part.size();
  }
  return offset == record.size_bytes ? Result<void>() : Result<void>(Error{record.path + " changed while it was read"});
}

Result<BundleWriter> BundleWriter::append_to(const std::string& trace_path, bool may_lack_end) {
  auto state = std::make_unique<State>();
  state->path = trace_path;
  Result<TraceReader> reader = TraceReader::open(trace_path);
  if (!reader.ok()) return reader.error();
  while (std::optional<TraceRecord> record = reader->next()) {
    if (auto* file = std::get_if<BundledFileRecord>(&*record)) state->known.push_back(std::move(*file));
  }
  if (!reader->damage().ended && !may_lack_end) {
    return Error{trace_path +
                 " has no end: it is still being recorded, or was cut short; bundle a copy of it by -o FILE"};
  }
  state->next_sequence = reader->next_sequence();
  Result<Fd> file = open_file(trace_path, O_RDWR | O_NONBLOCK);
  if (!file.ok()) return file.error();
  state->file = std::move(*file);
  state->end = static_cast<uint64_t>(std::max<off_t>(::lseek(state->file.get(), 0, SEEK_END), 0));
  return BundleWriter(std::move(state));
}

BundleWriter::BundleWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
BundleWriter::BundleWriter(BundleWriter&&) noexcept = default;
BundleWriter& BundleWriter::operator=(BundleWriter&&) noexcept = default;
BundleWriter::~BundleWriter() = default;

Result<bool> BundleWriter::add(BundledKind kind, const std::string& path, std::span<const uint8_t> id, int file) {
  BundledFileRecord record;
  record.kind = kind;
  record.path = path;
  record.id.assign(id.begin(), id.end());
  const Hash hash = new_hash();
  for (std::string part = read_at(file, 0, trace_format::kChunkBytes); !part.empty();
       part = read_at(file, record.size_bytes, trace_format::kChunkBytes)) {
    XXH3_64bits_update(hash.get(), part.data(), part.size());
    record.size_bytes += part.size();
  }
  record.checksum = XXH3_64bits_digest(hash.get());
  bool is_packed = false;
  for (const BundledFileRecord& other : state_->known) {
    if (other.checksum == record.checksum && other.size_bytes == record.size_bytes) {
      record.part_offsets = other.part_offsets;
      is_packed = true;
      if (other == record) return false;
    }
  }
  const uint64_t before = state_->end;
  const uint64_t written_before = state_->bytes_written;
  Result<void> written = is_packed ? Result<void>() : state_->append_parts(file, record);
  if (written.ok()) {
    PayloadEncoder encoder;
    encoder.add(record);
    written = state_->append(encode_chunk(encoder.take(), state_->next_sequence++));
  }
  if (!written.ok()) {
    state_->end = before;
    state_->bytes_written = written_before;
    if (::ftruncate(state_->file.get(), static_cast<off_t>(before)) != 0) {
      return errno_error("cut " + state_->path + " back");
    }
    return written.error();
  }
  state_->known.push_back(std::move(record));
  return true;
}

uint64_t BundleWriter::bytes_written() const { return state_->bytes_written; }

}  // namespace flarestack
