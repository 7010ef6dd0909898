// SPDX-License-Identifier: Apache-2.0
// Fd: a file descriptor that closes itself, and the few whole-file operations everything needs. Recorder and offline
// side. Every descriptor opened here is close-on-exec.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace flarestack {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int descriptor) : descriptor_(descriptor) {}  // takes ownership; -1 is "none"
  Fd(Fd&& other) noexcept : descriptor_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }
  // Gives the descriptor up to the caller, who closes it.
  [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }
  // Closes what is held and takes `descriptor` instead. Keeps errno.
  void reset(int descriptor = -1);

 private:
  int descriptor_ = -1;
};

// open(2) with O_CLOEXEC; the error names the path.
Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0);

// Everything from the descriptor's position to its end. Also right for files that say they are empty (/proc, /sys) and
// for pipes. `what` names the object in the error.
Result<std::string> read_all(int descriptor, std::string_view what);
Result<std::string> read_file(const std::string& path);

// Writes all the bytes or fails; a short count and EINTR are handled. After a failure an unknown part is written.
// A pipe without a reader raises SIGPIPE as always.
Result<void> write_all(int descriptor, std::string_view bytes, std::string_view what);

// A new file beside `path`, which takes its place by keep(); without that nothing is left of it. Follows no symbolic
// link at `path`. What is no regular file (/dev/stdout, a FIFO) is the file itself.
class FileBeside {
 public:
  static Result<FileBeside> create(const std::string& path, mode_t mode);
  FileBeside(FileBeside&&) = default;
  FileBeside& operator=(FileBeside&&) = delete;
  ~FileBeside();

  int descriptor() const { return file_.get(); }
  const std::string& path() const { return own_path_; }
  Result<void> keep();

 private:
  FileBeside(std::string path, std::string own_path, Fd file)
      : path_(std::move(path)), own_path_(std::move(own_path)), file_(std::move(file)) {}
  std::string path_;
  std::string own_path_;
  Fd file_;  // none: kept, or moved from
};

// Creates or replaces `path` atomically: the bytes go to a new file beside it, which is then renamed. Follows no
// symbolic link at `path`. A path that is no regular file (/dev/stdout, a FIFO) is written directly.
Result<void> write_file(const std::string& path, std::string_view bytes, mode_t mode = 0644);

}  // namespace flarestack
