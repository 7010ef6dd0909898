// SPDX-License-Identifier: Apache-2.0
#include "profiler/stopped_process.h"

#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/clock.h"
#include "profiler/interrupted_calls.h"
#include "profiler/process_exit.h"
#include "profiler/thread_choice.h"
#include "profiler/traced_thread.h"

namespace flarestack {
namespace {

constexpr uint64_t kLongestStopNs = 1'000'000'000;  // one that waits for a disk does not stop
constexpr int kMaxRounds = 20;                      // in which threads were found that had not been there before
constexpr useconds_t kPollUs = 30;

// As in /proc/PID/task/TID/stat; 0: it is gone.
char state_of(int32_t pid, int32_t tid) {
  const Result<std::string> stat = read_file(fmt::format("/proc/{}/task/{}/stat", pid, tid));
  const size_t name_end = stat.ok() ? stat->rfind(')') : std::string::npos;
  return name_end != std::string::npos && name_end + 2 < stat->size() ? (*stat)[name_end + 2] : '\0';
}

// Its state, and where in the kernel it waits.
std::string what_it_does(int32_t pid, int32_t tid) {
  const char state = state_of(pid, tid);
  const Result<std::string> place = read_file(fmt::format("/proc/{}/task/{}/wchan", pid, tid));
  return state == '\0' ? "it has ended" : fmt::format("state {}, {}", state, place.ok() ? *place : "");
}

int32_t tracer_of(int32_t pid, int32_t tid) {
  constexpr std::string_view kField = "TracerPid:";
  const Result<std::string> status = read_file(fmt::format("/proc/{}/task/{}/status", pid, tid));
  const size_t at = status.ok() ? status->find(kField) : std::string::npos;
  return at != std::string::npos ? std::atoi(status->c_str() + at + kField.size()) : 0;
}

// The registers of a stopped thread; nullopt: it has ended. A call that the stop cut short is begun again by the
// kernel, which makes EINTR of it where a handler of the program's runs.
std::optional<user_regs_struct> take_registers(int32_t tid) {
  user_regs_struct registers{};
  if (ptrace(PTRACE_GETREGS, tid, nullptr, &registers) != 0) {
    return std::nullopt;
  }
  if (is_cut_short(registers)) {
    registers.rax = static_cast<unsigned long long>(-kRestartNoHandler);
    ptrace(PTRACE_SETREGS, tid, nullptr, &registers);
  }
  return registers;
}

// Whether a wakeup for nothing ends the thread's wait with EINTR. Those are traced first and let go last: a signal that
// is ignored (SIGCHLD) is queued all the same while the thread that it is for is traced, and wakes any thread of the
// process; one that is traced as well stops then, and its call is begun again. As any of the others may be about to
// make such a call, the threads that such signals are for are traced last.
bool waits_in_fragile_call(int32_t pid, int32_t tid) {
  const Result<std::string> call = read_file(fmt::format("/proc/{}/task/{}/syscall", pid, tid));
  return call.ok() && !call->empty() && (*call)[0] >= '0' && (*call)[0] <= '9' &&
         returns_early_when_stopped(std::atol(call->c_str()));
}

// Threads that had not stopped when they were let go, as one that waits for a disk: they stop yet.
thread_local std::vector<int32_t> stragglers;

}  // namespace

StoppedProcess::StoppedProcess(int32_t pid, int32_t except) : pid_(pid) {
  std::vector<int32_t> known = {except};
  for (int round = 0; round < kMaxRounds; ++round) {
    // All are told before any is waited for: one that is ready to run stops when it gets a processor, for which those
    // that go on would compete with it.
    std::vector<int32_t> tids = threads_of(pid);
    std::erase_if(tids, [&](int32_t tid) { return std::find(known.begin(), known.end(), tid) != known.end(); });
    if (tids.empty()) {
      return;
    }
    const auto others =
        std::stable_partition(tids.begin(), tids.end(), [&](int32_t tid) { return waits_in_fragile_call(pid, tid); });
    std::stable_partition(others, tids.end(), [&](int32_t tid) { return !gets_signals_of_process(pid, tid); });
    for (const int32_t tid : tids) {
      known.push_back(tid);
      interrupt(tid);
    }
    await_stops();
    if (!problem_.empty()) {
      return;
    }
  }
  problem_ = "it starts threads faster than they can be stopped";
}

// One that has ended is left out; else problem_ says why it cannot be stopped.
void StoppedProcess::interrupt(int32_t tid) {
  const bool is_ours_still = std::erase(stragglers, tid) != 0;
  if (is_ours_still || ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) == 0) {
    held_.push_back({tid, 0, false, false});
    ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
    return;
  }
  const int error = errno;
  const char state = state_of(pid_, tid);
  if (error != ESRCH && state != 'Z' && state != 'X' && state != '\0') {
    const int32_t tracer = tracer_of(pid_, tid);
    problem_ = tracer != 0 ? fmt::format("process {} traces it", tracer)
                           : fmt::format("its threads may not be stopped: {}", std::strerror(error));
  }
}

void StoppedProcess::await_stops() {
  const uint64_t start_ns = monotonic_now_ns();
  const auto is_running = [](const Held& held) { return !held.is_stopped; };
  for (;;) {
    for (Held& held : held_) {
      if (held.is_stopped) {
        continue;
      }
      const Event event = next_event(held.tid);
      held.has_ended = event.kind == Event::kEnded;
      held.is_stopped = event.kind == Event::kStopped;
      if (held.is_stopped) {
        held.signal = event.signal;
        look(held.tid);
      }
    }
    std::erase_if(held_, [](const Held& held) { return held.has_ended; });
    const auto running = std::find_if(held_.begin(), held_.end(), is_running);
    if (running == held_.end()) {
      return;
    }
    if (monotonic_now_ns() - start_ns > kLongestStopNs) {
      problem_ =
          fmt::format("thread {} did not stop within a second: {}", running->tid, what_it_does(pid_, running->tid));
      return;
    }
    usleep(kPollUs);
  }
}

