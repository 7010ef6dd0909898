// SPDX-License-Identifier: Apache-2.0
#include "profiler/thread_choice.h"

#include <sys/syscall.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/interrupted_calls.h"
#include "profiler/stopped_process.h"

namespace flarestack {
namespace {

constexpr int kUnreadable = 3;  // ranks
constexpr int kFragile = 4;

constexpr long kFutexWaitV = 449;  // Linux 5.16

bool contains(std::initializer_list<long> calls, long call) {
  return std::find(calls.begin(), calls.end(), call) != calls.end();
}

}  // namespace

int thread_rank(std::string_view line) {
  if (line.starts_with("running")) {
    return 2;
  }
  long call = -1;
  if (std::from_chars(line.data(), line.data() + line.size(), call).ec != std::errc()) {
    return kUnreadable;
  }
  if (contains({SYS_vfork, SYS_clone, SYS_clone3}, call)) {
    return kUnfit;
  }
  if (contains({SYS_futex, kFutexWaitV, SYS_nanosleep, SYS_clock_nanosleep, SYS_poll, SYS_ppoll, SYS_select,
                SYS_pselect6, SYS_pause, SYS_wait4, SYS_waitid, SYS_rt_sigsuspend},
               call)) {
    return 0;
  }
  return call < 0 ? 2 : returns_early_when_stopped(call) ? kFragile : 1;
}

std::string thread_status(int32_t pid, int32_t tid) {
  Result<std::string> status = read_file(fmt::format("/proc/{}/task/{}/status", pid, tid));
  return status.ok() ? std::move(*status) : std::string();
}

std::string_view status_field(std::string_view status, std::string_view name) {
  const std::string start = fmt::format("\n{}:", name);
  const size_t at = status.find(start);
  const size_t value = at != std::string_view::npos ? status.find_first_not_of(" \t", at + start.size()) : at;
  return value != std::string_view::npos ? status.substr(value, status.find('\n', value) - value) : std::string_view();
}

std::string thread_status_field(int32_t pid, int32_t tid, std::string_view name) {
  return std::string(status_field(thread_status(pid, tid), name));
}

bool gets_signals_of_process(int32_t pid, int32_t tid) {
  if (tid == pid) {
    return true;
  }
  const Result<std::string> children = read_file(fmt::format("/proc/{}/task/{}/children", pid, tid));
  return children.ok() && !children->empty();
}

std::vector<int32_t> threads_by_fitness(int32_t pid) {
  std::vector<std::pair<int, int32_t>> ranked;
  for (const int32_t tid : threads_of(pid)) {
    const Result<std::string> line = read_file(fmt::format("/proc/{}/task/{}/syscall", pid, tid));
    const int rank = line.ok() ? thread_rank(*line) : thread_rank("");
    if (rank != kUnfit) {
      ranked.emplace_back(rank, tid);
    }
  }
  const bool any_fragile =
      std::any_of(ranked.begin(), ranked.end(), [](const auto& one) { return one.first == kFragile; });
  for (auto& [rank, tid] : ranked) {
    if (any_fragile && gets_signals_of_process(pid, tid)) {
      rank = std::max(rank, kUnreadable);
    }
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<int32_t> tids;
  for (const auto& [rank, tid] : ranked) {
    tids.push_back(tid);
  }
  return tids;
}

}  // namespace flarestack
