// SPDX-License-Identifier: Apache-2.0
// OutsideSample: a running thread of another process as it was at one moment, seen from outside: its registers and a
// copy of its stack. Made by PerfRings or SnapshotSampler, turned into a weight by OutsideProcess. Recorder side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "unwind/registers.h"

namespace flarestack {

struct OutsideSample {
  int32_t pid = 0;
  int32_t tid = 0;
  uint64_t time_monotonic_ns = 0;
  uint64_t weight_ns = 0;
  bool in_kernel = false;
  enum class Code : uint8_t { kNone, k32Bit, k64Bit };  // kNone: no user registers, as of a thread that is ending
  Code code = Code::kNone;
  MachineRegisters registers;  // user mode
  // All borrowed from whoever made the sample, until the next one.
  std::span<const std::byte> stack;        // from the stack pointer on
  std::span<const uint64_t> user_chain;    // by frame pointers, as the kernel followed them: leaf first, pc included
  std::span<const uint64_t> kernel_chain;  // leaf first; empty: not told
};

}  // namespace flarestack
