// SPDX-License-Identifier: Apache-2.0
// RemoteUnwinder: the stack of a thread of another process, from a copy of its stack. In the recorder, for threads that
// are asleep: of those the kernel tells only rsp and rip (/proc/PID/task/TID/syscall). Every frame goes through the
// full interpreter with every register tracked as known or not; nothing is cached. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/address.h"
#include "unwind/cfi_step.h"
#include "unwind/module_snapshot.h"
#include "unwind/packed_row.h"
#include "unwind/unwind_end.h"

namespace flarestack {

// A stopped or sleeping thread.
struct RemoteThreadState {
  MachineRegisters registers;  // rsp and rip must be known
  RegisterMask known;
  AddressKind rip_kind = AddressKind::kInstruction;
  std::span<const std::byte> stack;  // what was copied, borrowed during unwind()
  uint64_t stack_address = 0;        // runtime address of its first byte
};

struct RemoteTrace {
  std::vector<FrameAddress> frames;  // root first
  bool heuristic = false;            // a frame pointer was trusted where no CFI was, or found by search
  UnwindEnd end = UnwindEnd::kRoot;  // kBadMemory: the copied stack ended first
};

class RemoteUnwinder {
 public:
  static constexpr uint32_t kMaxFrames = 4096;

  // Where a frame needs an rbp that nothing tells, it is searched for on the stack: a value that makes the return
  // address follow a call, from where the rest of the stack unwinds to its root by return addresses that follow calls
  // too. If there is none the trace ends (kNoCode).
  RemoteTrace unwind(const RemoteThreadState& thread, const ModuleSnapshot& modules);

 private:
  enum class Search : uint8_t { kAllowed, kForbidden };

  enum class Call : uint8_t { kNone, kElsewhere, kPossible };  // before a return address

  UnwindEnd walk(FrameState* state, Search search, std::vector<FrameAddress>* frames);
  bool step(FrameState* state, UnwindEnd* end);
  bool find_frame_pointer(const FrameState& state, uint64_t* frame_pointer);
  bool may_be_return_address(const FrameState& state);
  static Call call_before(const UnwindModule& module, uint64_t return_address, uint64_t callee_start);

  const ModuleSnapshot* modules_ = nullptr;
  StackMemory memory_;
  uint64_t stack_end_ = 0;
  uint32_t steps_left_ = 0;
  bool heuristic_ = false;
  CfiStepper stepper_;
};

}  // namespace flarestack
