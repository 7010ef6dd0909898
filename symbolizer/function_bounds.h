// SPDX-License-Identifier: Apache-2.0
// FunctionBounds: where the functions of a stripped file begin, by its unwind tables, so that the samples of a function
// without a name are still one function in a report. Offline side; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <gelf.h>

namespace flarestack {

class FunctionBounds {
 public:
  // Reads .eh_frame_hdr's sorted table (LSB core specification, section 10.6.2), where it is of the form that every
  // linker writes. Borrows the data of `elf`.
  explicit FunctionBounds(Elf* elf);

  // The start of the function that covers `address`; none: not known.
  std::optional<uint64_t> start_of(uint64_t address) const;
  // And how long it is; 0: not known.
  uint64_t size_of(uint64_t address) const;

 private:
  uint64_t entry(size_t index, unsigned word) const;
  struct Bounds {
    uint64_t start = 0;
    uint64_t size_bytes = 0;
  };
  std::optional<Bounds> bounds_of(uint64_t address) const;
  uint64_t size_of_fde(uint64_t fde_address, uint64_t start) const;

  std::span<const uint8_t> table_;  // pairs of 4-byte offsets from header_: a function's start, its FDE
  std::span<const uint8_t> frames_;
  uint64_t header_ = 0;  // address of .eh_frame_hdr
  uint64_t frames_address_ = 0;
};

}  // namespace flarestack
