// SPDX-License-Identifier: Apache-2.0
// LeakMark: what a LeakScan knows of a block. Part of leak_scan.h; recorder side.
#pragma once

#include <cstdint>

namespace flarestack {

enum class LeakState : uint8_t { kUnreached = 0, kPossible = 1, kReachable = 2, kIndirect = 3 };

// What is known of a block, in a word that threads change at once: one cache miss a block.
class LeakMark {
 public:
  static constexpr unsigned kLinksBits = 29;
  static constexpr uint64_t kWaiting = uint64_t{1} << 63;  // the block is to be read
  static constexpr uint64_t kStateMask = uint64_t{3} << 61;

  LeakMark() = default;
  explicit LeakMark(uint64_t bits) : bits_(bits) {}
  uint64_t bits() const { return bits_; }
  LeakState state() const { return static_cast<LeakState>(bits_ >> 61 & 3); }
  bool is_waiting() const { return (bits_ & kWaiting) != 0; }
  // Where what it points to is in LeakLinks; 0: not known.
  uint32_t links() const { return bits_ >> 32 & ((1U << kLinksBits) - 1); }
  uint32_t holder() const { return static_cast<uint32_t>(bits_); }  // of a block that was reached or is led
  static uint64_t with_links(uint32_t links) { return uint64_t{links} << 32; }
  LeakMark reached(LeakState state, uint32_t holder, bool is_to_be_read) const {
    constexpr uint64_t kKept = uint64_t{(1U << kLinksBits) - 1} << 32 | kWaiting;
    return LeakMark((bits_ & kKept) | uint64_t{static_cast<uint8_t>(state)} << 61 | holder |
                    (is_to_be_read ? kWaiting : 0));
  }

 private:
  uint64_t bits_ = 0;
};

}  // namespace flarestack
