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
#include "unwind/frame_cache.h"
#include "unwind/module_snapshot.h"
#include "unwind/packed_row.h"
#include "unwind/registers.h"
#include "unwind/stack_memory.h"
#include "unwind/unwind_end.h"

namespace flarestack {

// A stack as "keep the root-most `kept` frames of this Unwinder's previous trace, then these". Valid until the next
// call of unwind().
struct StackTrace {
  const FrameAddress* frames = nullptr;  // root first; `count` of them, of which [0, kept) are as they were
  uint32_t count = 0;
  uint32_t kept = 0;
  // Deeper than kMaxFrames: frames[0, kRootFrames) are the root-most frames, then `elided` frames are missing, then the
  // leaf-most ones. 0: nothing is missing. Where a gap comes or goes, `kept` does not reach beyond it.
  uint32_t elided = 0;
  bool heuristic = false;  // a frame pointer was trusted where no CFI was
  UnwindEnd end = UnwindEnd::kRoot;
};

class Unwinder {
 public:
  static constexpr uint32_t kMaxFrames = FrameCache::kMaxFrames;  // exact up to here
  static constexpr uint32_t kRootFrames =
      FrameCache::kRootFrames;                    // of the kMaxFrames kept of a deeper stack, root side
  static constexpr uint32_t kMaxWalk = 1u << 20;  // frames walked before a trace is given up

  // Bytes that create() needs: zeroed, page aligned, touched only as deep as stacks get. [signal]
  static size_t memory_bytes();
  // Makes an Unwinder in `memory`, which is borrowed for its whole life. [signal]
  static Unwinder* create(void* memory);

  // What is known of the registers of a function's caller where nobody saved them at the call.
  static constexpr RegisterMask kCallRegisters = {1u << MachineRegisters::kRsp | 1u << MachineRegisters::kRbp |
                                                  1u << MachineRegisters::kRip};

  // Unwinds from `registers`, whose rip is an exact instruction (a signal's ucontext) or a return address, as
  // `rip_kind` says; of the others, `known` are valid. Uses at most 512 bytes of stack. [signal]
  StackTrace unwind(const MachineRegisters& registers, AddressKind rip_kind, const ModuleSnapshot& modules,
                    const StackBounds& bounds, RegisterMask known = RegisterMask::all());

  // Forgets the previous trace: the next one has kept == 0. [signal]
  void reset();

 private:
  enum class Step : uint8_t { kCaller, kRare, kChanged, kEnd, kStartOver, kAllRegisters };

  Step walk();
  Step step_unchanged();
  Step step_rare();
  Step step_packed();
  Step step_frame_pointer();
  Step step_interpreted();
  Step step_to(uint64_t cfa, uint64_t rbp);
  Step end_at_zero(uint64_t cfa);
  Step end_with(UnwindEnd end);
  Step end_with_failure(StepStatus status);

  uint64_t generation_;
  const ModuleSnapshot* modules_;
  const MachineRegisters* start_;
  RegisterMask start_known_;
  RowCache* rows_;  // the snapshot's, or own_rows_
  bool own_rows_used_;
  StackMemory memory_;

  WalkedFrame state_;  // the frame being stepped, for the rare steps
  RootEnd root_;
  UnwindEnd end_;
  // So many leaf-most frames go through the interpreter, since an odd row behind them needs a register that is not
  // followed otherwise.
  uint32_t interpreted_;
  uint32_t base_;     // cached frames that are part of the trace
  uint32_t changed_;  // what FrameCache::verify() said
  uint32_t stack_switches_;
  uint32_t frame_walked_;  // frame_ is the frame that this many steps lead to
  FrameState frame_;       // for the interpreter

  FrameCache cache_;
  RowCache own_rows_;
  CfiStepper stepper_;
  FetchWindow window_;
};

}  // namespace flarestack
