// SPDX-License-Identifier: Apache-2.0
#include "profiler/process_exit.h"

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/clock.h"

namespace flarestack {
namespace {

// include/uapi/linux/pidfd.h of Linux 6.15, which Debian 12's headers do not have yet.
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroup_id;
  uint32_t pid, tgid, ppid;
  uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr uint64_t kPidfdInfoExit = 1 << 3;
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

// Fields of /proc/PID/stat behind the command, which is in parentheses and may hold anything (proc(5)); [0] is the
// state.
std::vector<std::string> stat_fields(const std::string& path) {
  const Result<std::string> text = read_file(path);
  std::vector<std::string> fields;
  if (!text.ok() || text->rfind(')') == std::string::npos) {
    return fields;
  }
  std::istringstream stream(text->substr(text->rfind(')') + 1));
  for (std::string field; stream >> field;) {
    fields.push_back(field);
  }
  return fields;
}

std::vector<std::string> stat_fields(int32_t pid) { return stat_fields(fmt::format("/proc/{}/stat", pid)); }

}  // namespace

ExitStatus exit_from_wait_status(int wait_status) {
  if (WIFEXITED(wait_status)) {
    return {ExitKind::kExited, WEXITSTATUS(wait_status)};
  }
  if (WIFSIGNALED(wait_status)) {
    return {ExitKind::kSignaled, WTERMSIG(wait_status)};
  }
  return {};
}

ExitStatus exit_of(int pidfd, int32_t pid) {
  // The pidfd tells once the process was reaped, /proc before: which may happen between the two, so the pidfd is asked
  // again.
  for (int attempt = 0; attempt < 2; ++attempt) {
    PidfdInfo info{};
    info.mask = kPidfdInfoExit;
    if (ioctl(pidfd, kPidfdGetInfo, &info) == 0 && (info.mask & kPidfdInfoExit) != 0) {
      return exit_from_wait_status(info.exit_code);
    }
    const std::vector<std::string> fields = stat_fields(pid);
    constexpr size_t kExitCode = 49;  // field 52 of proc(5); 0 unless we may trace the process
    if (fields.size() > kExitCode && fields[0] == "Z") {
      return exit_from_wait_status(std::atoi(fields[kExitCode].c_str()));
    }
  }
  return {};
}

uint64_t process_cpu_ns(int32_t pid) {
  clockid_t clock;
  return clock_getcpuclockid(pid, &clock) == 0 ? clock_now_ns(clock) : 0;
}

int32_t parent_pid(int32_t pid) {
  const std::vector<std::string> fields = stat_fields(pid);
  return fields.size() > 1 ? std::atoi(fields[1].c_str()) : 0;
}

bool process_stopped(int32_t pid) {
  const std::vector<std::string> fields = stat_fields(pid);
  return !fields.empty() && (fields[0] == "T" || fields[0] == "t");
}

uint64_t resident_bytes(int32_t pid) {
  const std::vector<std::string> fields = stat_fields(pid);
  constexpr size_t kResidentPages = 21;  // field 24 of proc(5)
  return fields.size() > kResidentPages
             ? std::strtoull(fields[kResidentPages].c_str(), nullptr, 10) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE))
             : 0;
}

char thread_state(int32_t pid, int32_t tid) {
  const std::vector<std::string> fields = stat_fields(fmt::format("/proc/{}/task/{}/stat", pid, tid));
  return fields.empty() || fields[0].empty() ? '\0' : fields[0][0];
}

std::vector<std::string> arguments_of(int32_t pid) {
  std::vector<std::string> result;
  const Result<std::string> text = read_file(fmt::format("/proc/{}/cmdline", pid));
  for (size_t at = 0; text.ok() && at < text->size();) {
    const size_t end = std::min(text->find('\0', at), text->size());
    result.push_back(text->substr(at, end - at));
    at = end + 1;
  }
  return result;
}

}  // namespace flarestack
