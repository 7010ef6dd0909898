// SPDX-License-Identifier: Apache-2.0
// FrameCache: the previous stack of an Unwinder and what each of its frames was read from, so that the next one need
// not be walked again where nothing changed. In the target; part of an Unwinder.
//
// A frame's caller is a function of the frame's state (pc, sp, rbp), the CFI row of its pc, which is constant, and the
// stack slots the row names. So if a state equals a cached one and every slot from there to the root holds what it
// held, the rest of the stack is what it was, whatever happened in between. The slots are independent loads, about 1 ns
// each, where a walk is a chain of dependent ones, about 9 ns a frame.
//
//   index          0 (root)     1            ...   count-1 (leaf)
//   frames_        main         f                  the pc each frame is at
//   sp_            its sp       its sp             = the CFA of the next frame; so sp_[i] - 8 is the slot that
//   details_       rbp, row     rbp, row            frames_[i] was read from
//   checks_        the other slots: saved rbp where a frame on the root side needs it, and such
//
// A frame whose caller depends on anything else (an odd row, a signal frame, a jump to another stack, a stack that
// ended in failure) is a barrier: verification stops at it and it is stepped again.
#pragma once

#include <array>
#include <cstdint>

#include "base/address.h"
#include "unwind/packed_row.h"
#include "unwind/stack_memory.h"

namespace flarestack {

// A frame as the walk meets it. What its caller depends on, besides memory and, for odd rows, other registers.
struct WalkedFrame {
  FrameAddress pc;
  uint64_t sp = 0;
  uint64_t rbp = 0;
  PackedRow row;
};
static_assert(sizeof(WalkedFrame) == 32);

// How a walk that reached the root ended there.
struct RootEnd {
  enum class Kind : uint8_t {
    kByRow,      // by the CFI row: a constant
    kByZero,     // by a return address of 0 at cfa - 8
    kByFailure,  // otherwise: to be tried again each time
  };
  Kind kind = Kind::kByFailure;
  uint64_t cfa = 0;
};

class FrameCache {
 public:
  static constexpr uint32_t kMaxFrames = 4096;
  static constexpr uint32_t kRootFrames = 1024;
  // A stack that outgrows kMaxFrames is cut to this many leaf frames, so that the next thousand calls only append.
  static constexpr uint32_t kLeafFrames = 2048;
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kStartOver = UINT32_MAX - 1;

  // Forgets the frames. [signal]
  void clear() { count_ = previous_count_ = elided_ = 0; }

  // The walk, leaf to root: begin, then for each frame find() (and, if it finds one, verify()) or walk_past().

  void begin_walk();       // [signal]
  void forget_for_walk();  // begins again, with nothing to find; kept() still refers to the previous trace. [signal]

  // The cached frame in this state, or kNone. `sp` grows from call to call. [signal]
  uint32_t find(FrameAddress pc, uint64_t sp, uint64_t rbp) {
    uint32_t cursor = cursor_;
    while (sp_[cursor] < sp) {
      --cursor;
    }
    cursor_ = cursor;
    if (sp_[cursor] != sp || cursor == 0 || frames_[cursor - 1] != pc) {
      return kNone;
    }
    const Detail& detail = details_[cursor - 1];
    return !detail.needs_rbp() || detail.rbp == rbp ? cursor - 1 : kNone;
  }

  // Compares every slot that the frames from `index` to the root were read from. kNone: all are as they were.
  // kStartOver: they are not, below elided frames. Otherwise the leaf-most frame whose caller must be found anew.
  // [signal]
  uint32_t verify(uint32_t index, StackMemory* memory) const;

  // Walks past the frames [index, stop), leaf-most first, as cached, and moves to the state of `stop`, the frame that
  // verify() gave; `frame->rbp` holds the rbp of `index` before. false: a slot could not be read. [signal]
  bool walk_to(uint32_t index, uint32_t stop, StackMemory* memory, WalkedFrame* frame);

  void walk_past(FrameAddress pc, uint64_t sp, uint64_t rbp, PackedRow row) {
    // Field by field: GCC builds the whole on the stack and copies it by loads that cannot be forwarded, 20 ns a frame.
    WalkedFrame& frame = walked(walked_count_);
    frame.pc = pc;
    frame.sp = sp;
    frame.rbp = rbp;
    frame.row = row;
    ++walked_count_;
  }
  void note_heuristic() { walked_heuristic_ = true; }
  bool walked_heuristic() const { return walked_heuristic_; }
  uint32_t walked_count() const { return walked_count_; }