StoppedProcess::Event StoppedProcess::next_event(int32_t tid) const {
  siginfo_t info{};
  // The end of a child of ours is for whoever launched it to take.
  const int ends = tid == pid_ && parent_pid(pid_) == getpid() ? 0 : WEXITED;
  if (waitid(P_PID, static_cast<id_t>(tid), &info, WSTOPPED | ends | WNOHANG | __WALL) != 0) {
    return {errno == ECHILD ? Event::kEnded : Event::kNone, 0};
  }
  if (info.si_pid == 0) {
    return {ends == 0 && state_of(pid_, tid) == 'Z' ? Event::kEnded : Event::kNone, 0};
  }
  if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) {
    return {Event::kEnded, 0};
  }
  const bool is_ours = info.si_status >> 8 == PTRACE_EVENT_STOP;
  return {Event::kStopped, is_ours ? 0 : info.si_status & 0x7f};
}

void StoppedProcess::look(int32_t tid) {
  const std::optional<user_regs_struct> registers = take_registers(tid);
  if (!registers) {
    return;
  }
  ThreadState state;
  state.tid = tid;
  state.stack_pointer = registers->rsp;
  state.thread_pointer = registers->fs_base;
  state.instruction_pointer = registers->rip;
  state.registers = {registers->rax, registers->rbx, registers->rcx, registers->rdx, registers->rsi,
                     registers->rdi, registers->rbp, registers->r8,  registers->r9,  registers->r10,
                     registers->r11, registers->r12, registers->r13, registers->r14, registers->r15};
  threads_.push_back(std::move(state));
}

bool StoppedProcess::drop_ticks(int32_t tid, int signal) {
  constexpr uint64_t kLongestWaitNs = 20'000'000;
  const auto held = std::find_if(held_.begin(), held_.end(), [tid](const Held& each) { return each.tid == tid; });
  if (held == held_.end()) {
    return false;
  }
  for (const uint64_t start_ns = monotonic_now_ns(); held->is_stopped;) {
    siginfo_t info{};
    if (held->signal != 0) {
      if (held->signal != signal || ptrace(PTRACE_GETSIGINFO, tid, nullptr, &info) != 0 ||
          !TracedThread::is_tick(pid_, info)) {
        return false;
      }
      held->signal = 0;
    }
    const std::string waiting = thread_status_field(pid_, tid, "SigPnd");
    if (waiting.empty() || (std::stoull(waiting, nullptr, 16) >> (signal - 1) & 1) == 0) {
      return !waiting.empty();
    }
    // It goes on to take one, and stops with it before it runs any of its own code.
    ptrace(PTRACE_CONT, tid, nullptr, 0);
    Event event = next_event(tid);
    for (; event.kind == Event::kNone && monotonic_now_ns() - start_ns < kLongestWaitNs; event = next_event(tid)) {
      usleep(kPollUs / 10);
    }
    held->is_stopped = event.kind == Event::kStopped;
    held->signal = event.signal;
  }
  ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
  return false;
}

void StoppedProcess::let_go() {
  std::reverse(held_.begin(), held_.end());  // as they were taken: see waits_in_fragile_call()
  for (const Held& held : held_) {
    if (held.is_stopped) {
      ptrace(PTRACE_DETACH, held.tid, nullptr, held.signal);
    } else {
      stragglers.push_back(held.tid);
    }
  }
  held_.clear();
}

void StoppedProcess::let_stragglers_go() {
  std::erase_if(stragglers, [](int32_t tid) {
    int status = 0;
    const pid_t waited = waitpid(tid, &status, __WALL | WNOHANG);
    if (waited == tid && WIFSTOPPED(status)) {
      static_cast<void>(take_registers(tid));
      ptrace(PTRACE_DETACH, tid, nullptr, status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status));
    }
    return waited != 0;
  });
}

void StoppedProcess::leave(int32_t tid) { stragglers.push_back(tid); }

void StoppedProcess::await_end(uint64_t timeout_ns) {
  const uint64_t start_ns = monotonic_now_ns();
  while (!held_.empty() && monotonic_now_ns() - start_ns < timeout_ns) {
    if (std::erase_if(held_, [&](const Held& held) { return next_event(held.tid).kind == Event::kEnded; }) == 0) {
      usleep(kPollUs);
    }
  }
  let_go();
}

std::vector<int32_t> threads_of(int32_t pid) {
  std::vector<int32_t> tids;
  std::error_code error;
  for (std::filesystem::directory_iterator task(fmt::format("/proc/{}/task", pid), error), end; !error && task != end;
       task.increment(error)) {
    tids.push_back(std::atoi(task->path().filename().c_str()));
  }
  return tids;
}

size_t read_process_memory(int32_t pid, uint64_t address, void* to, size_t size_bytes) {
  iovec local{to, size_bytes};
  iovec remote{reinterpret_cast<void*>(address), size_bytes};
  const ssize_t count = process_vm_readv(pid, &local, 1, &remote, 1, 0);
  return count > 0 ? static_cast<size_t>(count) : 0;
}

}  // namespace flarestack
