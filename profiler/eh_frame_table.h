// SPDX-License-Identifier: Apache-2.0
// eh_frame_table(): the search table (.eh_frame_hdr) of an ELF file that has CFI without one: linkers leave it out of
// static programs, which register .eh_frame themselves when they throw. Recorder side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flarestack {

// As a linker would have put it at `table_address` (of the file's own addresses), in the form that unwind/cfi.cc reads
// (LSB 5.0, "10.6.2. The .eh_frame_hdr section"). Empty: the file has no .eh_frame that it could be made of.
std::vector<std::byte> eh_frame_table(int descriptor, uint64_t table_address);

}  // namespace flarestack
