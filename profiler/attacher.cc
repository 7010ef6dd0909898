// SPDX-License-Identifier: Apache-2.0
#include "profiler/attacher.h"

#include <linux/perf_event.h>
#include <sys/mman.h>
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
#include "profiler/attach_threads.h"
#include "profiler/clock.h"
#include "profiler/held_thread.h"
#include "profiler/namespace_tids.h"
#include "profiler/process_maps.h"
#include "profiler/program_file.h"
#include "profiler/remote_place.h"
#include "profiler/seccomp_look.h"
#include "profiler/stopped_process.h"
#include "wire/patch.h"

namespace flarestack {
namespace {

constexpr uint64_t kPrepareNs = 20'000'000'000;  // the recorder may have to read a large executable for its hooks
constexpr uint64_t kStepNs = 5'000'000'000;
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
      return "it is a Go program, whose runtime has signals and stacks of its own";
    case AttachResult::kNoHandler:
      return "the kernel does not let it handle the signal for samples";
    default:
      return "its loader, or an earlier recording, was busy at each moment that was tried";
  }
}

}  // namespace

Error Attacher::cannot_attach(AttachResult result) const {
  return Error{fmt::format("process {} cannot be attached to: {}", options_.pid, text_of(result))};
}

// What can be done about the agent's place while the process runs. Error: it is gone, or there is no agent.
Result<void> Attacher::look() {
  if (!file_) {
    Result<ImageFile> file = ImageFile::read(options_.agent_path);
    if (!file.ok()) {
      return file.error();
    }
    file_ = std::move(*file);
  }
  const Result<ProcessMaps> maps = ProcessMaps::read(options_.pid);
  if (!maps.ok()) {
    return maps.error();
  }
  // One after the other, below where the thread that is borrowed gets its page and its stack.
  constexpr uint64_t kRequestBytes = ImageFile::page_up(sizeof(AttachRequest));
  const uint64_t room =
      place_apart(*maps, file_->size_bytes + kRequestBytes + kMaxPlanBytes + HeldThread::kMappedBytes);
  hints_ = room != 0 ? Hints{room, room + file_->size_bytes, room + file_->size_bytes + kRequestBytes} : Hints{};
  image_ = find_remote_image(options_.pid, *file_);
  return {};
}

// Error: the filter of one of them would harm the program. While we live no filter holds in the borrowed thread; if we
// are killed, the one that it has.
Result<void> Attacher::check_filters(const std::vector<StoppedProcess::ThreadState>& stopped) const {
  for (const StoppedProcess::ThreadState& one : stopped) {
    if (std::string problem = seccomp_problem(options_.pid, one.tid); !problem.empty()) {
      return Error{std::move(problem)};
    }
  }
  return {};
}

// Maps the agent, unless it is there, and room for the request, which stays.
Result<void> Attacher::enter_memory(RemoteThread& thread) {
  if (!image_) {
    const Result<RemoteImage> loaded = load_remote_image(thread, options_.pid, *file_, hints_.image);
    if (!loaded.ok()) {
      return loaded.error();
    }
    image_ = *loaded;
  }
  const Result<uint64_t> mapped = map_memory(thread, hints_.request, sizeof(AttachRequest));
  if (!mapped.ok()) {
    return mapped.error();
  }
  request_address_ = *mapped;
  return {};
}

Result<uint64_t> Attacher::map_memory(RemoteThread& thread, uint64_t hint, size_t size_bytes) const {
  const Result<int64_t> mapped = thread.syscall(
      SYS_mmap, {hint, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~uint64_t{0}, 0});
  if (!mapped.ok()) {
    return mapped.error();
  }
  if (*mapped < 0) {
    return Error{
        fmt::format("process {} could not get memory: {}", options_.pid, std::strerror(static_cast<int>(-*mapped)))};
  }
  return static_cast<uint64_t>(*mapped);
}

