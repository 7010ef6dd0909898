// SPDX-License-Identifier: Apache-2.0
// TracedThread: one thread of another process under ptrace: stopping it, its registers, waiting for its next stop.
// Every wait is bounded, and a thread that is not stopped is never let go of but left for
// StoppedProcess::let_stragglers_go(). Should we die, the kernel lets the thread run on as it is: PTRACE_O_TRACESYSGOOD
// keeps the stop that we die in from becoming a SIGTRAP, and nothing is ever single-stepped, which would go on.
// Recorder side; one thread of the recorder.
#pragma once

#include <sys/ptrace.h>
#include <sys/user.h>

#include <csignal>
#include <cstdint>
#include <vector>

#include "base/result.h"

namespace flarestack {

class TracedThread {
 public:
  enum class Stop {
    kNone,        // in the time given
    kGone,        // the thread has ended
    kEvent,       // asked for by interrupt()
    kJobControl,  // the whole process is stopped by a signal
    kEntry,       // before a system call
    kExit,        // behind one
    kSignal,      // before a signal is delivered
    kExec,        // of a launch(): another program has taken its place, and has not begun
  };
  struct Event {
    Stop kind = Stop::kNone;
    int signal = 0;
    uint64_t instruction_pointer = 0;  // of kEntry and kExit
  };

  // Traces the thread, which runs on.
  static Result<TracedThread> seize(int32_t pid, int32_t tid);
  // A child that is about to execute a program. As long as it is traced it dies with us.
  static Result<TracedThread> seize_launched(int32_t pid);
  TracedThread(TracedThread&& other) noexcept;
  TracedThread& operator=(TracedThread&&) = delete;
  // Lets go, with the registers that it has.
  ~TracedThread();

  int32_t tid() const { return tid_; }
  bool is_stopped() const { return is_stopped_; }
  // When it stopped first, a CLOCK_MONOTONIC value.
  uint64_t stopped_at_ns() const { return stopped_at_ns_; }

  // Stops it where it is; signals that come first are delivered as ever.
  Result<void> stop(uint64_t timeout_ns);
  void interrupt();
  // PTRACE_CONT or PTRACE_SYSCALL, delivering a signal (0: none).
  void resume(__ptrace_request how, int signal);
  Event wait(uint64_t timeout_ns);
  // The same of a stop that comes within microseconds: does not sleep at first, where the thread need not have our
  // processor. A sleep is long where idle processors are another system's (a virtual machine), both for us to wake from
  // and for the thread, whose requests to other processors (perf_event_open, mprotect) wait for them to wake.
  Event wait_for_soon(uint64_t timeout_ns);
  // A moment of that.
  void spin() const;
  // Whether the thread may run while we do not sleep.
  bool has_own_processor() const { return has_own_processor_; }

  // Stopped by a signal that its own instruction raised.
  bool is_fault() const;
  // Whether it is a sample's tick of an earlier recording, or of this one: it can be done without.
  bool is_tick() const;
  // The same of what somebody else was told of a thread of the process.
  static bool is_tick(int32_t pid, const siginfo_t& info);
  // The signal of a tick that waits for the thread to unblock it; 0: none does.
  int waiting_tick() const;

  // All false where the thread is not stopped or gone.
  bool registers(user_regs_struct& to) const;
  bool set_registers(const user_regs_struct& registers);
  bool signal_mask(uint64_t& to) const;
  bool set_signal_mask(uint64_t mask);
  std::vector<uint8_t> vector_state() const;  // XSAVE, standard format; empty: the kernel does not tell
  bool set_vector_state(std::vector<uint8_t> state);
  // Its system calls pass its seccomp filter as long as it is traced.
  bool suspend_seccomp();

  // Lets it run on.
  void let_go();

 private:
  static Result<TracedThread> seize(int32_t pid, int32_t tid, long options);
  TracedThread(int32_t pid, int32_t tid) : pid_(pid), tid_(tid) {}
  Event next_event();
  Event call_stop() const;

  int32_t pid_ = 0;
  int32_t tid_ = 0;  // 0: no longer traced
  bool is_our_child_ = false;
  bool is_stopped_ = false;
  bool has_own_processor_ = false;
  uint64_t stopped_at_ns_ = 0;
};

}  // namespace flarestack
