// SPDX-License-Identifier: Apache-2.0
// list_tasks(): the threads of a process as they are now. Recorder side.
#pragma once

#include <cstdint>
#include <vector>

namespace flarestack {

// Empty: the process is gone.
std::vector<int32_t> list_tasks(int32_t pid);

}  // namespace flarestack
