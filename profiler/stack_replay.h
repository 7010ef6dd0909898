// SPDX-License-Identifier: Apache-2.0
// StackReplay: the previous stack of one ring, from which the next one is told as a difference. Recorder side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "profiler/frame_resolver.h"
#include "unwind/unwinder.h"

namespace flarestack {

class StackReplay {
 public:
  // The root-most `kept` frames stay, and `added` will come; false: that makes no sense, and the stack is empty.
  bool keep(size_t kept, size_t added) {
    if (kept > frames_.size() || kept + added > Unwinder::kMaxFrames) {
      clear();
      return false;
    }
    frames_.resize(kept);
    nodes_.resize(kept);
    return true;
  }
  // Of a stack with `elided` frames the gap is behind its root part.
  void push(FrameResolver& resolver, uint64_t frame_bits, uint32_t generation, bool elided) {
    StackId parent = leaf();
    if (elided && frames_.size() == Unwinder::kRootFrames) {
      parent = resolver.elided_child(parent);
    }
    nodes_.push_back(resolver.child(parent, frame_bits, generation));
    frames_.push_back(frame_bits);
  }
  // Code may have changed since the frames that stay were met, even below the same program counters: they are met
  // again.
  void follow_time(FrameResolver& resolver, uint32_t generation, bool elided) {
    if (std::exchange(epoch_, resolver.epoch()) == resolver.epoch()) {
      return;
    }
    const std::vector<uint64_t> frames = std::exchange(frames_, {});
    nodes_.clear();
    for (const uint64_t frame_bits : frames) {
      push(resolver, frame_bits, generation, elided);
    }
  }
  void clear() {
    frames_.clear();
    nodes_.clear();
  }
  // The call tree's node of the whole stack; none: it is empty.
  StackId leaf() const { return nodes_.empty() ? StackId{} : nodes_.back(); }
  // FrameAddress bits of the leaf; 0: the stack is empty.
  uint64_t leaf_frame() const { return frames_.empty() ? 0 : frames_.back(); }

 private:
  std::vector<uint64_t> frames_;  // root first: FrameAddress bits
  std::vector<StackId> nodes_;
  uint32_t epoch_ = 0;
};

}  // namespace flarestack