  // The trace: the cached frames [0, base), then those walked past. `root` counts if base is 0. false: the stack shrank
  // to a size at which nothing may be missing, but some is: walk again without the cache. [signal]
  bool finish(uint32_t base, const RootEnd& root);

  const FrameAddress* frames() const { return frames_.data(); }
  uint32_t count() const { return count_; }
  // Root-most frames whose pc is what it was in the previous trace. Elided frames are part of a stack: those on the
  // leaf side of a gap that came or went are others, whatever their pc, which in a recursion is the same.
  uint32_t kept() const { return previous_elided_ == (elided_ != 0) || kept_ < kRootFrames ? kept_ : kRootFrames; }
  uint32_t elided() const { return elided_; }
  bool heuristic() const { return elided_heuristic_ || (count_ > 0 && details_[count_ - 1].heuristic()); }

 private:
  // A slot other than a return address's own, and what it held.
  struct Check {
    uint64_t slot;
    uint64_t value;
  };
  struct Detail {
    static constexpr uint32_t kNeedsRbp = 1u << 30, kHeuristic = 1u << 31;
    uint64_t rbp;  // what it was when this frame was walked: current only if needs_rbp()
    uint32_t row_and_flags;
    uint16_t check_end;  // checks_[0, check_end) belong to this frame and those on its root side
    uint16_t barrier;    // 1 + the nearest barrier, itself or on its root side; 0: none
    PackedRow row() const { return PackedRow::from_bits(row_and_flags); }
    bool needs_rbp() const { return (row_and_flags & kNeedsRbp) != 0; }  // here or further to the root, before a reload
    bool heuristic() const { return (row_and_flags & kHeuristic) != 0; }  // this frame, or one on its root side
  };
  static_assert(sizeof(Detail) == 16);
  // What append() must know of a frame's caller.
  struct Caller {
    uint64_t cfa = 0;
    uint64_t rbp = 0;
    bool needs_rbp = false;
    bool verifiable = true;
  };
  static constexpr uint32_t kWalkedLeaf = kMaxFrames - kRootFrames;

  // The walk may be longer than kMaxFrames: its leaf-most kWalkedLeaf frames and its last kRootFrames are kept.
  WalkedFrame& walked(uint32_t index) {
    return walked_[index < kWalkedLeaf ? index : kWalkedLeaf + (index - kWalkedLeaf) % kRootFrames];
  }
  uint64_t sp(uint32_t index) const { return sp_[index + 1]; }
  // A run of frames without a barrier among them, and the checks that belong to their callers.
  struct Run {
    uint32_t low;  // frames_[low, high) stand in the slots below the frames above them
    uint32_t high;
    uint32_t check_begin;
    uint32_t check_end;
  };
  bool same_in_bounds(const Run& run, const StackMemory& memory) const;
  uint32_t verify_each(uint32_t index, uint32_t barrier, StackMemory* memory) const;
  uint32_t verified(uint32_t index, uint32_t barrier) const;
  void truncate(uint32_t count);
  void append_on_root(uint32_t end, const RootEnd& root);
  void append_walked(uint32_t begin, uint32_t end, const Caller* first);
  void append(const WalkedFrame& frame, Caller caller);
  bool note_slots(const WalkedFrame& frame, const Caller& caller, bool* needs_rbp);
  void check(uint64_t slot, uint64_t value);
  bool elide(uint32_t base, uint32_t total, const RootEnd& root);

  uint32_t count_;
  uint32_t previous_count_;
  uint32_t elided_;
  uint32_t kept_;  // without regard to a gap
  uint32_t check_count_;
  uint32_t cursor_;  // 1 + the index of the leaf-most frame that find() may still find
  uint32_t walked_count_;
  uint64_t top_;        // no slot of a run that ends at the root is above
  uint64_t zero_slot_;  // the return address of the root, if it is a 0; else 0
  bool walked_heuristic_;
  bool elided_heuristic_;
  bool previous_elided_;
  std::array<FrameAddress, kMaxFrames> frames_;
  std::array<uint64_t, kMaxFrames + 1> sp_;  // one off: sp_[0] ends the search of find()
  std::array<Detail, kMaxFrames> details_;
  std::array<Check, 2 * kMaxFrames + 2> checks_;
  std::array<WalkedFrame, kMaxFrames> walked_;
};

}  // namespace flarestack
