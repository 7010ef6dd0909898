// SPDX-License-Identifier: Apache-2.0
#include "unwind/frame_cache.h"

namespace flarestack {

void FrameCache::begin_walk() {
  sp_[0] = UINT64_MAX;
  previous_count_ = count_;
  previous_elided_ = elided_ != 0;
  cursor_ = count_;
  walked_count_ = 0;
  walked_heuristic_ = false;
}

void FrameCache::forget_for_walk() {
  count_ = 0;
  elided_ = 0;
  cursor_ = 0;
  walked_count_ = 0;
  walked_heuristic_ = false;
}

uint32_t FrameCache::verify(uint32_t index, StackMemory* memory) const {
  const uint32_t barrier = details_[index].barrier;
  const uint32_t low = barrier != 0 ? barrier - 1 : 0;
  const Run run = {low, index, barrier != 0 ? details_[low].check_end : uint32_t{0}, details_[index].check_end};
  // Between barriers sp grows, and a frame's slots lie between its sp and its CFA: if the ends are in bounds, all are.
  const bool in_bounds = memory->in_bounds(sp(index)) && memory->in_bounds((barrier != 0 ? sp(low) : top_) - 8);
  return in_bounds && (barrier != 0 || zero_slot_ == 0 || memory->load_in_bounds(zero_slot_) == 0) &&
                 same_in_bounds(run, *memory)
             ? verified(index, barrier)
             : verify_each(index, barrier, memory);
}

// On the root side of elided frames a barrier cannot be stepped: such depths are not promised to be exact.
uint32_t FrameCache::verified(uint32_t index, uint32_t barrier) const {
  const bool past_gap = elided_ != 0 && index >= kRootFrames;
  return barrier == 0 || (past_gap && barrier <= kRootFrames) ? kNone : barrier - 1;
}

// Frame by frame, wherever the slots are, to the leaf-most one whose caller is not what it was.
[[gnu::noinline]] uint32_t FrameCache::verify_each(uint32_t index, uint32_t barrier, StackMemory* memory) const {
  for (uint32_t frame = index;; --frame) {
    if (frame + 1 == barrier) {
      return verified(index, barrier);
    }
    bool same = true;
    uint64_t value = 0;
    if (frame > 0) {
      same = memory->load(sp(frame - 1) - 8, &value) && value == frames_[frame - 1].bits();
    } else if (zero_slot_ != 0) {
      same = memory->load(zero_slot_, &value) && value == 0;
    }
    for (uint32_t i = frame > 0 ? details_[frame - 1].check_end : 0; i < details_[frame].check_end; ++i) {
      same = same && memory->load(checks_[i].slot, &value) && value == checks_[i].value;
    }
    if (!same) {
      return elided_ != 0 && index >= kRootFrames && frame < kRootFrames ? kStartOver : frame;
    }
    if (frame == 0) {
      return kNone;
    }
  }
}

// Eight slots per branch: the loads are independent of each other.
[[gnu::noinline]] bool FrameCache::same_in_bounds(const Run& run, const StackMemory& memory) const {
  const uint64_t* const slots = &sp_[1];
  const FrameAddress* const frames = frames_.data();
  uint32_t i = run.high;
  for (; i - run.low >= 8; i -= 8) {
    uint64_t difference = 0;
    for (uint32_t k = 1; k <= 8; ++k) {
      difference |= memory.load_in_bounds(slots[i - k] - 8) ^ frames[i - k].bits();
    }
    if (difference != 0) {
      return false;
    }
  }
  uint64_t difference = 0;
  for (; i > run.low; --i) {
    difference |= memory.load_in_bounds(slots[i - 1] - 8) ^ frames[i - 1].bits();
  }
  const Check* check = &checks_[run.check_begin];
  uint32_t left = run.check_end - run.check_begin;
  for (; left >= 4; left -= 4, check += 4) {
    for (uint32_t k = 0; k < 4; ++k) {
      difference |= memory.load_in_bounds(check[k].slot) ^ check[k].value;
    }
  }
  for (; left > 0; --left, ++check) {
    difference |= memory.load_in_bounds(check->slot) ^ check->value;
  }
  return difference == 0;
}

bool FrameCache::walk_to(uint32_t index, uint32_t stop, StackMemory* memory, WalkedFrame* frame) {
  // Cached rbp values may be stale where no frame needed them; the new callers may need this one.
  uint64_t rbp = frame->rbp;
  for (uint32_t i = index; i > stop; --i) {
    const PackedRow row = details_[i].row();
    walk_past(frames_[i], sp(i), rbp, row);
    if (row.kind() == RowKind::kFramePointer) {
      note_heuristic();
    }
    const bool at_rbp = row.kind() == RowKind::kFramePointer || row.kind() == RowKind::kCfaDeref;
    if ((at_rbp || row.rbp_offset() != 0) && !memory->load(at_rbp ? rbp : sp(i - 1) - row.rbp_offset(), &rbp)) {
      return false;
    }
  }
  *frame = {frames_[stop], sp(stop), rbp, details_[stop].row()};
  cursor_ = stop;
  return true;
}

inline void FrameCache::check(uint64_t slot, uint64_t value) { checks_[check_count_++] = {slot, value}; }

// Appends `frame`, whose caller is the last one, and notes what the step from the one to the other depended on.
[[gnu::always_inline]] inline void FrameCache::append(const WalkedFrame& frame, Caller caller) {
  const RowKind kind = frame.row.kind();
  const uint64_t rbp_offset = frame.row.rbp_offset();
  bool verifiable = caller.verifiable && caller.cfa > frame.sp;
  bool needs_rbp = caller.needs_rbp;
  if (kind == RowKind::kCfaRsp || kind == RowKind::kCfaRbp) [[likely]] {
    if (rbp_offset != 0 && caller.needs_rbp) {
      verifiable = verifiable && rbp_offset <= caller.cfa - frame.sp;
      check(caller.cfa - rbp_offset, caller.rbp);
    }
    needs_rbp = kind == RowKind::kCfaRbp || (rbp_offset == 0 && caller.needs_rbp);
  } else {
    verifiable = note_slots(frame, caller, &needs_rbp) && verifiable;
  }
  needs_rbp = needs_rbp || !verifiable;
  const uint32_t index = count_;
  uint32_t barrier = index + 1;
  bool heuristic = kind == RowKind::kFramePointer;
  if (index > 0) {
    const Detail& below = details_[index - 1];
    barrier = verifiable ? below.barrier : barrier;
    heuristic = heuristic || below.heuristic();
  } else {
    barrier = verifiable ? 0 : barrier;
  }
  kept_ += kept_ == index && index < previous_count_ && frames_[index] == frame.pc;
  frames_[index] = frame.pc;
  sp_[index + 1] = frame.sp;
  Detail& detail = details_[index];
  detail.rbp = frame.rbp;
  detail.row_and_flags = frame.row.bits() | (needs_rbp ? Detail::kNeedsRbp : 0) | (heuristic ? Detail::kHeuristic : 0);
  detail.check_end = static_cast<uint16_t>(check_count_);
  detail.barrier = static_cast<uint16_t>(barrier);
  count_ = index + 1;
}

// Appends the frames that were walked past, from number `begin` - 1 down to number `end`. `first` is the caller of the
// first one, or nullptr: it is the last cached frame.
[[gnu::noinline]] void FrameCache::append_walked(uint32_t begin, uint32_t end, const Caller* first) {
  for (uint32_t i = begin; i > end;) {
    const Detail& last = details_[count_ - (count_ != 0)];
    append(walked(--i), first != nullptr ? *first : Caller{sp_[count_], last.rbp, last.needs_rbp(), true});
    first = nullptr;
  }
}

bool FrameCache::finish(uint32_t base, const RootEnd& root) {
  const uint32_t missing = base > kRootFrames ? elided_ : 0;
  const uint32_t total = base + walked_count_ + missing;
  const bool cut = base + walked_count_ > kMaxFrames;
  if (missing != 0 && total <= kMaxFrames) {
    return false;
  }
  kept_ = base;
  if (cut) {
    elided_heuristic_ =
        walked_heuristic_ || (missing != 0 && elided_heuristic_) || (base != 0 && details_[base - 1].heuristic());
    return elide(base, total, root);
  }
  elided_ = missing;
  elided_heuristic_ = missing != 0 && elided_heuristic_;
  truncate(base);
  append_on_root(0, root);
  return true;
}

// Appends all frames walked past but the first `end` ones.
void FrameCache::append_on_root(uint32_t end, const RootEnd& root) {
  if (count_ != 0) {
    append_walked(walked_count_, end, nullptr);
    return;
  }
  // A root by its row names no slot: any CFA will do.
  const bool by_zero = root.kind == RootEnd::Kind::kByZero;
  const Caller none = {by_zero ? root.cfa : UINT64_MAX, 0, false, root.kind != RootEnd::Kind::kByFailure};
  append_walked(walked_count_, end, &none);
  top_ = by_zero ? root.cfa : sp(0);
  zero_slot_ = by_zero ? root.cfa - 8 : 0;
}

// Drops frames between the root part and the leaf part. true: for finish() to end with, off the stack.
[[gnu::noinline]] bool FrameCache::elide(uint32_t base, uint32_t total, const RootEnd& root) {
  while (walked_count_ <= kLeafFrames) {  // one more than is appended: the caller of the last
    --base;
    walk_past(frames_[base], sp(base), details_[base].rbp, details_[base].row());
  }
  truncate(base < kRootFrames ? base : kRootFrames);
  kept_ = count_;
  append_on_root(walked_count_ - (kRootFrames - count_), root);
  elided_ = total - kRootFrames - kLeafFrames;
  const WalkedFrame& caller = walked(kLeafFrames);
  const Caller unknown_below = {caller.sp, caller.rbp, true, true};
  append_walked(kLeafFrames, kLeafFrames - 1, &unknown_below);
  check(caller.sp - 8, caller.pc.bits());
  details_[count_ - 1].check_end = static_cast<uint16_t>(check_count_);
  append_walked(kLeafFrames - 1, 0, nullptr);
  return true;
}

void FrameCache::truncate(uint32_t count) {
  count_ = count;
  check_count_ = count != 0 ? details_[count - 1].check_end : 0;
}

// What the step from a frame with an unusual row to its caller depended on; false: on more than can be verified.
[[gnu::noinline]] bool FrameCache::note_slots(const WalkedFrame& frame, const Caller& caller, bool* needs_rbp) {
  const auto inside = [&](uint64_t slot) { return slot >= frame.sp && slot < caller.cfa && caller.cfa - slot >= 8; };
  switch (frame.row.kind()) {
    case RowKind::kPlt:
      return true;
    case RowKind::kCfaDeref: {
      const uint64_t cfa_slot = frame.rbp - frame.row.cfa_offset();
      check(cfa_slot, caller.cfa);
      if (caller.needs_rbp) {
        check(frame.rbp, caller.rbp);
      }
      *needs_rbp = true;
      return inside(frame.rbp) && inside(cfa_slot);
    }
    case RowKind::kFramePointer:
      check(frame.rbp, caller.rbp);
      *needs_rbp = true;
      return inside(frame.rbp) && count_ != 0;
    case RowKind::kEnd:
      *needs_rbp = false;
      return true;
    default:
      return false;
  }
}

}  // namespace flarestack
