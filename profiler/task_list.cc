// SPDX-License-Identifier: Apache-2.0
#include "profiler/task_list.h"

#include <dirent.h>

#include <cstdlib>

#include <fmt/format.h>

namespace flarestack {

std::vector<int32_t> list_tasks(int32_t pid) {
  std::vector<int32_t> tids;
  DIR* directory = opendir(fmt::format("/proc/{}/task", pid).c_str());
  if (directory == nullptr) {
    return tids;
  }
  while (const dirent* entry = readdir(directory)) {
    if (const int32_t tid = std::atoi(entry->d_name); tid > 0) {
      tids.push_back(tid);
    }
  }
  closedir(directory);
  return tids;
}

}  // namespace flarestack
