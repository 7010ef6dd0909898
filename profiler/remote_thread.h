// SPDX-License-Identifier: Apache-2.0
// RemoteThread: one thread of a running process, stopped, that makes system calls and calls functions for us and then
// goes on with what it was doing as if nothing had been: same registers, same vector state, same signal mask, and the
// system call that it waited in goes on. Recorder side; the thread of the recorder that takes it does all the rest.
//
// We may be killed at any instruction of this; the kernel then lets the thread run on with the registers that it has.
// So every register set that is ever put in leads back by itself: below the red zone of the thread's stack lies a
// signal frame with all that is its own, and whatever the thread does for us returns into rt_sigreturn on that frame.
// While we live we stop it at the entry of that rt_sigreturn, which costs no waiting and needs no sign of life. The
// stop by ptrace at a system call is the only one used: a breakpoint or a single step would outlive us and kill the
// process.
//
// After our death a wait that the kernel can resume is resumed by the thread itself; other calls are made again from
// their beginning, and so is a wait if we died before our page was mapped, or if the process filters its calls. One
// thing cannot be helped: where we die between a stop and our first look, a call of the list in interrupted_calls.h
// returns EINTR; threads in other calls are preferred.
#pragma once

#include <sys/user.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "profiler/traced_thread.h"

namespace flarestack {

struct HeldThread;

// Memory of ours in the process, for what a thread does for us: mapped by the first that is taken, and found again by
// the next if it was kept, which saves that six system calls while the process stands still.
struct RemoteRoom {
  uint64_t address = 0;       // 0: none
  std::vector<uint8_t> code;  // at its beginning, as it was left
};

class RemoteThread {
 public:
  // Stops the thread of the process that is fittest for it: one that waits in a call which the kernel resumes exactly,
  // else one that runs, else one in a call whose timeout begins anew. It has room on its stack, runs 64-bit code and
  // is outside a restartable sequence. Its signals wait until let_go().
  // Where the only thread is in one again and again, that is aborted, as it is whenever the thread is preempted.
  // `when_stopped`, if any, is called with each thread that looks fit, once it stands still and is as it was; and with
  // 0, before it runs on, if it will not do after all.
  // `room`, if there is one in it, is used and taken out.
  using WhenStopped = std::function<void(int32_t tid)>;
  static Result<RemoteThread> take(int32_t pid, const WhenStopped& when_stopped = {}, RemoteRoom* room = nullptr);
  // The same of a thread that stands still already, of a process that has no other.
  static Result<RemoteThread> hold(int32_t pid, TracedThread thread);
  RemoteThread(RemoteThread&& other) noexcept;
  RemoteThread& operator=(RemoteThread&&) = delete;
  ~RemoteThread();  // lets go

  int32_t tid() const;
  // Has restore() leave the room in the process, and put it there.
  void keep_room(RemoteRoom& room);
  // What it will have of its own from now on.
  void set_thread_pointer(uint64_t thread_pointer);
  // Whether the signal was blocked in its mask, which it no longer is.
  bool open_signal(uint32_t signal);
  void close_signal(uint32_t signal);
  // What it has of its own, and will have again.
  const user_regs_struct& registers() const;

  // A system call in the process. The value is the kernel's: -errno is a value. Error: the process is gone, or did not
  // answer within seconds; nothing more can be done with the thread then.
  Result<int64_t> syscall(long number, std::array<uint64_t, 6> arguments);

  // Calls a function (System V ABI) on a stack of our own, of 256 KiB; its rax. Error: the process is gone, the
  // function faulted (the program does not see the signal) or took longer; it is abandoned where it is. If we are kept
  // from running for a second the thread goes its way after the function; then nothing more can be done with it.
  Result<uint64_t> call(uint64_t function, std::array<uint64_t, 3> arguments, uint64_t timeout_ns);

  // The process's memory, whatever its protection. False: not all of it is there.
  bool write(uint64_t address, const void* bytes, size_t size_bytes);
  bool read(uint64_t address, void* to, size_t size_bytes) const;

  // Gives the thread all back that is its own. Nothing of ours is left in the process but a room that is kept. It takes
  // a few system calls of the thread's, which wait for nobody as long as the other threads stand still; it stands still
  // itself until let_go().
  void restore();
  // restore(), and it runs on.
  void let_go();

  // How long the thread was stopped, so far or until it was let go.
  uint64_t pause_ns() const;

 private:
  explicit RemoteThread(std::unique_ptr<HeldThread> held);
  std::unique_ptr<HeldThread> held_;
};

}  // namespace flarestack
