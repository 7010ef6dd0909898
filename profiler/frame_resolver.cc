// SPDX-License-Identifier: Apache-2.0
#include "profiler/frame_resolver.h"

namespace flarestack {

StackId FrameResolver::find_child(StackId parent, uint64_t frame_bits, uint32_t generation) {
  if (generation != frames_generation_ || epoch_ != frames_epoch_) {
    frames_.clear();
    frames_epoch_ = epoch_;
    frames_generation_ = generation;
  }
  auto [entry, added] = frames_.try_emplace(frame_bits);
  if (added) {
    const FrameAddress address = FrameAddress::from_bits(frame_bits);
    const ModuleMap::Segment* segment = modules_.find(address.lookup(), generation);
    if (segment == nullptr) {
      entry->second = tables_.unknown_frame(process_, address.address(), address.kind(), {time_ns_, epoch_});
    } else if (!segment->is_agent) {
      entry->second =
          tables_.native_frame(segment->module, {address.address().value - segment->load_bias}, address.kind());
    }
  }
  return entry->second ? tables_.stack(parent, entry->second) : parent;
}

}  // namespace flarestack
