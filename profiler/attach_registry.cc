// SPDX-License-Identifier: Apache-2.0
#include "profiler/attach_registry.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "base/fd.h"

namespace flarestack {
namespace {

constexpr int kLongestStopMs = 60'000;  // of a recorder, which writes its trace

// A folder that nobody else can write to; empty: there is none.
std::string folder() {
  const std::string path = fmt::format("/tmp/flarestack-{}", geteuid());
  struct stat status {};
  const bool is_there = mkdir(path.c_str(), 0700) == 0 || errno == EEXIST;
  const bool is_ours = is_there && lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
                       status.st_uid == geteuid() && (status.st_mode & 022) == 0;
  return is_ours ? path : std::string();
}

std::string path_for(int32_t pid, std::string_view state = "attached") {
  const std::string directory = folder();
  return directory.empty() ? std::string() : fmt::format("{}/{}.{}", directory, state, pid);
}

bool is_recorder(int32_t pid) {
  const Result<std::string> name = read_file(fmt::format("/proc/{}/comm", pid));
  return pid > 0 && name.ok() && *name == "flarestack\n";
}

bool write_file(const std::string& path, const std::string& text) {
  const Fd file(path.empty() ? -1 : open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  return file && write_all(file.get(), text, path).ok();
}

struct Announced {
  int32_t recorder = 0;
  std::string session;
};

std::optional<Announced> announced(int32_t pid) {
  const std::string path = path_for(pid);
  const Result<std::string> text = path.empty() ? Result<std::string>(Error{}) : read_file(path);
  const size_t gap = text.ok() ? text->find(' ') : std::string::npos;
  if (gap == std::string::npos) {
    return std::nullopt;
  }
  const int32_t recorder = std::atoi(text->c_str());
  if (!is_recorder(recorder)) {
    unlink(path.c_str());  // of a recorder that was killed
    return std::nullopt;
  }
  return Announced{recorder, text->substr(gap + 1)};
}

}  // namespace

AttachAnnouncement::AttachAnnouncement(int32_t pid)
    : path_(path_for(pid)), beginning_path_(path_for(pid, "attaching")) {
  bool is_recorded = false;
  for (const std::string& path : {path_, beginning_path_}) {
    const Result<std::string> text = path.empty() ? Result<std::string>(Error{}) : read_file(path);
    const bool is_alive = text.ok() && is_recorder(std::atoi(text->c_str()));
    is_recorded |= is_alive;
    is_lost_ |= text.ok() && !is_alive;
  }
  is_lost_ &= !is_recorded;
  write_file(beginning_path_, fmt::format("{}", getpid()));
}

void AttachAnnouncement::publish(const std::string& session_value) {
  is_published_ = write_file(path_, fmt::format("{} {}", getpid(), session_value));
  unlink(beginning_path_.c_str());
}

AttachAnnouncement::~AttachAnnouncement() {
  if (is_published_) {
    unlink(path_.c_str());
  }
  unlink(beginning_path_.c_str());
}

std::string attached_session_of(int32_t pid) {
  const std::optional<Announced> known = announced(pid);
  return known ? known->session : std::string();
}

Result<bool> stop_recorder_of(int32_t pid) {
  const std::optional<Announced> known = announced(pid);
  if (!known) {
    return false;
  }
  const Fd recorder(static_cast<int>(syscall(SYS_pidfd_open, known->recorder, 0)));
  if (!recorder || syscall(SYS_pidfd_send_signal, recorder.get(), SIGINT, nullptr, 0) != 0) {
    return errno == ESRCH ? Result<bool>(false) : Result<bool>(errno_error("stop the recorder of the process"));
  }
  pollfd end{recorder.get(), POLLIN, 0};
  if (poll(&end, 1, kLongestStopMs) <= 0) {
    return Error{fmt::format("the recorder of process {}, process {}, does not end", pid, known->recorder)};
  }
  return true;
}

}  // namespace flarestack
