// SPDX-License-Identifier: Apache-2.0
#include "trace/writer.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "trace/chunk.h"
#include "trace/payload_encoder.h"

namespace flarestack {
namespace {

// Holds back, for one write, the signals that writing can raise in the calling thread and whose default kills it:
// SIGXFSZ above the file size limit, SIGPIPE on a pipe. Not ignored for the process, which a launched program inherits.
class WriteSignalsBlocked {
 public:
  WriteSignalsBlocked() {
    sigemptyset(&raised_by_write_);
    sigaddset(&raised_by_write_, SIGXFSZ);
    sigaddset(&raised_by_write_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGXFSZ) == 1 || sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &raised_by_write_, &before_);
  }
  WriteSignalsBlocked(const WriteSignalsBlocked&) = delete;
  WriteSignalsBlocked& operator=(const WriteSignalsBlocked&) = delete;
  ~WriteSignalsBlocked() {
    const timespec at_once{};
    if (!was_pending_) {
      while (sigtimedwait(&raised_by_write_, nullptr, &at_once) > 0) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t raised_by_write_;
  sigset_t before_;
  bool was_pending_ = false;
};

// 0, or the errno of the write that failed; a part may then be written.
int write_whole(int fd, std::string_view bytes) {
  const WriteSignalsBlocked blocked;
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return EIO;  // POSIX leaves it open; without this a device could hang the recorder
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

}  // namespace

struct TraceWriter::State {
  std::string path;
  Fd file;
  PayloadEncoder encoder;
  uint32_t next_sequence = 0;
  uint64_t bytes_written = 0;
  bool failed = false;
  std::optional<Error> unreported;  // of a chunk cut by add()

  void write_chunk();
};

void TraceWriter::State::write_chunk() {
  const std::string payload = encoder.take();
  if (payload.empty()) return;
  const std::string chunk = encode_chunk(payload, next_sequence);
  if (const int error = write_whole(file.get(), chunk); error != 0) {
    failed = true;
    // Fails on what is no regular file; the reader skips the partial chunk all the same.
    const bool cut_back = ::ftruncate(file.get(), static_cast<off_t>(bytes_written)) == 0;
    unreported = errno_error("write " + path, error);
    unreported->message += fmt::format("; the {} bytes before it {}", bytes_written,
                                       cut_back ? "are a readable trace" : "stay, with a partial chunk behind them");
    return;
  }
  ++next_sequence;
  bytes_written += chunk.size();
}

Result<TraceWriter> TraceWriter::create(const std::string& path) {
  Result<Fd> file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (!file) return file.error();
  auto state = std::make_unique<State>();
  state->path = path;
  state->file = std::move(*file);
  // An existing file keeps its mode in open(); a device such as /dev/null must keep it here too.
  struct stat status;
  const bool regular = ::fstat(state->file.get(), &status) == 0 && S_ISREG(status.st_mode);
  if (regular && (status.st_mode & 07777) != 0600 && ::fchmod(state->file.get(), 0600) != 0) {
    return errno_error("make " + path + " private (mode 0600)");
  }
  const std::string header = encode_file_header();
  if (const int error = write_whole(state->file.get(), header); error != 0) {
    if (regular && ::ftruncate(state->file.get(), 0) != 0) return errno_error("cut " + path + " back");
    return errno_error("write " + path, error);
  }
  state->bytes_written = header.size();
  return TraceWriter(std::move(state));
}

TraceWriter::TraceWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
TraceWriter::TraceWriter(TraceWriter&&) noexcept = default;
TraceWriter& TraceWriter::operator=(TraceWriter&&) noexcept = default;
TraceWriter::~TraceWriter() = default;

void TraceWriter::add(const TraceRecord& record) {
  if (state_->failed) return;
  state_->encoder.add(record);
  if (state_->encoder.size_bytes() >= trace_format::kChunkBytes) state_->write_chunk();
}

Result<void> TraceWriter::flush() {
  if (!state_->failed) state_->write_chunk();
  if (std::optional<Error> error = std::exchange(state_->unreported, std::nullopt)) return *error;
  return {};
}

bool TraceWriter::failed() const { return state_->failed; }
uint64_t TraceWriter::bytes_written() const { return state_->bytes_written; }

}  // namespace flarestack
