// SPDX-License-Identifier: Apache-2.0
// ByteCursor: reads DWARF primitives from a module's mapped image, never outside [read_start, read_end). The bytes are
// untrusted: a short or malformed read gives 0 and makes the cursor fail for good. Both sides.
#pragma once

#include <cstdint>

#include "unwind/local_memory.h"
#include "unwind/module_snapshot.h"

namespace flarestack {

class ByteCursor {
 public:
  ByteCursor() = default;
  // At runtime address `begin`, ending at `end` or the image's end, whichever is first. [signal]
  ByteCursor(const UnwindModule& module, uint64_t begin, uint64_t end = UINT64_MAX)
      : position_(begin), end_(end < module.read_end ? end : module.read_end), delta_(module.local_delta) {
    if (begin < module.read_start || begin > end_) {
      fail();
    }
  }

  bool ok() const { return !failed_; }
  bool at_end() const { return position_ >= end_; }
  uint64_t position() const { return position_; }  // runtime address of the next byte
  uint64_t left() const { return end_ - position_; }

  void fail() {
    failed_ = true;
    position_ = end_ = 0;
  }
  void skip(uint64_t bytes) {
    if (bytes > left()) {
      fail();
    } else {
      position_ += bytes;
    }
  }
  // Ends the cursor `bytes` further on: for a record whose length was read.
  void limit(uint64_t bytes) {
    if (bytes > left()) {
      fail();
    } else {
      end_ = position_ + bytes;
    }
  }

  template <typename T>
  T fixed() {
    T value = 0;
    if (left() < sizeof(T)) {
      fail();
    } else {
      __builtin_memcpy(&value, local_pointer(position_ + static_cast<uint64_t>(delta_)), sizeof(T));
      position_ += sizeof(T);
    }
    return value;
  }
  uint8_t u8() { return fixed<uint8_t>(); }
  uint64_t uleb();
  int64_t sleb();

  // A pointer in a DW_EH_PE_* encoding (LSB 5.0 core, 10.5.1): absolute, pc-relative, or relative to `data_base`. Other
  // bases, and indirect ones, fail.
  uint64_t encoded(uint8_t encoding, uint64_t data_base);

 private:
  uint64_t position_ = 0;
  uint64_t end_ = 0;
  int64_t delta_ = 0;
  bool failed_ = false;
};

}  // namespace flarestack