// Gives the memory of the request back.
static void leave_memory(RemoteThread& thread, uint64_t& address) {
  if (address != 0) {
    static_cast<void>(thread.syscall(SYS_munmap, {address, sizeof(AttachRequest), 0, 0, 0, 0}));
    address = 0;
  }
}

Result<AttachResult> Attacher::call(RemoteThread& thread) {
  request_.magic = kSessionMagic;
  request_.version = kWireVersion;
  request_.result = {};
  if (!thread.write(request_address_, &request_, sizeof(request_))) {
    return Error{fmt::format("process {} ended", options_.pid)};
  }
  const uint64_t limit_ns = request_.step == AttachStep::kPrepare ? kPrepareNs : kStepNs;
  const Result<uint64_t> returned = thread.call(image_->entry, {request_address_, 0, 0}, limit_ns);
  if (!returned.ok()) {
    return returned.error();
  }
  if (!thread.read(request_address_, &request_, offsetof(AttachRequest, threads))) {
    return Error{fmt::format("process {} ended", options_.pid)};
  }
  return request_.result;
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
  const uint64_t main_stack_bytes = main_stack_bytes_of(options_.pid);
  const NamespaceTids tids(options_.pid);
  bool is_fresh = false;
  for (const StoppedProcess::ThreadState& one : stopped.threads()) {
    if (request_.thread_count == kSlotCount) {
      break;
    }
    StackBounds stack = stack_of(maps, one, main_stack_bytes);
    if (stack.high == 0 && !std::exchange(is_fresh, true)) {  // one that has started since
      if (Result<ProcessMaps> now = ProcessMaps::read(options_.pid); now.ok()) {
        maps = std::move(*now);
        stack = stack_of(maps, one, main_stack_bytes);
      }
    }
    if (one.tid != stopped.thread().tid() && open_signal(one.tid, options_.sample_signal)) {
      opened_.insert(one.tid);  // for good, also if it takes another try
    }
    request_.threads[request_.thread_count++] = {tids.own(one.tid),  opened_.contains(one.tid) ? 1U : 0U,
                                                 one.thread_pointer, one.stack_pointer,
                                                 stack.low,          stack.high};
  }
}

Result<AttachResult> Attacher::call_stopped(AttachStep step) {
  const uint64_t end_ns = monotonic_now_ns() + kLongestTriesNs;
  for (useconds_t tries = 0; tries == 0 || monotonic_now_ns() < end_ns; ++tries) {
    if (tries != 0) {
      usleep(std::min(tries * kBetweenTriesUs, kLongestBetweenTriesUs));
    }
    ++pauses_.tries;
    Result<ProcessMaps> maps = ProcessMaps::read(options_.pid);
    if (!maps.ok()) {
      return maps.error();
    }
    AllStopped stopped(options_.pid);
    if (const Result<void> checked = stopped.check(); !checked.ok()) {
      return checked.error();
    }
    if (has_filters_ && step == AttachStep::kEnter) {
      if (const Result<void> checked = check_filters(stopped.threads()); !checked.ok()) {
        return checked.error();
      }
    }
    request_.step = step;
    request_.thread_count = 0;
    Result<AttachResult> result = AttachResult::kBusy;
    if (step != AttachStep::kEnter || !is_anyone_in_the_way(stopped)) {
      if (step == AttachStep::kEnter) {
        describe_threads(stopped, *maps);
      }
      result = call(stopped.thread());
    }
    const bool is_over = !result.ok() || *result != AttachResult::kBusy;
    if (is_over && step == AttachStep::kLeave) {
      leave_memory(stopped.thread(), request_address_);
    }
    pauses_.all_threads_ns = std::max(pauses_.all_threads_ns, stopped.let_go());
    if (is_over) {
      return result;
    }
  }
  return AttachResult::kBusy;
}

