// SPDX-License-Identifier: Apache-2.0
// HeldThread: the thread behind a RemoteThread (profiler/remote_thread.h has the idea): its own state, the way back to
// it, and the steps in between. Made only by RemoteThread::take(). Recorder side.
#pragma once

#include <sys/types.h>
#include <sys/user.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "profiler/remote_frame.h"
#include "profiler/remote_stub.h"
#include "profiler/remote_thread.h"
#include "profiler/thread_priority.h"
#include "profiler/traced_thread.h"

namespace flarestack {

struct HeldThread {
  static constexpr uint64_t kPageBytes = 4096;
  static constexpr uint64_t kStackBytes = 256 << 10;
  static constexpr uint64_t kMappedBytes = kPageBytes + kStackBytes;

  explicit HeldThread(TracedThread traced) : thread(std::move(traced)) {}
  HeldThread(const HeldThread&) = delete;
  HeldThread& operator=(const HeldThread&) = delete;
  ~HeldThread() { let_go(); }

  // Whether it can work for us. It is as it was, unless it is in a restartable sequence, which is aborted if it `must`.
  Result<void> check(const ReadMemory& look, bool must);
  // Puts the frame down and leads the thread to it: from here on it finds back by itself. `room` may be nullptr.
  Result<void> prepare(const ReadMemory& look, uint64_t page_hint, RemoteRoom* room);
  Result<void> map_page(uint64_t page_hint);
  bool is_ours(const RemoteRoom& room) const;
  Result<void> move_in(uint64_t address);
  // Lets it run until it stops so, at `instruction_pointer` (0: anywhere).
  Result<void> run_to(TracedThread::Stop kind, uint64_t instruction_pointer, uint64_t timeout_ns);
  Result<uint64_t> await_return(uint64_t return_address_at, uint64_t timeout_ns);
  Result<int64_t> make_call(long number, const std::array<uint64_t, 6>& arguments);
  Error give_up(std::string why);
  Result<uint64_t> call_function(uint64_t function, const std::array<uint64_t, 3>& arguments, uint64_t timeout_ns);
  bool stop_to_restore();
  // Ticks that came while the thread was ours, and would end its system call with EINTR when it unblocks them.
  bool take_ticks();
  bool await_stop();
  // Gives it its own back; it stays stopped.
  void restore();
  void let_go();
  // What to do with a signal that the thread is about to take: the one to deliver now.
  int sort_signal(int signal);

  bool write(uint64_t address, const void* bytes, size_t size_bytes) const {
    return pwrite(memory, bytes, size_bytes, static_cast<off_t>(address)) == static_cast<ssize_t>(size_bytes);
  }
  bool read(uint64_t address, void* to, size_t size_bytes) const {
    return pread(memory, to, size_bytes, static_cast<off_t>(address)) == static_cast<ssize_t>(size_bytes);
  }

  int32_t pid = 0;
  int32_t tid = 0;
  int memory = -1;
  Fd memory_file;  // as soon as the thread is ours
  TracedThread thread;
  BorrowedCode code;
  ReturnFrame frame;
  user_regs_struct own{};     // what the thread has of its own
  user_regs_struct parked{};  // leads back to it
  std::vector<uint8_t> vector_state;
  uint64_t signal_mask = 0;
  RaisedPriority our_priority;
  RaisedPriority priority;
  uint64_t page = 0;                // of code; the stack follows
  RemoteRoom* kept_room = nullptr;  // where restore() says that it has left that
  RemoteStub stub;
  bool has_stack = false;
  bool has_run_function = false;
  bool is_for_good = false;        // no other thread will do
  bool is_prepared = false;        // the registers lead back
  bool filters_calls = false;      // by seccomp
  bool is_at_event = false;        // stopped by interrupt(), while it ran its own or the function's code
  bool begins_call_again = false;  // the system call that it was in
  bool is_lost = false;            // gone, or does not stop
  bool is_restored = false;        // nothing is left to be given back
  std::vector<int> late_signals;
  uint64_t let_go_at_ns = 0;
};

}  // namespace flarestack
