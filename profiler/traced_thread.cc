// SPDX-License-Identifier: Apache-2.0
#include "profiler/traced_thread.h"

#include <elf.h>
#include <sched.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "profiler/clock.h"
#include "profiler/process_exit.h"
#include "profiler/process_maps.h"
#include "profiler/remote_image.h"
#include "profiler/stopped_process.h"

namespace flarestack {
namespace {

constexpr size_t kLargestVectorState = 16384;  // with AMX it is 11 KiB
constexpr long kLongestNapNs = 500'000;
constexpr uint64_t kLongestSpinNs = 200'000;

// Whether this thread and that one each may have a processor.
bool may_run_beside_us(int32_t tid) {
  cpu_set_t theirs;
  cpu_set_t ours;
  cpu_set_t all;
  if (sched_getaffinity(tid, sizeof theirs, &theirs) != 0 || sched_getaffinity(0, sizeof ours, &ours) != 0) {
    return false;
  }
  CPU_OR(&all, &theirs, &ours);
  return CPU_COUNT(&all) > 1 && (CPU_COUNT(&theirs) > 1 || !CPU_EQUAL(&theirs, &ours));
}

}  // namespace

Result<TracedThread> TracedThread::seize(int32_t pid, int32_t tid) { return seize(pid, tid, PTRACE_O_TRACESYSGOOD); }

Result<TracedThread> TracedThread::seize_launched(int32_t pid) {
  return seize(pid, pid, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
}

Result<TracedThread> TracedThread::seize(int32_t pid, int32_t tid, long options) {
  if (ptrace(PTRACE_SEIZE, tid, nullptr, options) != 0) {
    return errno_error(fmt::format("trace thread {} of process {}", tid, pid));
  }
  TracedThread thread(pid, tid);
  thread.has_own_processor_ = may_run_beside_us(tid);
  // The end of a child of ours is for whoever launched it to take.
  thread.is_our_child_ = tid == pid && parent_pid(pid) == getpid();
  return thread;
}

TracedThread::TracedThread(TracedThread&& other) noexcept
    : pid_(other.pid_),
      tid_(std::exchange(other.tid_, 0)),
      is_our_child_(other.is_our_child_),
      is_stopped_(other.is_stopped_),
      has_own_processor_(other.has_own_processor_),
      stopped_at_ns_(other.stopped_at_ns_) {}

TracedThread::~TracedThread() { let_go(); }

void TracedThread::let_go() {
  const int32_t tid = std::exchange(tid_, 0);
  if (tid == 0) {
    return;
  }
  if (is_stopped_) {
    ptrace(PTRACE_DETACH, tid, nullptr, nullptr);
  } else {
    StoppedProcess::leave(tid);
  }
}

void TracedThread::interrupt() { ptrace(PTRACE_INTERRUPT, tid_, nullptr, nullptr); }

void TracedThread::resume(__ptrace_request how, int signal) {
  is_stopped_ = false;
  ptrace(how, tid_, nullptr, signal);
}

Result<void> TracedThread::stop(uint64_t timeout_ns) {
  const uint64_t end_ns = monotonic_now_ns() + timeout_ns;
  interrupt();
  for (;;) {
    const uint64_t now_ns = monotonic_now_ns();
    const Event event = wait(now_ns < end_ns ? end_ns - now_ns : 0);
    switch (event.kind) {
      case Stop::kEvent:
        return {};
      case Stop::kGone:
        return Error{fmt::format("thread {} of process {} has ended", tid_, pid_)};
      case Stop::kNone:
        return Error{fmt::format("thread {} of process {} did not stop in {} ms: it waits for the kernel", tid_, pid_,
                                 timeout_ns / 1'000'000)};
      case Stop::kJobControl:
        return Error{fmt::format("process {} is stopped by a signal; let it run on: kill -CONT {}", pid_, pid_)};
      default:
        interrupt();  // any stop takes an earlier one back
        resume(PTRACE_CONT, event.kind == Stop::kSignal && is_tick() ? 0 : event.signal);
    }
  }
}

// The stop is reported by SIGCHLD as well, which ends the nap; where another thread takes that, the nap is short.
TracedThread::Event TracedThread::wait(uint64_t timeout_ns) {
  const uint64_t start_ns = monotonic_now_ns();
  sigset_t child_signal;
  sigset_t before;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &child_signal, &before);
  bool is_other = false;
  Event event;
  for (;;) {
    event = next_event();
    if (event.kind != Stop::kNone || monotonic_now_ns() - start_ns >= timeout_ns) {
      break;
    }
    siginfo_t info{};
    const timespec nap{0, kLongestNapNs};
    is_other |= sigtimedwait(&child_signal, &info, &nap) == SIGCHLD && info.si_pid != tid_;
  }
  if (is_other) {
    kill(getpid(), SIGCHLD);  // of a child that somebody else here waits for
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return event;
}

TracedThread::Event TracedThread::wait_for_soon(uint64_t timeout_ns) {
  const uint64_t start_ns = monotonic_now_ns();
  while (has_own_processor_ && monotonic_now_ns() - start_ns < std::min(timeout_ns, kLongestSpinNs)) {
    if (const Event event = next_event(); event.kind != Stop::kNone) {
      return event;
    }
    spin();
  }
  return wait(timeout_ns);
}

void TracedThread::spin() const {
  constexpr uint64_t kMomentNs = 3'000;  // each look takes locks that the thread may want
  for (const uint64_t start_ns = monotonic_now_ns(); monotonic_now_ns() - start_ns < kMomentNs;) {
    asm volatile("" ::: "memory");
  }
}

TracedThread::Event TracedThread::next_event() {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(tid_), &info, WSTOPPED | (is_our_child_ ? 0 : WEXITED) | WNOHANG | __WALL) != 0) {
    return {errno == ECHILD ? Stop::kGone : Stop::kNone, 0, 0};
  }
  if (info.si_pid == 0) {
    siginfo_t end{};  // or of a stop that has come by now: those of traced children are told whatever is asked for
    const bool has_ended = is_our_child_ &&
                           waitid(P_PID, static_cast<id_t>(tid_), &end, WEXITED | WNOWAIT | WNOHANG | __WALL) == 0 &&
                           (end.si_code == CLD_EXITED || end.si_code == CLD_KILLED || end.si_code == CLD_DUMPED);
    return {has_ended ? Stop::kGone : Stop::kNone, 0, 0};
  }
  if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) {
    return {Stop::kGone, 0, 0};
  }
  is_stopped_ = true;
  if (stopped_at_ns_ == 0) {
    stopped_at_ns_ = monotonic_now_ns();
  }
  if (info.si_status >> 8 == PTRACE_EVENT_STOP) {
    return {(info.si_status & 0x7f) == SIGTRAP ? Stop::kEvent : Stop::kJobControl, 0, 0};
  }
  if (info.si_status >> 8 == PTRACE_EVENT_EXEC) {
    return {Stop::kExec, 0, 0};
  }
  if (info.si_status == (SIGTRAP | 0x80)) {
    return call_stop();
  }
  return {Stop::kSignal, info.si_status & 0x7f, 0};
}

