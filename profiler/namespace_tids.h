// SPDX-License-Identifier: Apache-2.0
// NamespaceTids: a target in a pid namespace of its own (a container, unshare --pid) knows its threads by other numbers
// than /proc shows us. Translates the numbers it writes. Recorder side.
#pragma once

#include <cstdint>
#include <unordered_map>

namespace flarestack {

class NamespaceTids {
 public:
  // `pid` as we see it; of a living process.
  explicit NamespaceTids(int32_t pid);

  // The number that we see of the thread that is `own_tid` to itself; 0: there is none, or no more. In our own
  // namespace the number is returned as it is, living or not.
  int32_t ours(int32_t own_tid);
  // The other way round: the thread's number to itself.
  int32_t own(int32_t our_tid) const;
  // The process's number to itself.
  int32_t own_pid() const { return own_pid_; }

 private:
  int32_t pid_;
  int32_t own_pid_;
  bool nested_;
  std::unordered_map<int32_t, int32_t> ours_by_own_;
};

}  // namespace flarestack
