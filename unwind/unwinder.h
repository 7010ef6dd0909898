// SPDX-License-Identifier: Apache-2.0
// Unwinder: stack to program counters in the target, exactly, by verified incremental unwinding. One per thread and
// use (samples have their own), in memory that the agent maps; used by its thread alone, not re-entrant.
//
// Problem, options, choice and cost: docs/unwinding.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/address.h"
#include "unwind/module_snapshot.h"

namespace flarestack {

// Register values by their DWARF number (System V ABI, AMD64 supplement, figure 3.36): 0 rax, 1 rdx, 2 rcx, 3 rbx, 4 rsi,
// 5 rdi, 6 rbp, 7 rsp, 8-15 r8-r15, 16 the return address column, rip.
struct MachineRegisters {
  static constexpr unsigned kRbx = 3, kRbp = 6, kRsp = 7, kRip = 16, kCount = 17;
  std::array<uint64_t, kCount> value{};
};

// The part of the stack segment known to be readable when the unwinding starts. Loads outside it are probed page by page
// with process_vm_readv on ourselves (alternate stacks, coroutines); what cannot be read ends the trace.
struct StackBounds {
  uint64_t low = 0;   // usually the stack pointer
  uint64_t high = 0;  // one past the last byte; 0: nothing is known
};

// Why a trace ended, for the quality counters.
enum class UnwindEnd : uint8_t {
  kRoot,        // the outermost frame: undefined return address, or pc 0
  kNoCode,      // a return address in no module, and no frame pointer chain to follow
  kBadMemory,   // a slot could not be read
  kNoProgress,  // the CFA did not grow
  kLimit,       // more than kMaxWalk frames
};

// A stack as "keep the root-most `kept` frames of this Unwinder's previous trace, then these". Valid until the next
// call of unwind().
struct StackTrace {
  const FrameAddress* frames = nullptr;  // root first; `count` of them, of which [0, kept) are as they were
  uint32_t count = 0;
  uint32_t kept = 0;
  // Deeper than kMaxFrames: frames[0, kRootFrames) are the root-most frames, then `elided` frames are missing, then the
  // leaf-most ones. 0: nothing is missing.
  uint32_t elided = 0;
  bool heuristic = false;  // a frame pointer was trusted where no CFI was
  UnwindEnd end = UnwindEnd::kRoot;
};

class Unwinder {
 public:
  static constexpr uint32_t kMaxFrames = 4096;    // exact up to here
  static constexpr uint32_t kRootFrames = 1024;   // of the kMaxFrames kept of a deeper stack, root side
  static constexpr uint32_t kMaxWalk = 1u << 20;  // frames walked before a trace is given up

  // Bytes that create() needs: zeroed, page aligned, touched only as deep as stacks get. [signal]
  static size_t memory_bytes();
  // Makes an Unwinder in `memory`, which is borrowed for its whole life. [signal]
  static Unwinder* create(void* memory);

  // Unwinds from `registers`, whose rip is an exact instruction (a signal's ucontext) or a return address, as `rip_kind`
  // says. Uses at most 512 bytes of stack. [signal]
  StackTrace unwind(const MachineRegisters& registers, AddressKind rip_kind, const ModuleSnapshot& modules,
                    StackBounds bounds);

  // Forgets the previous trace: the next one has kept == 0. [signal]
  void reset();
};

}  // namespace flarestack
