// SPDX-License-Identifier: Apache-2.0
// StoppedProcess: the threads of a process held still by ptrace, so that their registers and memory can be read.
// Recorder side.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace flarestack {

class StoppedProcess {
 public:
  struct ThreadState {
    int32_t tid = 0;
    uint64_t stack_pointer = 0;
    uint64_t thread_pointer = 0;
    uint64_t instruction_pointer = 0;
    std::vector<uint64_t> registers;  // general purpose ones
  };

  // Stops all threads but `except` (0: all). Where one cannot be stopped, problem() says so and the others are.
  StoppedProcess(int32_t pid, int32_t except);
  ~StoppedProcess() { let_go(); }
  StoppedProcess(const StoppedProcess&) = delete;
  StoppedProcess& operator=(const StoppedProcess&) = delete;

  const std::vector<ThreadState>& threads() const { return threads_; }
  // One sentence; empty: all were stopped.
  const std::string& problem() const { return problem_; }

  // Takes ticks of a timer by this signal out of what waits for a thread, which does not get to see them. False: there
  // is something else in their way, or the signal was sent by somebody.
  bool drop_ticks(int32_t tid, int signal);

  // Lets them run on.
  void let_go();
  // What was let go before it had stopped: now and then, as long as the recording lasts.
  static void let_stragglers_go();
  // One more of those: a thread that this thread traces and that did not stop in time.
  static void leave(int32_t tid);
  // The thread that was not stopped is about to end the process: takes in the deaths of the others, so that whoever
  // waits for the process learns of it. Lets go of all that live after `timeout_ns`.
  void await_end(uint64_t timeout_ns);

 private:
  // A signal that stopped a thread before we did is delivered when it goes on.
  struct Held {
    int32_t tid = 0;
    int signal = 0;
    bool is_stopped = false;
    bool has_ended = false;
  };
  struct Event {
    enum Kind { kNone, kStopped, kEnded } kind = kNone;
    int signal = 0;  // that stopped it before we did
  };
  Event next_event(int32_t tid) const;
  void interrupt(int32_t tid);
  void await_stops();
  void look(int32_t tid);

  int32_t pid_;
  std::vector<Held> held_;
  std::vector<ThreadState> threads_;
  std::string problem_;
};

// From /proc/PID/task. Any thread.
std::vector<int32_t> threads_of(int32_t pid);

// Copies memory of a process; returns how many bytes from the first on could be copied. Any thread.
size_t read_process_memory(int32_t pid, uint64_t address, void* to, size_t size_bytes);

}  // namespace flarestack
