// SPDX-License-Identifier: Apache-2.0
#include "profiler/all_stopped.h"

#include <utility>

#include <fmt/format.h>

namespace flarestack {

AllStopped::AllStopped(int32_t pid, RemoteRoom& room)
    : pid_(pid),
      thread_(RemoteThread::take(
          pid, [this](int32_t tid) { stop_all_but(tid); }, &room)) {}

// 0: none after all.
void AllStopped::stop_all_but(int32_t tid) {
  others_.reset();
  if (tid != 0) {
    others_.emplace(pid_, tid);
  }
}

Result<void> AllStopped::check() const {
  if (!thread_.ok()) {
    return thread_.error();
  }
  if (!others_->problem().empty()) {
    return Error{fmt::format("process {}: {}", pid_, others_->problem())};
  }
  return {};
}

std::vector<StoppedProcess::ThreadState> AllStopped::threads() const {
  StoppedProcess::ThreadState borrowed;
  borrowed.tid = thread_->tid();
  borrowed.stack_pointer = thread_->registers().rsp;
  borrowed.thread_pointer = thread_->registers().fs_base;
  borrowed.instruction_pointer = thread_->registers().rip;
  std::vector<StoppedProcess::ThreadState> all = others_->threads();
  all.push_back(std::move(borrowed));
  return all;
}

uint64_t AllStopped::let_go() {
  if (!thread_.ok()) {
    return 0;
  }
  thread_->restore();
  others_.reset();
  thread_->let_go();
  return thread_->pause_ns();
}

}  // namespace flarestack
