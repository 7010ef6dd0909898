// SPDX-License-Identifier: Apache-2.0
#include "tools/live_facts.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "profiler/process_exit.h"

namespace flarestack {
namespace {

std::set<std::pair<int32_t, int32_t>> living_threads(const LiveView& view) {
  std::set<std::pair<int32_t, int32_t>> threads;
  for (const LiveProcess& process : view.processes) {
    if (process.ended) continue;
    std::error_code error;
    for (std::filesystem::directory_iterator task(fmt::format("/proc/{}/task", process.pid), error), end; task != end;
         task.increment(error)) {
      threads.emplace(process.pid, std::atoi(task->path().filename().c_str()));
    }
  }
  return threads;
}

}  // namespace

void add_live_facts(LiveView& view) {
  std::set<int32_t> counted;  // an image that was replaced has the pid of the next one
  for (const LiveProcess& process : view.processes) {
    if (!process.ended && counted.insert(process.pid).second) view.rss_bytes += resident_bytes(process.pid);
  }
  std::set<std::pair<int32_t, int32_t>> living = living_threads(view);
  // From the last one: of two with one number, the earlier has ended.
  for (auto thread = view.threads.rbegin(); thread != view.threads.rend(); ++thread) {
    if (living.erase({thread->pid, thread->tid}) != 0) thread->state = thread_state(thread->pid, thread->tid);
  }
  std::erase_if(view.threads, [](const LiveThread& thread) {
    return thread.state == 0 && thread.cpu == 0 && thread.allocations_per_s == 0;
  });
}

}  // namespace flarestack
