// SPDX-License-Identifier: Apache-2.0
#include "importer/input_reader.h"

#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/fd.h"

namespace flarestack {
namespace {

constexpr size_t kReadBytes = size_t{1} << 18;
constexpr size_t kBufferBytes = InputReader::kMaxLineBytes + kReadBytes;
constexpr std::string_view kGzipMagic("\x1f\x8b", 2);
constexpr int kGzipWindowBits = 15 + 16;  // the largest window, and a gzip header

}  // namespace

struct InputReader::State {
  Fd file;
  std::string_view bytes;    // of_bytes(): those not yet read
  std::vector<char> packed;  // of a gzipped input: what was read and not yet unpacked
  size_t packed_begin = 0;
  size_t packed_end = 0;
  std::optional<z_stream> unpacker;
  bool inside_member = false;

  // Not filled with zeros: most inputs are short.
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  size_t begin = 0;
  size_t end = 0;
  bool at_end = false;
  uint64_t line_number = 0;
  std::optional<Error> error;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (unpacker) inflateEnd(&*unpacker);
  }

  size_t read_raw(char* to, size_t size);
  size_t unpack(char* to, size_t size);
  bool fill();
  void start();
};

// 0 at the end, and after an error.
size_t InputReader::State::read_raw(char* to, size_t size) {
  if (!file) {
    const size_t count = std::min(size, bytes.size());
    std::memcpy(to, bytes.data(), count);
    bytes.remove_prefix(count);
    return count;
  }
  ssize_t count;
  do {
    count = ::read(file.get(), to, size);
  } while (count < 0 && errno == EINTR);
  if (count < 0) error = errno_error("it cannot be read");
  return count > 0 ? static_cast<size_t>(count) : 0;
}

size_t InputReader::State::unpack(char* to, size_t size) {
  unpacker->next_out = reinterpret_cast<Bytef*>(to);
  unpacker->avail_out = static_cast<uInt>(size);
  while (unpacker->avail_out == size && !error) {
    if (packed_begin == packed_end) {
      packed_begin = 0;
      packed_end = read_raw(packed.data(), packed.size());
      if (packed_end == 0) {
        if (inside_member && !error) error = Error{"the gzipped data ends in the middle; is the file whole?"};
        return 0;
      }
    }
    unpacker->next_in = reinterpret_cast<Bytef*>(packed.data() + packed_begin);
    unpacker->avail_in = static_cast<uInt>(packed_end - packed_begin);
    inside_member = true;
    const int status = inflate(&*unpacker, Z_NO_FLUSH);
    packed_begin = packed_end - unpacker->avail_in;
    if (status == Z_STREAM_END) {  // another member may follow
      inside_member = false;
      inflateReset(&*unpacker);
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      error = Error{"the gzipped data is damaged"};
    }
  }
  return size - unpacker->avail_out;
}

// Reads more behind what is there; false at the end or where there is no room.
bool InputReader::State::fill() {
  if (at_end || error) return false;
  if (begin != 0 && end + kReadBytes > kBufferBytes) {
    std::memmove(buffer.get(), buffer.get() + begin, end - begin);
    end -= begin;
    begin = 0;
  }
  const size_t room = std::min(kBufferBytes - end, kReadBytes);
  if (room == 0) return false;
  const size_t count = unpacker ? unpack(buffer.get() + end, room) : read_raw(buffer.get() + end, room);
  end += count;
  at_end = count == 0;
  return count != 0;
}

void InputReader::State::start() {
  while (end < kGzipMagic.size() && fill()) {
  }
  if (!std::string_view(buffer.get(), end).starts_with(kGzipMagic)) return;
  packed.resize(std::max(end, kReadBytes));
  std::memcpy(packed.data(), buffer.get(), end);
  packed_end = end;
  end = 0;
  unpacker.emplace();
  if (inflateInit2(&*unpacker, kGzipWindowBits) != Z_OK) {
    unpacker.reset();
    error = Error{"zlib cannot be started"};
  }
}

Result<InputReader> InputReader::open(const std::string& path) {
  auto state = std::make_unique<State>();
  if (path == "-") {
    state->file = Fd(::dup(0));
    if (!state->file) return errno_error("read standard input");
  } else {
    Result<Fd> file = open_file(path, O_RDONLY);
    if (!file.ok()) return file.error();
    state->file = std::move(*file);
  }
  state->start();
  if (state->error) return Error{path + ": " + state->error->message};
  return InputReader(std::move(state));
}

InputReader InputReader::of_bytes(std::string_view bytes) {
  auto state = std::make_unique<State>();
  state->bytes = bytes;
  state->start();
  return InputReader(std::move(state));
}

InputReader::InputReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
InputReader::InputReader(InputReader&&) noexcept = default;
InputReader& InputReader::operator=(InputReader&&) noexcept = default;
InputReader::~InputReader() = default;

std::string_view InputReader::peek() {
  while (state_->end - state_->begin < kMaxLineBytes && state_->fill()) {
  }
  return {state_->buffer.get() + state_->begin, std::min(state_->end - state_->begin, kMaxLineBytes)};
}

bool InputReader::next_line(std::string_view& line) {
  State& state = *state_;
  size_t searched = 0;
  while (true) {
    const char* start = state.buffer.get() + state.begin;
    const size_t size = state.end - state.begin;
    const void* found = std::memchr(start + searched, '\n', size - searched);
    if (found != nullptr || (size != 0 && state.at_end && !state.error)) {
      const size_t length = found != nullptr ? static_cast<size_t>(static_cast<const char*>(found) - start) : size;
      ++state.line_number;
      state.begin += found != nullptr ? length + 1 : length;
      line = {start, length};
      if (line.ends_with('\r')) line.remove_suffix(1);
      return true;
    }
    searched = size;
    if (size > kMaxLineBytes) {
      state.error = Error{fmt::format("line {} is longer than {} bytes", state.line_number + 1, kMaxLineBytes)};
      return false;
    }
    if (!state.fill() && (state.error || state.begin == state.end)) return false;
  }
}

uint64_t InputReader::line_number() const { return state_->line_number; }

Result<std::string> InputReader::read_rest(size_t max_bytes) {
  State& state = *state_;
  std::string rest;
  do {
    rest.append(state.buffer.get() + state.begin, state.end - state.begin);
    state.begin = state.end = 0;
    if (rest.size() > max_bytes)
      return Error{fmt::format("it is longer than {} MiB when it is unpacked", max_bytes >> 20)};
  } while (state.fill());
  if (state.error) return *state.error;
  return rest;
}

Result<void> InputReader::error() const {
  if (state_->error) return *state_->error;
  return {};
}

}  // namespace flarestack
