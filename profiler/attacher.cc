// SPDX-License-Identifier: Apache-2.0
#include "profiler/attacher.h"

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
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
#include "profiler/clock.h"
#include "profiler/process_maps.h"
#include "profiler/stopped_process.h"
#include "profiler/thread_choice.h"
#include "wire/patch.h"

namespace flarestack {
namespace {

constexpr uint64_t kPrepareNs = 20'000'000'000;  // the recorder may have to read a large executable for its hooks
constexpr uint64_t kStepNs = 5'000'000'000;
constexpr int kMaxTries = 400;
constexpr useconds_t kBetweenTriesUs = 1'000;
constexpr uint64_t kNotificationBytes = 16;  // of the loader's empty function, at most, that are replaced

std::string text_of(AttachResult result) {
  switch (result) {
    case AttachResult::kOtherVersion:
      return "another version of flarestack has been attached to it before; it has to be started anew";
    case AttachResult::kRecorded:
      return "it is being recorded already";
    case AttachResult::kNoSession:
      return "it could not reach the recorder: it is in another network namespace, or has no free descriptor";
    case AttachResult::kNoMemory:
      return "it could not get the memory for it";
    case AttachResult::kNoLoader:
      return "it is statically linked, so its libraries and its allocator cannot be found";
    case AttachResult::kGo:
      return "it is a Go program, whose runtime has signals and stacks of its own";
    case AttachResult::kNoHandler:
      return "the kernel does not let it handle the signal for samples";
    default:
      return "its loader, or an earlier recording, was busy at each moment that was tried";
  }
}

// Number of a thread to itself: the last one of its line.
int32_t own_tid_of(int32_t pid, int32_t tid) {
  const std::string numbers = thread_status_field(pid, tid, "NSpid");
  const size_t gap = numbers.find_last_of("\t ");
  const int32_t own = std::atoi(numbers.c_str() + (gap != std::string::npos ? gap + 1 : 0));
  return own != 0 ? own : tid;
}

// Bounds of the stack that a thread is on. A thread's descriptor is at the top of its stack (glibc, musl), and so are
// its variables; the main thread's stack grows.
std::pair<uint64_t, uint64_t> stack_of(const ProcessMaps& maps, const StoppedProcess::ThreadState& thread,
                                       uint64_t main_stack_bytes) {
  for (const ProcessMaps::Mapping& mapping : maps.mappings()) {
    if (thread.stack_pointer < mapping.start || thread.stack_pointer >= mapping.end) {
      continue;
    }
    if (mapping.path == "[stack]") {
      return {mapping.end - std::max(main_stack_bytes, mapping.end - mapping.start), mapping.end};
    }
    if (!mapping.writable || !mapping.path.empty()) {
      return {0, 0};
    }
    const bool is_on_top = thread.thread_pointer > thread.stack_pointer && thread.thread_pointer < mapping.end;
    return {mapping.start, is_on_top ? thread.thread_pointer : mapping.end};
  }
  return {0, 0};
}

uint64_t main_stack_bytes_of(int32_t pid) {
  constexpr uint64_t kUnlimited = uint64_t{64} << 20;
  rlimit limit{};
  return prlimit(pid, RLIMIT_STACK, nullptr, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ? kUnlimited
                                                                                             : limit.rlim_cur;
}

// Opens the signal in a stopped thread's mask. False: it was open, the thread is in a call that will restore its own
// mask, or it was refused.
bool open_signal(int32_t tid, uint32_t signal) {
  const Result<std::string> call = read_file(fmt::format("/proc/{}/syscall", tid));
  for (const long number : {long{SYS_rt_sigsuspend}, long{SYS_ppoll}, long{SYS_pselect6}, long{SYS_epoll_pwait},
                            long{441} /* epoll_pwait2 */}) {
    if (call.ok() && call->starts_with(fmt::format("{} ", number))) {
      return false;
    }
  }
  uint64_t mask = 0;
  if (ptrace(PTRACE_GETSIGMASK, tid, sizeof(mask), &mask) != 0) {
    return false;
  }
  const uint64_t bit = uint64_t{1} << (signal - 1);
  if ((mask & bit) == 0) {
    return false;
  }
  mask &= ~bit;
  return ptrace(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask) == 0;
}

}  // namespace

// Maps the agent, unless it is there, and room for the request, which stays.
Result<void> Attacher::enter_memory(RemoteThread& thread) {
  if (const std::optional<RemoteImage> there = find_remote_image(options_.pid, options_.agent_path)) {
    image_ = *there;
  } else {
    const Result<RemoteImage> loaded = load_remote_image(thread, options_.pid, options_.agent_path, 0);
    if (!loaded.ok()) {
      return loaded.error();
    }
    image_ = *loaded;
  }
  const Result<int64_t> mapped = thread.syscall(
      SYS_mmap, {0, sizeof(AttachRequest), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~uint64_t{0}, 0});
  if (!mapped.ok()) {
    return mapped.error();
  }
  if (*mapped < 0) {
    return Error{
        fmt::format("process {} could not get memory: {}", options_.pid, std::strerror(static_cast<int>(-*mapped)))};
  }
  request_address_ = static_cast<uint64_t>(*mapped);
  return {};
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
  const Result<uint64_t> returned = thread.call(image_.entry, {request_address_, 0, 0}, limit_ns);
  if (!returned.ok()) {
    return returned.error();
  }
  if (!thread.read(request_address_, &request_, offsetof(AttachRequest, threads))) {
    return Error{fmt::format("process {} ended", options_.pid)};
  }
  return request_.result;
}

// Where the jumps go: what the agent shows is the recorder's own plan.
bool Attacher::read_plan() {
  displaced_.clear();
  if (request_.notification_address != 0) {
    displaced_.emplace_back(request_.notification_address, request_.notification_address + kNotificationBytes);
  }
  PatchPlanHeader header{};
  if (request_.plan_address == 0) {
    return true;
  }
  const auto read = [&](uint64_t address, void* to, size_t size_bytes) {
    return read_process_memory(options_.pid, address, to, size_bytes) == size_bytes;
  };
  if (!read(request_.plan_address, &header, sizeof(header)) || header.patch_count > kMaxPatches ||
      header.area_count > kMaxPatchAreas) {
    return false;
  }
  std::vector<PlannedPatch> patches(header.patch_count);
  const uint64_t at = request_.plan_address + sizeof(header) + header.area_count * sizeof(PlannedArea);
  if (!read(at, patches.data(), patches.size() * sizeof(PlannedPatch))) {
    return false;
  }
  for (const PlannedPatch& patch : patches) {
    displaced_.emplace_back(patch.entry_address + 1, patch.entry_address + patch.expected_bytes);
  }
  return true;
}

bool Attacher::is_in_the_way(uint64_t instruction_pointer) const {
  return std::any_of(displaced_.begin(), displaced_.end(), [&](const auto& range) {
    return instruction_pointer >= range.first && instruction_pointer < range.second;
  });
}

Result<AttachResult> Attacher::call_stopped(AttachStep step, AttachPauses& pauses) {
  const uint64_t main_stack_bytes = main_stack_bytes_of(options_.pid);
  for (int tries = 0; tries < kMaxTries; ++tries) {
    if (tries != 0) {
      usleep(kBetweenTriesUs);
    }
    ++pauses.tries;
    Result<RemoteThread> thread = RemoteThread::take(options_.pid);
    if (!thread.ok()) {
      return thread.error();
    }
    const uint64_t start_ns = monotonic_now_ns();
    StoppedProcess others(options_.pid, thread->tid());
    if (!others.problem().empty()) {
      return Error{fmt::format("process {}: {}", options_.pid, others.problem())};
    }
    StoppedProcess::ThreadState borrowed;
    borrowed.tid = thread->tid();
    borrowed.stack_pointer = thread->registers().rsp;
    borrowed.thread_pointer = thread->registers().fs_base;
    borrowed.instruction_pointer = thread->registers().rip;
    std::vector<StoppedProcess::ThreadState> all = others.threads();
    all.push_back(borrowed);
    request_.step = step;
    request_.thread_count = 0;
    if (step == AttachStep::kEnter) {
      if (std::any_of(all.begin(), all.end(),
                      [&](const auto& one) { return is_in_the_way(one.instruction_pointer); })) {
        continue;
      }
      const Result<ProcessMaps> maps = ProcessMaps::read(options_.pid);
      for (const StoppedProcess::ThreadState& one : all) {
        if (request_.thread_count == kSlotCount || !maps.ok()) {
          break;
        }
        const auto [low, high] = stack_of(*maps, one, main_stack_bytes);
        if (one.tid != thread->tid() && open_signal(one.tid, options_.sample_signal)) {
          opened_.insert(one.tid);  // for good, also if it takes another try
        }
        request_.threads[request_.thread_count++] = {own_tid_of(options_.pid, one.tid),
                                                     opened_.contains(one.tid) ? 1U : 0U,
                                                     one.thread_pointer,
                                                     one.stack_pointer,
                                                     low,
                                                     high};
      }
    }
    const Result<AttachResult> result = call(*thread);
    if (result.ok() && *result == AttachResult::kBusy) {
      continue;
    }
    if (result.ok() && step == AttachStep::kLeave) {
      leave_memory(*thread, request_address_);
    }
    others.let_go();
    thread->let_go();
    pauses.all_threads_ns = std::max(pauses.all_threads_ns, monotonic_now_ns() - start_ns);
    return result;
  }
  return AttachResult::kBusy;
}

// The agent's part that needs no other thread to stand still.
Result<void> Attacher::prepare(AttachPauses& pauses) {
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
  pauses.one_thread_ns = thread->pause_ns();
  if (!result.ok()) {
    return result.error();
  }
  if (*result != AttachResult::kDone) {
    leave_memory(*thread, request_address_);
    return Error{fmt::format("process {} cannot be attached to: {}", options_.pid, text_of(*result))};
  }
  if (!read_plan()) {
    return Error{fmt::format("process {} ended", options_.pid)};
  }
  return {};
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

Result<AttachPauses> Attacher::attach() {
  AttachPauses pauses;
  const Fd first_event = open_first_event();
  announcement_.emplace(options_.pid);
  if (announcement_->is_lost()) {
    // The agent by itself is sure that its recorder is gone only after five seconds.
    static_cast<void>(detach_from_lost().ok());
  }
  if (const Result<void> prepared = prepare(pauses); !prepared.ok()) {
    return prepared.error();
  }
  const Result<AttachResult> entered = call_stopped(AttachStep::kEnter, pauses);
  if (!entered.ok()) {
    return entered.error();
  }
  if (*entered != AttachResult::kDone) {
    return Error{fmt::format("process {} cannot be attached to: {}", options_.pid, text_of(*entered))};
  }
  announcement_->publish(options_.session_value);
  return pauses;
}

Result<AttachPauses> Attacher::detach_from_lost() {
  if (!find_remote_image(options_.pid, options_.agent_path)) {
    return Error{fmt::format("process {} is not being recorded", options_.pid)};
  }
  return detach();
}

Result<AttachPauses> Attacher::detach() {
  AttachPauses pauses;
  if (kill(options_.pid, 0) != 0 && errno == ESRCH) {
    return pauses;
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
  const Result<AttachResult> left = call_stopped(AttachStep::kLeave, pauses);
  if (!left.ok()) {
    return left.error();
  }
  if (*left == AttachResult::kNoPreparation) {
    return Error{fmt::format("process {} is not being recorded", options_.pid)};
  }
  return pauses;
}

}  // namespace flarestack
