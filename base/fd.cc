// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace flarestack {

namespace {

// A file beside `path`, so that the rename stays on one file system. O_EXCL: never somebody else's file or link.
Result<Fd> create_beside(const std::string& path, mode_t mode, std::string& temporary_path) {
  for (unsigned attempt = 0;; ++attempt) {
    temporary_path = path + ".tmp." + std::to_string(getpid()) + "." + std::to_string(attempt);
    Result<Fd> file = open_file(temporary_path, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (file.ok() || errno != EEXIST || attempt == 100) return file;
  }
}

bool is_other_than_regular(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

}  // namespace

void Fd::reset(int descriptor) {
  if (descriptor_ >= 0) {
    int saved_errno = errno;
    close(descriptor_);  // never retried: Linux has released the descriptor even on EINTR
    errno = saved_errno;
  }
  descriptor_ = descriptor;
}

Result<Fd> open_file(const std::string& path, int flags, mode_t mode) {
  int descriptor;
  do {
    descriptor = open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return errno_error("open " + path);
  return Fd(descriptor);
}

Result<std::string> read_all(int descriptor, std::string_view what) {
  std::string bytes;
  std::array<char, 65536> buffer;
  while (true) {
    ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("read " + std::string(what));
    if (count == 0) return bytes;
    bytes.append(buffer.data(), static_cast<size_t>(count));
  }
}

Result<std::string> read_file(const std::string& path) {
  Result<Fd> file = open_file(path, O_RDONLY);
  if (!file.ok()) return file.error();
  return read_all(file->get(), path);
}

Result<void> write_all(int descriptor, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    ssize_t count = write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("write " + std::string(what));
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<FileBeside> FileBeside::create(const std::string& path, mode_t mode) {
  if (is_other_than_regular(path)) {
    Result<Fd> file = open_file(path, O_WRONLY);
    return file.ok() ? Result<FileBeside>(FileBeside(path, path, std::move(*file))) : file.error();
  }
  std::string own_path;
  Result<Fd> file = create_beside(path, mode, own_path);
  if (!file.ok()) return errno_error("create " + path);
  return FileBeside(path, std::move(own_path), std::move(*file));
}

FileBeside::~FileBeside() {
  if (file_ && own_path_ != path_) unlink(own_path_.c_str());
}

Result<void> FileBeside::keep() {
  if (own_path_ != path_ && rename(own_path_.c_str(), path_.c_str()) != 0) return errno_error("create " + path_);
  file_.reset();
  return {};
}

Result<void> write_file(const std::string& path, std::string_view bytes, mode_t mode) {
  Result<FileBeside> file = FileBeside::create(path, mode);
  if (!file.ok()) return file.error();
  const Result<void> written = write_all(file->descriptor(), bytes, path);
  return written.ok() ? file->keep() : written;
}

}  // namespace flarestack
