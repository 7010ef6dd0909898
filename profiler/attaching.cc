// SPDX-License-Identifier: Apache-2.0
#include "profiler/attaching.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "profiler/thread_priority.h"
#include "wire/patch.h"

namespace flarestack {
namespace {

// All that ptrace is asked for is one thread's; this one answers the agent meanwhile.
template <typename Step>
auto trace(ProcessTable& processes, Step step) {
  std::atomic<bool> done{false};
  decltype(step()) result{Error{}};
  std::thread tracer([&] {
    result = step();
    done.store(true, std::memory_order_release);
  });
  // A thread of the process waits for each answer, and may be one of many that want the processors. Not before: the
  // tracer would inherit it, and could not be above the thread that it looks after.
  RaisedPriority priority;
  if (const auto before = RaisedPriority::look(0)) {
    priority.raise(gettid(), *before, 1);
  }
  while (!done.load(std::memory_order_acquire)) {
    processes.wait(1'000'000);
    processes.drain();
  }
  tracer.join();
  priority.restore();
  return result;
}

}  // namespace

Result<AttachPauses> enter_attached(Attacher& attacher, ProcessTable& processes, int32_t pid, bool lost_recorder) {
  constexpr int kMaxPlans = 5;  // the process may map something where an area was to be
  if (lost_recorder) {
    // The agent itself would be sure that its recorder is gone only after five seconds.
    static_cast<void>(trace(processes, [&] { return attacher.detach_from_lost(); }).ok());
  }
  const Result<PatchRequest> wanted = trace(processes, [&] { return attacher.prepare(); });
  if (!wanted.ok()) {
    return wanted.error();
  }
  PatchOutcome outcome{};
  for (int i = 0; i < kMaxPlans && (i == 0 || outcome.error_number == EEXIST); ++i) {
    const std::string plan = processes.plan_hooks(pid, *wanted);
    if (plan.empty()) {
      break;
    }
    const Result<PatchOutcome> mapped = trace(processes, [&] { return attacher.map_hooks(plan); });
    if (!mapped.ok()) {
      return mapped.error();
    }
    outcome = *mapped;
  }
  if (outcome.error_number != 0) {
    return Error{fmt::format("process {} cannot be attached to: there was no memory for its hooks: {}", pid,
                             std::strerror(outcome.error_number))};
  }
  return trace(processes, [&] { return attacher.enter(); });
}

}  // namespace flarestack
