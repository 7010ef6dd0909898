// SPDX-License-Identifier: Apache-2.0
#include "profiler/held_thread.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <optional>

#include <fmt/format.h>

#include "profiler/clock.h"
#include "profiler/interrupted_calls.h"
#include "profiler/remote_fitness.h"
#include "profiler/thread_choice.h"

namespace flarestack {
namespace {

using Stop = TracedThread::Stop;

constexpr uint64_t kStopTimeoutNs = 300'000'000;    // of one thread
constexpr uint64_t kCallTimeoutNs = 3'000'000'000;  // of a system call

// All but those that an instruction raises: blocked, these would kill.
constexpr uint64_t bit(int signal) { return uint64_t{1} << (signal - 1); }
constexpr uint64_t kFaults = bit(SIGSEGV) | bit(SIGBUS) | bit(SIGILL) | bit(SIGFPE) | bit(SIGTRAP) | bit(SIGSYS);

constexpr auto kNoCall = static_cast<unsigned long long>(-1);  // orig_rax
constexpr uint64_t kCallBytes = 2;                             // syscall
constexpr uint64_t kTrapFlag = 1 << 8;
constexpr uint64_t kDirectionFlag = 1 << 10;

}  // namespace

Result<void> HeldThread::check(const ReadMemory& look, bool must) {
  tid = thread.tid();
  if (!thread.registers(own)) {
    return Error{fmt::format("process {} is gone", pid)};
  }
  if (is_cut_short(own)) {
    own.rax = static_cast<unsigned long long>(-kRestartNoHandler);
    thread.set_registers(own);
  }
  Unfitness unfit = unfitness(thread, pid, own, look);
  if (unfit.in_sequence && must &&
      abort_sequence(thread, own, look,
                     [this](uint64_t at, const void* bytes, size_t size) { return write(at, bytes, size); })) {
    unfit = unfitness(thread, pid, own, look);
  }
  if (!unfit.why.empty()) {
    is_for_good = unfit.is_for_good;
    return Error{std::move(unfit.why)};
  }
  filters_calls = unfit.filters_calls;
  return {};
}

// Nothing of the thread's own is changed before the frame that leads back is there and the registers that lead to it.
Result<void> HeldThread::prepare(const ReadMemory& look, uint64_t page_hint, RemoteRoom* room) {
  vector_state = thread.vector_state();
  if (!code.is_there(look) || !thread.signal_mask(signal_mask)) {
    return Error{fmt::format("process {} changes its code; try again", pid)};
  }
  const std::optional<ReturnFrame> made = make_return_frame(own, vector_state, signal_mask, code);
  if (!made) {
    return Error{fmt::format("the vector registers of thread {} cannot be kept on this processor", tid)};
  }
  frame = *made;
  if (!write(frame.start, frame.bytes.data(), frame.bytes.size())) {
    return Error{fmt::format("thread {} of process {} has no room on its stack", tid, pid)};
  }
  parked = own;
  parked.rip = code.system_call;
  parked.rax = SYS_rt_sigreturn;
  parked.rsp = frame.stack_pointer_at_return();
  parked.eflags &= ~(kTrapFlag | kDirectionFlag);
  parked.orig_rax = kNoCall;
  is_prepared = true;
  thread.set_registers(parked);
  thread.set_signal_mask(~kFaults);
  if (room == nullptr || !is_ours(*room)) {
    return map_page(page_hint);
  }
  has_stack = true;
  return move_in(std::exchange(room->address, 0));
}

// Not if the program has taken it away since, or has executed another.
bool HeldThread::is_ours(const RemoteRoom& room) const {
  std::vector<uint8_t> found(room.code.size());
  return room.address != 0 && read(room.address, found.data(), found.size()) && found == room.code;
}

Result<void> HeldThread::map_page(uint64_t hint) {
  const Result<int64_t> mapped =
      make_call(SYS_mmap, {hint, kMappedBytes, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, ~uint64_t{0}, 0});
  if (!mapped.ok()) {
    return mapped.error();
  }
  if (*mapped < 0) {
    restore();
    return errno_error(fmt::format("map memory in process {}", pid), static_cast<int>(-*mapped));
  }
  return move_in(static_cast<uint64_t>(*mapped));
}

Result<void> HeldThread::move_in(uint64_t address) {
  // A filter would get to see the calls that the thread makes on its way back, if we died.
  const auto before = filters_calls ? std::nullopt : RaisedPriority::look(tid);
  const bool is_waiting = !filters_calls && is_resuming(own);
  stub = make_remote_stub(before, is_waiting ? std::optional(RemoteWait{signal_mask, own.rip}) : std::nullopt);
  if (!write(address, stub.bytes.data(), stub.bytes.size())) {
    return give_up("its memory cannot be written");
  }
  page = address;
  parked.rip = page + stub.leave;
  thread.set_registers(parked);
  if (before) {
    priority.raise(tid, *before, 1);
  }
  return {};
}

Result<int64_t> HeldThread::make_call(long number, const std::array<uint64_t, 6>& arguments) {
  if (is_lost) {
    return Error{fmt::format("process {} can no longer be entered", pid)};
  }
  user_regs_struct registers = parked;
  registers.rip = page != 0 ? page + stub.system_call : code.system_call;
  registers.rsp = page != 0 ? parked.rsp : frame.start;
  registers.rax = static_cast<unsigned long long>(number);
  registers.rdi = arguments[0];
  registers.rsi = arguments[1];
  registers.rdx = arguments[2];
  registers.r10 = arguments[3];
  registers.r8 = arguments[4];
  registers.r9 = arguments[5];
  thread.set_registers(registers);
  const uint64_t behind = registers.rip + kCallBytes;
  Result<void> done = run_to(Stop::kEntry, behind, kCallTimeoutNs);
  if (done.ok()) {
    done = run_to(Stop::kExit, behind, kCallTimeoutNs);
  }
  if (!done.ok()) {
    return done.error();
  }
  thread.registers(registers);
  thread.set_registers(parked);
  return static_cast<int64_t>(registers.rax);
}

Result<uint64_t> HeldThread::call_function(uint64_t function, const std::array<uint64_t, 3>& arguments,
                                           uint64_t timeout_ns) {
  const uint64_t top = page + kPageBytes + kStackBytes - kPageBytes;
  if (!has_stack) {
    const Result<int64_t> done =
        make_call(SYS_mprotect, {page + kPageBytes, kStackBytes, PROT_READ | PROT_WRITE, 0, 0, 0});
    if (!done.ok() || *done != 0) {
      return done.ok() ? errno_error("make a stack", static_cast<int>(-*done)) : done.error();
    }
    has_stack = true;
  }
  if (is_lost) {
    return Error{fmt::format("process {} can no longer be entered", pid)};
  }
  const uint64_t stack_pointer = top - 8;  // as behind a call instruction: 8 modulo 16
  const std::vector<uint8_t> moved = frame.moved(page + stub.function_left);
  if (!write(stack_pointer, moved.data(), moved.size())) {
    return Error{fmt::format("process {} has taken our memory away", pid)};
  }
  user_regs_struct registers = parked;
  registers.rip = function;
  registers.rsp = stack_pointer;
  registers.rax = 0;
  registers.rbp = 0;
  registers.rdi = arguments[0];
  registers.rsi = arguments[1];
  registers.rdx = arguments[2];
  // Registers first: only then does the way on end in the frame.
  thread.set_registers(registers);
  if (!has_run_function) {
    has_run_function = true;
    thread.set_vector_state(initial_vector_state(vector_state));
  }
  Result<uint64_t> returned = await_return(stack_pointer, timeout_ns);
  if (!returned.ok() || is_lost) {
    return returned;
  }
  thread.set_registers(parked);
  is_at_event = true;
  return returned;
}

// What the function has returned; the thread waits in the stub for us, stopped there. If we were kept from running for
// so long that it has gone its way, it is lost, and has returned all the same. It runs freely meanwhile: a stop at each
// of its system calls would cost 50 us.
Result<uint64_t> HeldThread::await_return(uint64_t return_address_at, uint64_t timeout_ns) {
  constexpr useconds_t kNapUs = 20;
  constexpr uint64_t kLongestSpinNs = 5'000'000;  // see TracedThread::wait_for_soon()
  const uint64_t end_ns = monotonic_now_ns() + timeout_ns;
  is_at_event = false;
  thread.resume(PTRACE_CONT, 0);
  for (;;) {
    const TracedThread::Event event = thread.wait(0);
    uint64_t return_address = 0;
    if (event.kind == Stop::kGone) {
      is_lost = true;
      return Error{fmt::format("process {} has ended", pid)};
    }
    if (event.kind == Stop::kSignal && thread.is_fault()) {
      return give_up(fmt::format("the code that was to run there got signal {}", event.signal));
    }
    if (event.kind != Stop::kNone) {
      thread.resume(PTRACE_CONT, event.kind == Stop::kSignal ? sort_signal(event.signal) : 0);
    } else if (read(return_address_at, &return_address, sizeof return_address) && return_address == 0) {
      break;
    } else if (monotonic_now_ns() > end_ns) {
      is_lost = !thread.stop(kStopTimeoutNs).ok();
      return give_up(fmt::format("it did not answer in {} ms", timeout_ns / 1'000'000));
    }
    if (thread.has_own_processor() && end_ns - monotonic_now_ns() + kLongestSpinNs > timeout_ns) {
      thread.spin();
    } else {
      usleep(kNapUs);
    }
  }
  uint64_t value = 0;
  if (!read(return_address_at - sizeof value, &value, sizeof value)) {
    is_lost = true;
    return Error{fmt::format("process {} has ended", pid)};
  }
  user_regs_struct registers{};
  thread.interrupt();
  is_lost = !await_stop() || !thread.registers(registers) || registers.rip < page + stub.function_left ||
            registers.rip >= page + stub.leave;
  return value;
}

Result<void> HeldThread::run_to(Stop kind, uint64_t instruction_pointer, uint64_t timeout_ns) {
  const uint64_t end_ns = monotonic_now_ns() + timeout_ns;
  int signal = 0;
  is_at_event = false;
  for (;;) {
    thread.resume(PTRACE_SYSCALL, signal);
    const uint64_t now_ns = monotonic_now_ns();
    const TracedThread::Event event = thread.wait_for_soon(now_ns < end_ns ? end_ns - now_ns : 0);
    signal = 0;
    switch (event.kind) {
      case Stop::kGone:
        is_lost = true;
        return Error{fmt::format("process {} has ended", pid)};
      case Stop::kNone:
        is_lost = !thread.stop(kStopTimeoutNs).ok();
        return give_up(fmt::format("it did not answer in {} ms", timeout_ns / 1'000'000));
      case Stop::kSignal:
        if (thread.is_fault()) {
          return give_up(fmt::format("the code that was to run there got signal {}", event.signal));
        }
        signal = sort_signal(event.signal);
        break;
      default:
        if (event.kind == kind && event.instruction_pointer == instruction_pointer) {
          return {};
        }
    }
  }
}

// What the thread was made to do ends here. A call that it made may have overwritten how its own is to go on.
Error HeldThread::give_up(std::string why) {
  if (!is_lost) {
    thread.set_registers(parked);
    begins_call_again = true;
  }
  return Error{fmt::format("process {}: {}", pid, why)};
}

int HeldThread::sort_signal(int signal) {
  if (signal == SIGSTOP) {
    return signal;  // cannot be put off
  }
  if (!thread.is_tick()) {
    late_signals.push_back(signal);
  }
  return 0;
}

// Only a stop of this kind has the kernel look at what becomes of the system call.
bool HeldThread::stop_to_restore() {
  if (is_at_event) {
    return true;
  }
  thread.interrupt();
  thread.resume(PTRACE_CONT, 0);
  return await_stop();
}

// Of a thread that runs and was interrupted.
bool HeldThread::await_stop() {
  const uint64_t end_ns = monotonic_now_ns() + kCallTimeoutNs;
  for (;;) {
    const uint64_t now_ns = monotonic_now_ns();
    const TracedThread::Event event = thread.wait_for_soon(now_ns < end_ns ? end_ns - now_ns : 0);
    if (event.kind != Stop::kSignal) {
      return event.kind == Stop::kEvent || event.kind == Stop::kJobControl;
    }
    const int signal = sort_signal(event.signal);
    thread.interrupt();
    thread.resume(PTRACE_CONT, signal);
  }
}

bool HeldThread::take_ticks() {
  constexpr int kMostTicks = 20;  // each call takes a few microseconds, and the next tick is due after 100
  struct {
    uint64_t signals = 0;
    timespec limit{};
  } wish;
  const uint64_t wish_at = frame.start - sizeof wish;  // below all that is the thread's own
  for (int i = 0; i < kMostTicks; ++i) {
    const int tick = thread.waiting_tick();
    if (tick == 0) {
      break;
    }
    wish.signals = bit(tick);
    if (!write(wish_at, &wish, sizeof wish)) {
      break;
    }
    const uint64_t limit_at = wish_at + offsetof(decltype(wish), limit);
    (void)make_call(SYS_rt_sigtimedwait, {wish_at, 0, limit_at, sizeof wish.signals, 0, 0}).ok();
    if (is_lost || !stop_to_restore()) {
      return false;
    }
  }
  return true;
}

void HeldThread::restore() {
  if (std::exchange(is_restored, true)) {
    return;
  }
  if (is_prepared && !is_lost) {
    priority.restore();
    const uint64_t mapped = std::exchange(page, 0);
    if (mapped != 0 && kept_room != nullptr && has_stack) {
      *kept_room = {mapped, std::move(stub.bytes)};
    } else if (mapped != 0) {
      parked.rip = code.system_call;
      parked.rax = SYS_rt_sigreturn;
      (void)make_call(SYS_munmap, {mapped, kMappedBytes, 0, 0, 0, 0}).ok();
    }
    if (!is_lost && stop_to_restore() && take_ticks()) {
      thread.set_signal_mask(signal_mask);
      if (has_run_function) {
        thread.set_vector_state(vector_state);
      }
      thread.set_registers(begins_call_again ? made_again(own) : own);
    }
  }
}

void HeldThread::let_go() {
  if (let_go_at_ns != 0) {
    return;
  }
  restore();
  thread.let_go();
  let_go_at_ns = monotonic_now_ns();
  our_priority.restore();
  for (const int signal : late_signals) {
    ::syscall(SYS_tgkill, pid, tid, signal);
  }
}

}  // namespace flarestack
