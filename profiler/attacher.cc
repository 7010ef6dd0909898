// SPDX-License-Identifier: Apache-2.0
#include "profiler/attacher.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/all_stopped.h"
#include "profiler/attach_check.h"
#include "profiler/attach_threads.h"
#include "profiler/clock.h"
#include "profiler/namespace_tids.h"
#include "profiler/process_maps.h"
#include "profiler/program_file.h"
#include "profiler/seccomp_look.h"
#include "profiler/stopped_process.h"
#include "wire/patch.h"

namespace flarestack {
namespace {

// A thread that was borrowed by a recorder that was killed may take seconds to find back, on a busy machine.
constexpr uint64_t kLongestTriesNs = 15'000'000'000;
constexpr useconds_t kBetweenTriesUs = 1'000;
constexpr useconds_t kLongestBetweenTriesUs = 20'000;
constexpr uint64_t kNotificationBytes = 16;  // of the loader's empty function, at most, that are replaced

std::string text_of(AttachResult result) {
  switch (result) {
    case AttachResult::kOtherVersion:
      return "another version of flarestack has been attached to it before; it has to be started anew";
    case AttachResult::kRecorded:
      return "it is being recorded already";
    case AttachResult::kNoSession:
      return "it could not reach the recorder: it has no free descriptor, perhaps";
    case AttachResult::kNoMemory:
      return "it could not get the memory for it";
    case AttachResult::kNoLoader:
      return "it has no loader that tells of its libraries, and is no static program whose file can be read";
    case AttachResult::kGo:
      return kGoProgram;
    case AttachResult::kNoHandler:
      return "the kernel does not let it handle the signal for samples";
    default:
      return "its loader, or an earlier recording, was busy at each moment that was tried";
  }
}

}  // namespace

Error Attacher::cannot_attach(AttachResult result) const {
  return Error{fmt::format("process {} cannot be attached to: {}", pid(), text_of(result))};
}

// Error: the filter of one of them would harm the program. While we live no filter holds in the borrowed thread; if we
// are killed, the one that it has.
Result<void> Attacher::check_filters(const std::vector<StoppedProcess::ThreadState>& stopped) const {
  for (const StoppedProcess::ThreadState& one : stopped) {
    if (std::string problem = seccomp_problem(pid(), one.tid); !problem.empty()) {
      return Error{std::move(problem)};
    }
  }
  return {};
}

bool Attacher::is_anyone_in_the_way(const AllStopped& stopped) const {
  const std::vector<StoppedProcess::ThreadState> threads = stopped.threads();
  return std::any_of(threads.begin(), threads.end(), [&](const StoppedProcess::ThreadState& thread) {
    return std::any_of(displaced_.begin(), displaced_.end(), [&](const auto& range) {
      return thread.instruction_pointer >= range.first && thread.instruction_pointer < range.second;
    });
  });
}

// Tells of the threads, and opens their masks. `maps`: from before they stood still.
void Attacher::describe_threads(AllStopped& stopped, ProcessMaps& maps) {
  const uint64_t main_stack_bytes = main_stack_bytes_of(pid());
  const NamespaceTids tids(pid());
  bool is_fresh = false;
  for (const StoppedProcess::ThreadState& one : stopped.threads()) {
    if (request().thread_count == kSlotCount) {
      break;
    }
    StackBounds stack = stack_of(maps, one, main_stack_bytes);
    if (stack.high == 0 && !std::exchange(is_fresh, true)) {  // one that has started since
      if (Result<ProcessMaps> now = ProcessMaps::read(pid()); now.ok()) {
        maps = std::move(*now);
        stack = stack_of(maps, one, main_stack_bytes);
      }
    }
    const uint32_t signal = agent_.options().sample_signal;
    RemoteThread& borrowed = stopped.thread();
    if (one.tid == borrowed.tid() ? borrowed.open_signal(signal) : open_signal(one.tid, signal)) {
      opened_.insert(one.tid);
    }
    request().threads[request().thread_count++] = {tids.own(one.tid),  opened_.contains(one.tid) ? 1U : 0U,
                                                   one.thread_pointer, one.stack_pointer,
                                                   stack.low,          stack.high};
  }
}

// What is not, or no longer, hidden from the program must be true.
void Attacher::close_masks(AllStopped& stopped, const std::set<int32_t>& tids, uint32_t signal) {
  for (const int32_t tid : tids) {
    if (tid == stopped.thread().tid()) {
      stopped.thread().close_signal(signal);
    } else if (stopped.drop_ticks(tid, static_cast<int>(signal))) {  // else one would wait for ever
      close_signal(tid, signal);
    }
  }
}

// As the agent has said behind kLeave.
std::set<int32_t> Attacher::blocking_threads() {
  std::set<int32_t> blocking;
  NamespaceTids tids(pid());
  for (uint32_t i = 0; i < std::min(request().thread_count, kSlotCount); ++i) {
    blocking.insert(tids.ours(request().threads[i].tid));
  }
  return blocking;
}

Result<AttachResult> Attacher::call_stopped(AttachStep step) {
  const uint64_t end_ns = monotonic_now_ns() + kLongestTriesNs;
  for (useconds_t tries = 0; tries == 0 || monotonic_now_ns() < end_ns; ++tries) {
    if (tries != 0) {
      usleep(std::min(tries * kBetweenTriesUs, kLongestBetweenTriesUs));
    }
    ++pauses_.tries;
    Result<ProcessMaps> maps = ProcessMaps::read(pid());
    if (!maps.ok()) {
      return maps.error();
    }
    AllStopped stopped(pid(), room_);
    if (const Result<void> checked = stopped.check(); !checked.ok()) {
      return checked.error();
    }
    if (has_filters_ && step == AttachStep::kEnter) {
      if (const Result<void> checked = check_filters(stopped.threads()); !checked.ok()) {
        return checked.error();
      }
    }
    request().thread_count = 0;
    Result<AttachResult> result = AttachResult::kBusy;
    if (step != AttachStep::kEnter || !is_anyone_in_the_way(stopped)) {
      if (step == AttachStep::kEnter) {
        describe_threads(stopped, *maps);
      }
      result = agent_.call(stopped.thread(), step);
    }
    const bool is_over = !result.ok() || *result != AttachResult::kBusy;
    const bool is_done = result.ok() && *result == AttachResult::kDone;
    if (is_done && step == AttachStep::kLeave) {
      close_masks(stopped, blocking_threads(), request().signal);
    } else if (!is_done) {
      close_masks(stopped, std::exchange(opened_, {}), agent_.options().sample_signal);
    }
    if (is_over && step == AttachStep::kLeave) {
      agent_.leave_memory(stopped.thread());
    } else if (!is_over || is_done) {
      stopped.thread().keep_room(room_);
    }
    pauses_.all_threads_ns = std::max(pauses_.all_threads_ns, stopped.let_go());
    if (is_over) {
      return result;
    }
  }
  return AttachResult::kBusy;
}

Result<PatchRequest> Attacher::prepare() {
  if (const Result<void> looked = agent_.look(); !looked.ok()) {
    return looked.error();
  }
  has_filters_ = filters_calls(pid());
  if (has_filters_) {
    const StoppedProcess all(pid(), 0);
    if (const Result<void> checked = check_filters(all.threads()); !checked.ok()) {
      return checked.error();
    }
  }
  request().program = program_of(pid());
  Result<RemoteThread> thread = RemoteThread::take(pid());
  if (!thread.ok()) {
    return thread.error();
  }
  if (const Result<void> entered = agent_.enter_memory(*thread); !entered.ok()) {
    return entered.error();
  }
  const Result<AttachResult> result = agent_.call(*thread, AttachStep::kPrepare);
  if (result.ok() && *result == AttachResult::kDone) {
    thread->keep_room(room_);
  } else if (result.ok()) {
    agent_.leave_memory(*thread);
  }
  thread->let_go();
  pauses_.one_thread_ns = thread->pause_ns();
  if (!result.ok()) {
    return result.error();
  }
  if (*result != AttachResult::kDone) {
    return cannot_attach(*result);
  }
  if (request().notification_address != 0) {
    displaced_.emplace_back(request().notification_address, request().notification_address + kNotificationBytes);
  }
  return request().hooks;
}

// Where no thread may be when the jumps are written. `plan` is the recorder's own.
void Attacher::remember_displaced(const std::string& plan) {
  PatchPlanHeader header{};
  std::memcpy(&header, plan.data(), sizeof(header));
  const char* at = plan.data() + sizeof(header) + header.area_count * sizeof(PlannedArea);
  for (uint32_t i = 0; i < header.patch_count; ++i, at += sizeof(PlannedPatch)) {
    PlannedPatch patch{};
    std::memcpy(&patch, at, sizeof(patch));
    if (patch.is_jump()) {
      displaced_.emplace_back(patch.address + 1, patch.address + patch.expected_bytes);
    }
  }
}

Result<PatchOutcome> Attacher::map_hooks(const std::string& plan) {
  Result<RemoteThread> thread = RemoteThread::take(pid(), {}, &room_);
  if (!thread.ok()) {
    return thread.error();
  }
  const Result<AttachResult> result = agent_.map_hooks(*thread, plan);
  if (result.ok() && *result == AttachResult::kDone) {
    thread->keep_room(room_);
  }
  thread->let_go();
  pauses_.one_thread_ns = std::max(pauses_.one_thread_ns, thread->pause_ns());
  if (!result.ok()) {
    return result.error();
  }
  if (*result != AttachResult::kDone) {
    return cannot_attach(*result);
  }
  if (request().outcome.error_number == 0) {
    remember_displaced(plan);
  }
  return request().outcome;
}

// The first event of a task on a machine has all processors wait for each other for tens of ms (perf_sched_count in
// Linux, kernel/events/core.c): it is ours, before anybody stands still.
static Fd open_first_event() {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.disabled = attributes.exclude_kernel = attributes.exclude_hv = 1;
  return Fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
}

Result<AttachPauses> Attacher::enter() {
  const Fd first_event = open_first_event();
  const Result<AttachResult> entered = call_stopped(AttachStep::kEnter);
  if (!entered.ok()) {
    return entered.error();
  }
  if (*entered != AttachResult::kDone) {
    return cannot_attach(*entered);
  }
  return pauses_;
}

Result<void> Attacher::detach_from_lost() {
  if (const Result<void> looked = agent_.look(); !looked.ok()) {
    return looked.error();
  }
  if (!agent_.is_there()) {
    return Error{fmt::format("process {} is not being recorded", pid())};
  }
  return detach();
}

Result<void> Attacher::detach() {
  if (kill(pid(), 0) != 0 && errno == ESRCH) {
    return {};
  }
  if (!agent_.is_in_memory()) {
    Result<RemoteThread> thread = RemoteThread::take(pid());
    if (!thread.ok()) {
      return thread.error();
    }
    if (const Result<void> entered = agent_.enter_memory(*thread); !entered.ok()) {
      return entered.error();
    }
  }
  const Result<AttachResult> left = call_stopped(AttachStep::kLeave);
  if (!left.ok()) {
    return left.error();
  }
  if (*left == AttachResult::kNoPreparation) {
    return Error{fmt::format("process {} is not being recorded", pid())};
  }
  return {};
}

}  // namespace flarestack
