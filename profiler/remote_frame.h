// SPDX-License-Identifier: Apache-2.0
// What leads a thread back to what it was doing, without us: a signal frame with all its registers, for rt_sigreturn,
// and the instructions of the program that we borrow to get there before a page of our own is mapped.
// Recorder side; x86-64.
#pragma once

#include <sys/user.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "profiler/process_maps.h"

namespace flarestack {

// Reads the process's memory; false: not all of it is there.
using ReadMemory = std::function<bool(uint64_t address, void* to, size_t size_bytes)>;

struct BorrowedCode {
  uint64_t system_call = 0;  // syscall; ret
  uint64_t pop_rax = 0;      // pop %rax; ret
  // Both are (still) there.
  bool is_there(const ReadMemory& read) const;
};

// In the code of the C library, the loader or the executable first: code that stays. None: there is no such code.
std::optional<BorrowedCode> find_borrowed_code(const ProcessMaps& maps, const ReadMemory& read);

// The bytes of a stack from `start` on:
//   start                         pop_rax, 15, system_call: where a borrowed system call returns to (rt_sigreturn)
//   frame = start + 16            struct rt_sigframe, whose first word (pretcode) is that system_call; 8 modulo 16
//   behind it, on 64 bytes        the vector state, as XRSTOR and arch/x86/kernel/fpu/signal.c want it
struct ReturnFrame {
  static constexpr uint64_t kFrameBytes = 440;  // struct rt_sigframe, siginfo included
  static constexpr uint32_t kRaxAt = 152;       // in it
  static constexpr uint32_t kRipAt = 176;
  uint64_t start = 0;
  uint64_t frame = 0;
  std::vector<uint8_t> bytes;  // at `start`
  // At the system call instruction of rt_sigreturn.
  uint64_t stack_pointer_at_return() const { return frame + 8; }
  // The frame alone, for another stack; it returns to `return_address` first.
  std::vector<uint8_t> moved(uint64_t return_address) const;
};

// The registers with the system call that the thread is in, if any, to be made again from its beginning.
user_regs_struct made_again(const user_regs_struct& registers);

// What a function may expect of the vector registers.
std::vector<uint8_t> initial_vector_state(const std::vector<uint8_t>& like);

// Below the red zone of the registers' stack. A system call that the kernel would begin again is made again.
// `vector_state` as PTRACE_GETREGSET gives it. None: the vector state is not understood.
std::optional<ReturnFrame> make_return_frame(const user_regs_struct& registers,
                                             const std::vector<uint8_t>& vector_state, uint64_t signal_mask,
                                             const BorrowedCode& code);

}  // namespace flarestack
