// SPDX-License-Identifier: Apache-2.0
#include "unwind/frame_cache.h"

namespace flarestack {

void FrameCache::begin_walk() {
  sp_[0] = UINT64_MAX;
  previous_count_ = count_;
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
  const uint32_t first_check = barrier != 0 ? details_[barrier - 1].check_end : 0;
  const uint32_t low = barrier != 0 ? barrier - 1 : 0;
  const bool past_gap = elided_ != 0 && index >= kRootFrames;
  if (same_callers(low, index, memory) && same_checks(first_check, details_[index].check_end, memory)) [[likely]] {
    // On the root side of elided frames a barrier cannot be stepped: such depths are not promised to be exact.
    return barrier == 0 || (past_gap && barrier <= kRootFrames) ? kNone : barrier - 1;
  }
  uint32_t frame = index;
  while (frame > low && same_callers(frame - 1, frame, memory) &&
         same_checks(details_[frame - 1].check_end, details_[frame].check_end, memory)) {
    --frame;
  }
  return past_gap && frame < kRootFrames ? kStartOver : frame;
}

// Whether frames_[low, high) stand where they were read from.
bool FrameCache::same_callers(uint32_t low, uint32_t high, StackMemory* memory) const {
  if (low >= high) {
    return true;
  }
  const uint64_t* sp = &sp_[1];
  if (!memory->in_bounds(sp[high - 1] - 8) || !memory->in_bounds(sp[low] - 8)) {
    for (uint32_t i = high; i-- > low;) {
      uint64_t value = 0;
      if (!memory->load(sp[i] - 8, &value) || value != frames_[i].bits()) {
        return false;
      }
    }
    return true;
  }
  // Between barriers sp grows, so all slots are in bounds. Eight per branch: the loads are independent.
  uint32_t i = high;
  for (; i - low >= 8; i -= 8) {
    uint64_t difference = 0;
    for (uint32_t k = 1; k <= 8; ++k) {
      difference |= memory->load_in_bounds(sp[i - k] - 8) ^ frames_[i - k].bits();
    }
    if (difference != 0) {
      return false;
    }
  }
  uint64_t difference = 0;
  for (; i > low; --i) {
    difference |= memory->load_in_bounds(sp[i - 1] - 8) ^ frames_[i - 1].bits();
  }
  return difference == 0;
}

bool FrameCache::same_checks(uint32_t begin, uint32_t end, StackMemory* memory) const {
  uint64_t difference = 0;
  for (uint32_t i = begin; i < end; ++i) {
    uint64_t value = 0;
    if (!memory->load(checks_[i].slot, &value)) {
      return false;
    }
    difference |= value ^ checks_[i].value;
  }
  return difference == 0;
}

bool FrameCache::walk_to(uint32_t index, uint32_t stop, StackMemory* memory, WalkedFrame* frame) {
  // Cached rbp values may be stale where no frame needed them; the new callers may need this one.
  uint64_t rbp = frame->rbp;
  for (uint32_t i = index; i > stop; --i) {
    const PackedRow row = details_[i].row();
    walk_past({frames_[i], sp(i), rbp, row});
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

bool FrameCache::finish(uint32_t base, const RootEnd& root) {
  const uint32_t missing = base > kRootFrames ? elided_ : 0;
  const uint32_t total = base + walked_count_ + missing;
  const bool cut = base + walked_count_ > kMaxFrames;
  if (missing != 0 && total <= kMaxFrames) {
    return false;
  }
  kept_ = base;
  if (cut) {
    elided_heuristic_ = walked_heuristic_ || (missing != 0 && elided_heuristic_) ||
                        (base != 0 && details_[base - 1].heuristic());
    elide(base, total, root);
    return true;
  }
  elided_ = missing;
  elided_heuristic_ = missing != 0 && elided_heuristic_;
  truncate(base);
  for (uint32_t i = walked_count_; i-- > 0;) {
    append_walked(i, root);
  }
  return true;
}

[[gnu::noinline]] void FrameCache::elide(uint32_t base, uint32_t total, const RootEnd& root) {
  while (walked_count_ <= kLeafFrames) {  // one more than is appended: the caller of the last
    --base;
    walk_past({frames_[base], sp(base), details_[base].rbp, details_[base].row()});
  }
  truncate(base < kRootFrames ? base : kRootFrames);
  kept_ = count_;
  for (uint32_t i = walked_count_ - 1; count_ < kRootFrames; --i) {
    append_walked(i, root);
  }
  elided_ = total - kRootFrames - kLeafFrames;
  const WalkedFrame& caller = walked(kLeafFrames);
  append(walked(kLeafFrames - 1), {caller.sp, caller.rbp, true, true});
  check(caller.sp - 8, caller.pc.bits());
  details_[count_ - 1].check_end = static_cast<uint16_t>(check_count_);
  for (uint32_t i = kLeafFrames - 1; i-- > 0;) {
    append_walked(i, root);
  }
}

void FrameCache::truncate(uint32_t count) {
  count_ = count;
  check_count_ = count != 0 ? details_[count - 1].check_end : 0;
}

void FrameCache::append_walked(uint32_t index, const RootEnd& root) {
  if (count_ > 0) {
    const Detail& caller = details_[count_ - 1];
    append(walked(index), {sp(count_ - 1), caller.rbp, caller.needs_rbp(), true});
    return;
  }
  const WalkedFrame& frame = walked(index);
  const bool by_row = root.kind == RootEnd::Kind::kByRow;
  append(frame, {by_row ? frame.sp + 8 : root.cfa, 0, false, root.kind != RootEnd::Kind::kByFailure});
  if (root.kind == RootEnd::Kind::kByZero) {
    check(root.cfa - 8, 0);
    details_[0].check_end = static_cast<uint16_t>(check_count_);
  }
}

void FrameCache::check(uint64_t slot, uint64_t value) { checks_[check_count_++] = {slot, value}; }

// Notes what the step from `frame` to its caller depended on.
void FrameCache::append(const WalkedFrame& frame, const Caller& caller) {
  const auto inside = [&](uint64_t slot) { return slot - frame.sp < caller.cfa - frame.sp; };
  const uint64_t rbp_offset = frame.row.rbp_offset();
  bool verifiable = caller.verifiable && caller.cfa > frame.sp;
  bool needs_rbp = true;
  bool heuristic = false;
  switch (frame.row.kind()) {
    case RowKind::kCfaRsp:
    case RowKind::kCfaRbp:
      needs_rbp = frame.row.kind() == RowKind::kCfaRbp || (rbp_offset == 0 && caller.needs_rbp);
      if (rbp_offset != 0 && caller.needs_rbp) {
        verifiable = verifiable && inside(caller.cfa - rbp_offset);
        check(caller.cfa - rbp_offset, caller.rbp);
      }
      break;
    case RowKind::kPlt:
      needs_rbp = caller.needs_rbp;
      break;
    case RowKind::kCfaDeref:
      verifiable = verifiable && inside(frame.rbp) && inside(frame.rbp - frame.row.cfa_offset());
      check(frame.rbp - frame.row.cfa_offset(), caller.cfa);
      if (caller.needs_rbp) {
        check(frame.rbp, caller.rbp);
      }
      break;
    case RowKind::kFramePointer:
      heuristic = true;
      verifiable = verifiable && inside(frame.rbp) && count_ != 0;
      check(frame.rbp, caller.rbp);
      break;
    case RowKind::kEnd:
      needs_rbp = false;
      break;
    case RowKind::kEmpty:
    case RowKind::kSlow:
      verifiable = false;
      break;
  }
  needs_rbp = needs_rbp || !verifiable;
  uint32_t barrier = verifiable ? 0 : count_ + 1;
  if (count_ > 0) {
    const Detail& below = details_[count_ - 1];
    barrier = verifiable ? below.barrier : barrier;
    heuristic = heuristic || below.heuristic();
  }
  if (kept_ == count_ && count_ < previous_count_ && frames_[count_] == frame.pc) {
    ++kept_;
  }
  frames_[count_] = frame.pc;
  sp_[count_ + 1] = frame.sp;
  details_[count_] = {frame.rbp,
                      frame.row.bits() | (needs_rbp ? Detail::kNeedsRbp : 0) | (heuristic ? Detail::kHeuristic : 0),
                      static_cast<uint16_t>(check_count_), static_cast<uint16_t>(barrier)};
  ++count_;
}

}  // namespace flarestack
