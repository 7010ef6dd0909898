// SPDX-License-Identifier: Apache-2.0
#include "profiler/namespace_tids.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/fd.h"

namespace flarestack {
namespace {

struct Numbers {
  int32_t innermost = 0;  // 0: not readable
  bool nested = false;
};

// From the line "NSpid: OURS ... INNERMOST" of a status file (proc(5); since Linux 4.1).
Numbers numbers_of(const std::string& status_path) {
  const Result<std::string> text = read_file(status_path);
  const size_t begin = text.ok() ? text->find("\nNSpid:\t") : std::string::npos;
  if (begin == std::string::npos) {
    return {};
  }
  const size_t first = begin + std::string_view("\nNSpid:\t").size();
  const std::string line = text->substr(first, text->find('\n', first) - first);
  const size_t last_gap = line.rfind('\t');
  return {std::atoi(line.c_str() + (last_gap == std::string::npos ? 0 : last_gap + 1)), last_gap != std::string::npos};
}

}  // namespace

NamespaceTids::NamespaceTids(int32_t pid) : pid_(pid) {
  const Numbers numbers = numbers_of(fmt::format("/proc/{}/status", pid));
  nested_ = numbers.nested;
  own_pid_ = nested_ ? numbers.innermost : pid;
}

int32_t NamespaceTids::own(int32_t our_tid) const {
  const int32_t innermost =
      nested_ ? numbers_of(fmt::format("/proc/{}/task/{}/status", pid_, our_tid)).innermost : our_tid;
  return innermost != 0 ? innermost : our_tid;
}

int32_t NamespaceTids::ours(int32_t own_tid) {
  if (!nested_) {
    return own_tid;
  }
  if (const auto known = ours_by_own_.find(own_tid); known != ours_by_own_.end()) {
    return known->second;
  }
  ours_by_own_.clear();  // numbers are used again
  std::error_code error;
  for (std::filesystem::directory_iterator task(fmt::format("/proc/{}/task", pid_), error), end; task != end;
       task.increment(error)) {
    ours_by_own_[numbers_of(task->path() / "status").innermost] = std::atoi(task->path().filename().c_str());
  }
  const auto found = ours_by_own_.find(own_tid);
  return found != ours_by_own_.end() ? found->second : 0;
}

}  // namespace flarestack
