// SPDX-License-Identifier: Apache-2.0
#include "unwind/remote_unwind.h"

#include <algorithm>

#include "unwind/byte_cursor.h"
#include "unwind/frame_pointer.h"

namespace flarestack {
namespace {

constexpr unsigned kRbp = MachineRegisters::kRbp, kRsp = MachineRegisters::kRsp, kRip = MachineRegisters::kRip;
constexpr uint64_t kMaxSearch = FramePointerStep::kMaxDistance;  // bytes above the stack pointer
constexpr uint32_t kMaxSteps = 20000;  // of one trace, search included: a bad stack may offer thousands of beginnings
constexpr uint64_t kLinkSize = 16;     // saved rbp and return address

}  // namespace

RemoteTrace RemoteUnwinder::unwind(const RemoteThreadState& thread, const ModuleSnapshot& modules) {
  modules_ = &modules;
  stack_end_ = thread.stack_address + thread.stack.size();
  const auto local = static_cast<int64_t>(reinterpret_cast<uint64_t>(thread.stack.data()) - thread.stack_address);
  memory_.begin({thread.stack_address, stack_end_}, local, nullptr);
  heuristic_ = false;
  steps_left_ = kMaxSteps;

  FrameState state;
  state.registers = thread.registers;
  state.known = thread.known;
  state.exact_pc = thread.rip_kind == AddressKind::kInstruction;
  RemoteTrace trace;
  trace.end = walk(&state, Search::kAllowed, &trace.frames);
  trace.heuristic = heuristic_;
  std::reverse(trace.frames.begin(), trace.frames.end());
  return trace;
}

// Appends the frames from `*state` on, leaf first, and leaves the last one in it.
UnwindEnd RemoteUnwinder::walk(FrameState* state, Search search, std::vector<FrameAddress>* frames) {
  while (frames->size() < kMaxFrames) {
    frames->emplace_back(RuntimeAddress{state->pc()},
                         state->exact_pc ? AddressKind::kInstruction : AddressKind::kReturnAddress);
    const FrameState callee = *state;
    UnwindEnd end = UnwindEnd::kNoCode;
    bool stepped = step(state, &end);
    if (!stepped && end == UnwindEnd::kNoCode && !state->known.has(kRbp) && search == Search::kAllowed) {
      heuristic_ = true;
      uint64_t frame_pointer = 0;
      if (find_frame_pointer(*state, &frame_pointer)) {
        state->registers.value[kRbp] = frame_pointer;
        state->known.set(kRbp, true);
        stepped = step(state, &end);
      }
    }
    if (!stepped) {
      return end;
    }
    if (search == Search::kForbidden && !may_be_return_address(*state)) {
      return UnwindEnd::kNoCode;
    }
    const bool progress = state->exact_pc || state->registers.value[kRsp] > callee.registers.value[kRsp];
    if (state->pc() == 0 || !progress) {
      end = state->pc() == 0 ? UnwindEnd::kRoot : UnwindEnd::kNoProgress;
      *state = callee;
      return end;
    }
  }
  return UnwindEnd::kLimit;
}

// Replaces `*state` by the caller's. false: the trace ends, as `*end` says.
bool RemoteUnwinder::step(FrameState* state, UnwindEnd* end) {
  if (steps_left_ == 0) {
    *end = UnwindEnd::kLimit;
    return false;
  }
  --steps_left_;
  const UnwindModule* module = modules_->find(state->lookup());
  const PackedRow row = build_row(module, state->lookup(), &stepper_);
  if (row.kind() == RowKind::kEnd) {
    *end = UnwindEnd::kRoot;
    return false;
  }
  if (row.kind() != RowKind::kFramePointer) {
    const StepStatus status = stepper_.step(*module, &memory_, state);
    *end = status == StepStatus::kRoot        ? UnwindEnd::kRoot
           : status == StepStatus::kBadMemory ? UnwindEnd::kBadMemory
                                              : UnwindEnd::kNoCode;
    return status == StepStatus::kOk;
  }
  FramePointerStep caller;
  if (!state->known.has(kRbp) || !caller.find(&memory_, state->registers.value[kRsp], state->registers.value[kRbp])) {
    const bool chain_ends = heuristic_ && state->known.has(kRbp) && state->registers.value[kRbp] == 0;
    *end = chain_ends ? UnwindEnd::kRoot : UnwindEnd::kNoCode;
    return false;
  }
  heuristic_ = true;
  state->registers.value[kRip] = caller.return_address;
  state->registers.value[kRsp] = caller.sp;
  state->registers.value[kRbp] = caller.rbp;
  state->exact_pc = false;
  return true;
}

// The slot that is most likely this frame's rbp: with it the frame's return address follows a call and the stack
// unwinds to its root, which is the frame furthest up that any such slot leads to (others start from what earlier calls
// left in this frame's locals). Of those the lowest, since the ones above skip callers; but one where the call goes to
// another function, which must then have jumped to this one, only if there is no better one.
bool RemoteUnwinder::find_frame_pointer(const FrameState& state, uint64_t* frame_pointer) {
  const UnwindModule* module = modules_->find(state.lookup());
  FrameDescription function;
  const bool has_cfi = module != nullptr && find_frame_description(*module, state.lookup(), &function);
  const uint64_t sp = state.registers.value[kRsp];
  const uint64_t last = std::min(stack_end_, sp + kMaxSearch);
  uint64_t best_root = 0;
  Call best_call = Call::kNone;
  for (uint64_t slot = (sp + 7) / 8 * 8; slot + kLinkSize <= last; slot += 8) {
    FrameState caller = state;
    caller.registers.value[kRbp] = slot;
    caller.known.set(kRbp, true);
    UnwindEnd end = UnwindEnd::kRoot;
    if (!step(&caller, &end) || caller.registers.value[kRsp] <= sp || caller.registers.value[kRsp] % 16 != 0) {
      continue;
    }
    const UnwindModule* caller_module = modules_->find(caller.lookup());
    const Call call = caller_module != nullptr
                          ? call_before(*caller_module, caller.pc(), has_cfi ? function.code_start : 0)
                          : Call::kNone;
    std::vector<FrameAddress> rest;
    if (call == Call::kNone || walk(&caller, Search::kForbidden, &rest) != UnwindEnd::kRoot) {
      continue;
    }
    const uint64_t root = caller.registers.value[kRsp];
    if (root > best_root || (root == best_root && call > best_call)) {
      best_root = root;
      best_call = call;
      *frame_pointer = slot;
    }
  }
  return best_root != 0;
}

// In a trace that started from a guess: code that a call could have left its return address of. Code outside modules is
// taken on trust, but not the stack.
bool RemoteUnwinder::may_be_return_address(const FrameState& state) {
  if (state.exact_pc || state.pc() == 0) {
    return true;
  }
  const UnwindModule* module = modules_->find(state.lookup());
  return module != nullptr ? call_before(*module, state.pc(), 0) != Call::kNone : !memory_.in_bounds(state.pc());
}

// What call instruction ends at `return_address`, if it should lead to `callee_start` (0: nobody knows).
RemoteUnwinder::Call RemoteUnwinder::call_before(const UnwindModule& module, uint64_t return_address,
                                                 uint64_t callee_start) {
  constexpr uint64_t kLongestCall = 7;
  constexpr uint8_t kCallRelative = 0xe8, kGroup5 = 0xff;
  ByteCursor code(module, return_address - kLongestCall, return_address);
  uint8_t bytes[kLongestCall] = {};
  for (uint8_t& byte : bytes) {
    byte = code.u8();
  }
  if (!code.ok()) {
    return Call::kPossible;  // the code cannot be read here
  }
  // call r/m64 (Intel SDM, volume 2, CALL: FF /2): 2, 3, 4, 6 or 7 bytes.
  for (const unsigned at : {5, 4, 3, 1, 0}) {
    if (bytes[at] == kGroup5 && (bytes[at + 1] >> 3 & 7) == 2) {
      return Call::kPossible;
    }
  }
  if (bytes[2] != kCallRelative) {
    return Call::kNone;
  }
  ByteCursor operand(module, return_address - 4, return_address);
  const uint64_t target = return_address + static_cast<uint64_t>(int64_t{operand.fixed<int32_t>()});
  return callee_start == 0 || target == callee_start ? Call::kPossible : Call::kElsewhere;
}

}  // namespace flarestack