TracedThread::Event TracedThread::call_stop() const {
  __ptrace_syscall_info info{};
  ptrace(PTRACE_GET_SYSCALL_INFO, tid_, sizeof info, &info);
  return {info.op == PTRACE_SYSCALL_INFO_ENTRY ? Stop::kEntry : Stop::kExit, 0, info.instruction_pointer};
}

bool TracedThread::is_tick() const {
  siginfo_t info{};
  return ptrace(PTRACE_GETSIGINFO, tid_, nullptr, &info) == 0 && is_tick(pid_, info);
}

// By trap, by a perf event's signal, by a timer that has an address in the agent's data for its value.
bool TracedThread::is_tick(int32_t pid, const siginfo_t& info) {
  constexpr int kTrapPerf = 6;  // TRAP_PERF, which glibc 2.36 does not name
  if (info.si_signo != SIGTRAP && info.si_signo != SIGSTKFLT) {
    return false;
  }
  if (info.si_code != SI_TIMER) {
    return info.si_signo == SIGTRAP ? info.si_code == kTrapPerf : info.si_code >= POLL_IN && info.si_code <= POLL_HUP;
  }
  const auto value = reinterpret_cast<uint64_t>(info.si_value.sival_ptr);
  const Result<ProcessMaps> maps = ProcessMaps::read(pid);
  return maps.ok() && std::any_of(maps->mappings().begin(), maps->mappings().end(), [&](const auto& mapping) {
           return mapping.path == kRemoteImageName && value >= mapping.start && value < mapping.end;
         });
}

int TracedThread::waiting_tick() const {
  constexpr int kMostSignals = 64;
  std::array<siginfo_t, kMostSignals> waiting{};
  __ptrace_peeksiginfo_args which{0, 0, kMostSignals};  // of the thread alone, oldest first
  const long count = ptrace(PTRACE_PEEKSIGINFO, tid_, &which, waiting.data());
  for (long i = 0; i < count; ++i) {
    if (is_tick(pid_, waiting[static_cast<size_t>(i)])) {
      return waiting[static_cast<size_t>(i)].si_signo;
    }
  }
  return 0;
}

bool TracedThread::is_fault() const {
  siginfo_t info{};
  const bool is_told = ptrace(PTRACE_GETSIGINFO, tid_, nullptr, &info) == 0;
  constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
  return is_told && info.si_code > 0 && !is_tick(pid_, info) &&
         std::find(std::begin(kFaults), std::end(kFaults), info.si_signo) != std::end(kFaults);
}

bool TracedThread::registers(user_regs_struct& to) const { return ptrace(PTRACE_GETREGS, tid_, nullptr, &to) == 0; }

bool TracedThread::set_registers(const user_regs_struct& registers) {
  return ptrace(PTRACE_SETREGS, tid_, nullptr, &registers) == 0;
}

bool TracedThread::signal_mask(uint64_t& to) const { return ptrace(PTRACE_GETSIGMASK, tid_, sizeof to, &to) == 0; }

bool TracedThread::set_signal_mask(uint64_t mask) { return ptrace(PTRACE_SETSIGMASK, tid_, sizeof mask, &mask) == 0; }

std::vector<uint8_t> TracedThread::vector_state() const {
  std::vector<uint8_t> state(kLargestVectorState);
  iovec area{state.data(), state.size()};
  const bool is_told = ptrace(PTRACE_GETREGSET, tid_, NT_X86_XSTATE, &area) == 0;
  state.resize(is_told ? area.iov_len : 0);
  return state;
}

bool TracedThread::set_vector_state(std::vector<uint8_t> state) {
  iovec area{state.data(), state.size()};
  return ptrace(PTRACE_SETREGSET, tid_, NT_X86_XSTATE, &area) == 0;
}

bool TracedThread::suspend_seccomp() {
  return ptrace(PTRACE_SETOPTIONS, tid_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP) == 0;
}

}  // namespace flarestack
