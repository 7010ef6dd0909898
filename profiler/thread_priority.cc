// SPDX-License-Identifier: Apache-2.0
#include "profiler/thread_priority.h"

#include <utility>

namespace flarestack {

std::optional<RaisedPriority::Before> RaisedPriority::look(int32_t tid) {
  Before before;
  before.policy = sched_getscheduler(tid);
  const int plain = before.policy & ~SCHED_RESET_ON_FORK;
  const bool is_ordinary = plain == SCHED_OTHER || plain == SCHED_BATCH || plain == SCHED_IDLE;
  if (before.policy < 0 || !is_ordinary || sched_getparam(tid, &before.parameters) != 0) {
    return std::nullopt;
  }
  return before;
}

void RaisedPriority::raise(int32_t tid, const Before& before, int priority) {
  sched_param parameters{};
  parameters.sched_priority = priority;
  if (sched_setscheduler(tid, SCHED_FIFO | (before.policy & SCHED_RESET_ON_FORK), &parameters) == 0) {
    tid_ = tid;
    before_ = before;
  }
}

void RaisedPriority::restore() {
  const int32_t tid = std::exchange(tid_, 0);
  if (tid != 0) {
    sched_setscheduler(tid, before_.policy, &before_.parameters);
  }
}

}  // namespace flarestack
