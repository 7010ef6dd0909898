// SPDX-License-Identifier: Apache-2.0
// From an address to the pointer this process reads it by. Both sides; signal-safe (no calls).
#pragma once

#include <bit>
#include <cstdint>

namespace flarestack {

// `local_address` is what a runtime address is here, after local_delta. [signal]
inline const void* local_pointer(uint64_t local_address) { return std::bit_cast<const void*>(local_address); }

}  // namespace flarestack
