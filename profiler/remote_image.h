// SPDX-License-Identifier: Apache-2.0
// Loads a shared object that needs nothing (the agent) into a running process, where no loader takes part: static
// programs and those of another libc have none that we could ask. It stays there for ever; a later attach finds it.
// Recorder side.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "profiler/image_file.h"
#include "profiler/remote_thread.h"

namespace flarestack {

struct RemoteImage {
  uint64_t base = 0;        // load bias
  uint64_t entry = 0;       // e_entry + base; base: the file names no entry
  uint64_t size_bytes = 0;  // of the address range
};

// The name of the memory file that its code is mapped from, as in /proc/PID/maps.
inline constexpr const char* kRemoteImageName = "/memfd:flarestack-agent (deleted)";

// Maps the file's segments, from a memory file that the process makes and closes again, applies the relocations and
// makes read-only what is read-only after them. No constructor is run. `address_hint` 0: the place is chosen by the
// rule of place_apart(); a place that is taken: the kernel's choice. Error: the process refuses; what is mapped by then
// is never entered.
Result<RemoteImage> load_remote_image(RemoteThread& thread, int32_t pid, const ImageFile& file, uint64_t address_hint);

// The image that an earlier attach left there, if it is complete and of this very file: its code and constants are
// compared. Any thread; the process runs on.
std::optional<RemoteImage> find_remote_image(int32_t pid, const ImageFile& file);

}  // namespace flarestack
