// SPDX-License-Identifier: Apache-2.0
#include "unwind/unwinder.h"

#include <new>

#include "unwind/frame_pointer.h"

namespace flarestack {
namespace {

constexpr unsigned kRbp = MachineRegisters::kRbp, kRsp = MachineRegisters::kRsp, kRip = MachineRegisters::kRip;

// A trace may lead down in memory, where a stack was switched by hand; so often, and it is a loop.
constexpr uint32_t kMaxStackSwitches = 16;

}  // namespace

size_t Unwinder::memory_bytes() { return (sizeof(Unwinder) + 4095) / 4096 * 4096; }

// Zeroed memory is an Unwinder that has seen nothing (generation 0 is never used); touching no page of it matters.
Unwinder* Unwinder::create(void* memory) { return std::launder(static_cast<Unwinder*>(memory)); }

void Unwinder::reset() { cache_.clear(); }

StackTrace Unwinder::unwind(const MachineRegisters& registers, AddressKind rip_kind, const ModuleSnapshot& modules,
                            const StackBounds& bounds, RegisterMask known) {
  if (modules.generation != generation_) {
    if (own_rows_used_) {
      own_rows_.clear();
      own_rows_used_ = false;
    }
    cache_.clear();
    generation_ = modules.generation;
  }
  modules_ = &modules;
  own_rows_used_ = own_rows_used_ || modules.rows == nullptr;
  rows_ = modules.rows != nullptr ? modules.rows : &own_rows_;
  start_ = &registers;
  start_known_ = known;
  memory_.begin(bounds, 0, &window_);
  cache_.begin_walk();
  interpreted_ = 0;
  for (;;) {
    base_ = 0;
    stack_switches_ = 0;
    frame_walked_ = UINT32_MAX;
    state_ = {{{registers.value[kRip]}, rip_kind}, registers.value[kRsp], registers.value[kRbp], {}};
    Step step = walk();
    while (step == Step::kRare || step == Step::kChanged) {
      step = step == Step::kRare ? step_rare() : step_unchanged();
      step = step == Step::kCaller ? walk() : step;
    }
    if (step == Step::kEnd && cache_.finish(base_, root_)) {
      break;
    }
    if (step == Step::kAllRegisters && interpreted_ == 0) {
      // Up to the frame that needs them: what is on its root side is followed and remembered as ever. A deep stack
      // would cost more than the time between two samples.
      interpreted_ = cache_.walked_count();
      cache_.begin_walk();
      continue;
    }
    if (step == Step::kAllRegisters) {
      interpreted_ = UINT32_MAX;  // a second such frame: no more walks
    }
    cache_.forget_for_walk();
  }
  StackTrace trace;
  trace.frames = cache_.frames();
  trace.count = cache_.count();
  trace.kept = cache_.kept();
  trace.elided = cache_.elided();
  trace.heuristic = cache_.heuristic();
  trace.end = end_;
  return trace;
}

// From state_ towards the root as long as rows are usual ones and known: kRare stops at one that is not. kEnd: the
// root, or a cached frame from which nothing changed. kChanged: a cached frame, on whose root side frame `changed_`
// has.
[[gnu::noinline]] Unwinder::Step Unwinder::walk() {
  if (cache_.walked_count() < interpreted_) [[unlikely]] {
    return Step::kRare;
  }
  FrameAddress pc = state_.pc;
  uint64_t sp = state_.sp;
  uint64_t rbp = state_.rbp;
  const StackMemory memory = memory_;  // a copy, which no store to the cache can change: it stays in registers
  const RowCache* const rows = rows_;
  for (;;) {
    const uint32_t index = cache_.find(pc, sp, rbp);
    if (index != FrameCache::kNone) {
      base_ = index + 1;
      changed_ = cache_.verify(index, &memory_);
      state_ = {pc, sp, rbp, {}};
      return changed_ == FrameCache::kNone ? Step::kEnd : Step::kChanged;
    }
    const PackedRow row = rows->find(pc.lookup().value);
    const bool usual = row.kind() == RowKind::kCfaRsp || row.kind() == RowKind::kCfaRbp;
    const uint64_t cfa = (row.kind() == RowKind::kCfaRsp ? sp : rbp) + row.cfa_offset();
    const uint64_t rbp_slot = cfa - row.rbp_offset();
    if (!usual || cfa <= sp || cache_.walked_count() >= kMaxWalk || !memory.in_bounds(cfa - 8) ||
        (row.rbp_offset() != 0 && !memory.in_bounds(rbp_slot))) [[unlikely]] {
      state_ = {pc, sp, rbp, row};
      return Step::kRare;
    }
    cache_.walk_past(pc, sp, rbp, row);
    const uint64_t return_address = memory.load_in_bounds(cfa - 8);
    if (row.rbp_offset() != 0) {
      rbp = memory.load_in_bounds(rbp_slot);
    }
    if (return_address == 0) [[unlikely]] {
      return end_at_zero(cfa);
    }
    pc = FrameAddress({return_address}, AddressKind::kReturnAddress);
    sp = cfa;
    // In general registers: GCC's vectorizer would store both at once and keep them in a vector register for it, with a
    // transfer on the critical path of each frame.
    asm("" : "+r"(sp), "+r"(rbp));
  }
}

// From a cached frame to the one whose caller changed. kStartOver: walk again without the cache.
[[gnu::noinline]] Unwinder::Step Unwinder::step_unchanged() {
  const uint32_t index = base_ - 1;
  base_ = 0;
  const bool good = changed_ != FrameCache::kStartOver && cache_.walk_to(index, changed_, &memory_, &state_);
  return good ? Step::kCaller : Step::kStartOver;
}

// Steps over one frame of any kind: replaces state_ by the caller's. Called from unwind(), not from walk(), whose frame
// would be in the way of the interpreter's.
[[gnu::noinline]] Unwinder::Step Unwinder::step_rare() {
  if (cache_.walked_count() >= kMaxWalk) {
    return end_with(UnwindEnd::kLimit);
  }
  if (state_.row.kind() == RowKind::kEmpty) {
    state_.row = build_row(modules_->find(state_.pc.lookup().value), state_.pc.lookup().value, &stepper_);
    rows_->insert(state_.pc.lookup().value, state_.row);
  }
  const bool interpreted = cache_.walked_count() < interpreted_;
  cache_.walk_past(state_.pc, state_.sp, state_.rbp, state_.row);
  if (state_.row.kind() == RowKind::kFramePointer) {
    return step_frame_pointer();
  }
  if (state_.row.kind() == RowKind::kEnd) {
    root_ = {RootEnd::Kind::kByRow, 0};
    end_ = UnwindEnd::kRoot;
    return Step::kEnd;
  }
  if (state_.row.kind() == RowKind::kSlow || interpreted) {
    return step_interpreted();
  }
  return step_packed();
}

Unwinder::Step Unwinder::step_packed() {
  uint64_t cfa = 0;
  uint64_t rbp = state_.rbp;
  bool good = true;
  if (state_.row.kind() == RowKind::kPlt) {
    cfa = state_.sp + 8 + (state_.pc.address().value % 16 >= state_.row.cfa_offset() / 8 ? 8 : 0);
  } else if (state_.row.kind() == RowKind::kCfaDeref) {
    good = memory_.load(state_.rbp - state_.row.cfa_offset(), &cfa) && memory_.load(state_.rbp, &rbp);
  } else {
    cfa = (state_.row.kind() == RowKind::kCfaRsp ? state_.sp : state_.rbp) + state_.row.cfa_offset();
    good = state_.row.rbp_offset() == 0 || memory_.load(cfa - state_.row.rbp_offset(), &rbp);
  }
  return good ? step_to(cfa, rbp) : end_with(UnwindEnd::kBadMemory);
}

// To the caller whose return address is at cfa - 8.
Unwinder::Step Unwinder::step_to(uint64_t cfa, uint64_t rbp) {
  uint64_t return_address = 0;
  if (!memory_.load(cfa - 8, &return_address)) {
    return end_with(UnwindEnd::kBadMemory);
  }
  if (cfa == state_.sp || (cfa < state_.sp && ++stack_switches_ > kMaxStackSwitches)) {
    return end_with(UnwindEnd::kNoProgress);
  }
  if (return_address == 0) {
    return end_at_zero(cfa);
  }
  state_ = {{{return_address}, AddressKind::kReturnAddress}, cfa, rbp, {}};
  return Step::kCaller;
}

Unwinder::Step Unwinder::step_frame_pointer() {
  FramePointerStep caller;
  if (!caller.find(&memory_, state_.sp, state_.rbp)) {
    // A chain of frame pointers ends in zero (System V ABI, AMD64 supplement, 3.4.1), as that of a goroutine does.
    return end_with(state_.rbp == 0 && cache_.walked_heuristic() ? UnwindEnd::kRoot : UnwindEnd::kNoCode);
  }
  cache_.note_heuristic();
  if (cache_.walked_count() <= interpreted_) {
    frame_.exact_pc = false;  // the other registers are believed to be as they are
    frame_walked_ = cache_.walked_count();
  }
  return step_to(caller.sp, caller.rbp);
}

Unwinder::Step Unwinder::step_interpreted() {
  const UnwindModule* module = modules_->find(state_.pc.lookup().value);
  if (module == nullptr) {
    return end_with(UnwindEnd::kNoCode);
  }
  const uint32_t steps = cache_.walked_count() - 1;
  if (steps == 0) {
    frame_.registers = *start_;
    frame_.known = start_known_;
  } else if (frame_walked_ != steps) {
    frame_.known = kCallRegisters;  // what is followed of every frame
  }
  frame_.registers.value[kRip] = state_.pc.address().value;
  frame_.registers.value[kRsp] = state_.sp;
  frame_.registers.value[kRbp] = state_.rbp;
  frame_.exact_pc = state_.pc.kind() == AddressKind::kInstruction;
  const StepStatus status = stepper_.step(*module, &memory_, &frame_);
  const bool lost = status == StepStatus::kNeedsRegister || (status == StepStatus::kOk && !frame_.known.has(kRbp));
  if (lost && steps >= interpreted_) {
    return Step::kAllRegisters;
  }
  if (status != StepStatus::kOk) {
    return end_with_failure(status);
  }
  frame_walked_ = steps + 1;
  if (!frame_.known.has(kRbp) && interpreted_ < steps + 2) {
    interpreted_ = steps + 2;  // what the caller can do without it, only the interpreter knows
  }
  const uint64_t sp = frame_.registers.value[kRsp];
  if (sp == state_.sp && !frame_.exact_pc) {
    return end_with(UnwindEnd::kNoProgress);
  }
  if (sp <= state_.sp && ++stack_switches_ > kMaxStackSwitches) {
    return end_with(UnwindEnd::kNoProgress);
  }
  if (frame_.pc() == 0) {
    return end_with(UnwindEnd::kRoot);
  }
  state_ = {{{frame_.pc()}, frame_.exact_pc ? AddressKind::kInstruction : AddressKind::kReturnAddress},
            sp,
            frame_.known.has(kRbp) ? frame_.registers.value[kRbp] : 0,
            {}};
  return Step::kCaller;
}

Unwinder::Step Unwinder::end_with_failure(StepStatus status) {
  switch (status) {
    case StepStatus::kRoot:
      return end_with(UnwindEnd::kRoot);
    case StepStatus::kBadMemory:
      return end_with(UnwindEnd::kBadMemory);
    default:
      return end_with(UnwindEnd::kNoCode);
  }
}

Unwinder::Step Unwinder::end_at_zero(uint64_t cfa) {
  root_ = {RootEnd::Kind::kByZero, cfa};
  end_ = UnwindEnd::kRoot;
  return Step::kEnd;
}

Unwinder::Step Unwinder::end_with(UnwindEnd end) {
  root_ = {RootEnd::Kind::kByFailure, 0};
  end_ = end;
  return Step::kEnd;
}

}  // namespace flarestack