Result<PatchRequest> Attacher::prepare() {
  if (const Result<void> looked = look(); !looked.ok()) {
    return looked.error();
  }
  has_filters_ = filters_calls(options_.pid);
  if (has_filters_) {
    const StoppedProcess all(options_.pid, 0);
    if (const Result<void> checked = check_filters(all.threads()); !checked.ok()) {
      return checked.error();
    }
  }
  request_.program = program_of(options_.pid);
  Result<RemoteThread> thread = RemoteThread::take(options_.pid);
  if (!thread.ok()) {
    return thread.error();
  }
  if (const Result<void> entered = enter_memory(*thread); !entered.ok()) {
    return entered.error();
  }
  request_.step = AttachStep::kPrepare;
  options_.session_value.copy(request_.session_value, sizeof(request_.session_value) - 1);
  options_.agent_path.copy(request_.agent_path, sizeof(request_.agent_path) - 1);
  const Result<AttachResult> result = call(*thread);
  if (result.ok() && *result != AttachResult::kDone) {
    leave_memory(*thread, request_address_);
  }
  thread->let_go();
  pauses_.one_thread_ns = thread->pause_ns();
  if (!result.ok()) {
    return result.error();
  }
  if (*result != AttachResult::kDone) {
    return cannot_attach(*result);
  }
  if (request_.notification_address != 0) {
    displaced_.emplace_back(request_.notification_address, request_.notification_address + kNotificationBytes);
  }
  return request_.hooks;
}

// Where no thread may be when the jumps are written. `plan` is the recorder's own.
void Attacher::remember_displaced(const std::string& plan) {
  PatchPlanHeader header{};
  std::memcpy(&header, plan.data(), sizeof(header));
  const char* at = plan.data() + sizeof(header) + header.area_count * sizeof(PlannedArea);
  for (uint32_t i = 0; i < header.patch_count; ++i, at += sizeof(PlannedPatch)) {
    PlannedPatch patch{};
    std::memcpy(&patch, at, sizeof(patch));
    displaced_.emplace_back(patch.entry_address + 1, patch.entry_address + patch.expected_bytes);
  }
}

Result<PatchOutcome> Attacher::map_hooks(const std::string& plan) {
  Result<RemoteThread> thread = RemoteThread::take(options_.pid);
  if (!thread.ok()) {
    return thread.error();
  }
  const Result<uint64_t> mapped = map_memory(*thread, hints_.plan, plan.size());
  if (!mapped.ok()) {
    return mapped.error();
  }
  if (!thread->write(*mapped, plan.data(), plan.size())) {
    return Error{fmt::format("process {} ended", options_.pid)};
  }
  request_.step = AttachStep::kHook;
  request_.plan_address = *mapped;
  request_.plan_bytes = static_cast<uint32_t>(plan.size());
  const Result<AttachResult> result = call(*thread);
  thread->let_go();
  pauses_.one_thread_ns = std::max(pauses_.one_thread_ns, thread->pause_ns());
  if (!result.ok()) {
    return result.error();
  }
  if (*result != AttachResult::kDone) {
    return cannot_attach(*result);
  }
  if (request_.outcome.error_number == 0) {
    remember_displaced(plan);
  }
  return request_.outcome;
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
  if (const Result<void> looked = look(); !looked.ok()) {
    return looked.error();
  }
  if (!image_) {
    return Error{fmt::format("process {} is not being recorded", options_.pid)};
  }
  return detach();
}

Result<void> Attacher::detach() {
  if (kill(options_.pid, 0) != 0 && errno == ESRCH) {
    return {};
  }
  if (request_address_ == 0) {
    Result<RemoteThread> thread = RemoteThread::take(options_.pid);
    if (!thread.ok()) {
      return thread.error();
    }
    if (const Result<void> entered = enter_memory(*thread); !entered.ok()) {
      return entered.error();
    }
  }
  const Result<AttachResult> left = call_stopped(AttachStep::kLeave);
  if (!left.ok()) {
    return left.error();
  }
  if (*left == AttachResult::kNoPreparation) {
    return Error{fmt::format("process {} is not being recorded", options_.pid)};
  }
  return {};
}

}  // namespace flarestack
