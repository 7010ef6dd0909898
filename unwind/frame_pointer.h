// SPDX-License-Identifier: Apache-2.0
// The step for code without CFI, from a JIT compiler or an assembler: it is believed to keep a frame pointer if rbp
// looks like one. A heuristic; traces that use it are marked. Both sides.
#pragma once

#include <cstdint>

#include "unwind/stack_memory.h"

namespace flarestack {

struct FramePointerStep {
  // Further from the stack pointer than this, rbp is taken for a chance value, as libunwind does (x86_64/Gstep.c).
  static constexpr uint64_t kMaxDistance = 0x4000;
  static constexpr uint64_t kFirstCodeAddress = 4096;

  uint64_t return_address = 0;
  uint64_t sp = 0;
  uint64_t rbp = 0;

  // The caller of a frame at `sp` and `frame_pointer`; false: it does not look like one. That the new rbp is above the
  // old one is not asked: the caller may have CFI and use rbp as it likes. If it has none, the next step asks. [signal]
  bool find(StackMemory* memory, uint64_t current_sp, uint64_t frame_pointer) {
    sp = frame_pointer + 16;
    return frame_pointer % 8 == 0 && frame_pointer - current_sp <= kMaxDistance && memory->load(frame_pointer, &rbp) &&
           memory->load(frame_pointer + 8, &return_address) &&
           (return_address == 0 || return_address >= kFirstCodeAddress);
  }
};

}  // namespace flarestack
