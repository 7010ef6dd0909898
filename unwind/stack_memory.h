// SPDX-License-Identifier: Apache-2.0
// StackMemory: loads of stack slots that never fault. Slots inside the bounds the caller vouches for are read directly;
// in the target others are copied by process_vm_readv from ourselves, a page or two at a time. Both sides.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "unwind/local_memory.h"
#include "unwind/registers.h"

namespace flarestack {

// The bytes last copied from outside the bounds. Copied, not probed and then read in place: what a heuristic makes us
// look at may be unmapped by another thread between the two.
struct FetchWindow {
  static constexpr uint64_t kPage = 4096;
  uint64_t start = 0;
  uint64_t size = 0;
  bool copying_forbidden = false;  // process_vm_readv is denied (seccomp): probe with rt_sigprocmask, read in place
  iovec local;                     // the arguments of the call, kept off the handler's stack
  std::array<iovec, 2> remote;
  std::array<std::byte, 2 * kPage> bytes;
};

class StackMemory {
  // A stack holds words of every type, and CFI may name any address.
  using UnalignedWord __attribute__((may_alias, aligned(1))) = uint64_t;

 public:
  // Slots of [bounds.low, bounds.high) are read at slot + local_delta. `window` (borrowed; nullptr: nothing outside the
  // bounds can be read) serves the rest and is emptied, since it holds bytes of an earlier moment. [signal]
  void begin(const StackBounds& bounds, int64_t local_delta, FetchWindow* window);

  // The 8 bytes at `slot`, of any alignment; false: unreadable, `*value` is untouched. [signal]
  bool load(uint64_t slot, uint64_t* value) {
    if (in_bounds(slot)) [[likely]] {
      *value = load_in_bounds(slot);
      return true;
    }
    return window_ != nullptr && load_outside(slot, value);
  }

  // Whether `slot` can be read without a system call. [signal]
  bool in_bounds(uint64_t slot) const { return slot - low_ < slots_; }
  // The 8 bytes at a slot that is in_bounds(). [signal]
  [[gnu::no_sanitize_address]] uint64_t load_in_bounds(uint64_t slot) const {
    return *static_cast<const UnalignedWord*>(local_pointer(slot + delta_));
  }

 private:
  bool load_outside(uint64_t slot, uint64_t* value);
  bool fetch(uint64_t slot);

  uint64_t low_ = 0;
  uint64_t slots_ = 0;  // addresses at which 8 bytes may be read: size - 7, or 0
  uint64_t delta_ = 0;
  uint64_t high_ = 0;
  uint64_t reachable_from_ = 0;  // 0: the bounds are final
  FetchWindow* window_ = nullptr;
};

}  // namespace flarestack
