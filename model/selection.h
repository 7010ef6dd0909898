// SPDX-License-Identifier: Apache-2.0
// Selection: which samples of a recording a profile's metric and its process, thread and time filters let through, and
// with how much. Used by build_profile() only. Offline side.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "model/profile.h"

namespace flarestack {

class Selection {
 public:
  // Error: no process or thread of the recording has the name or number asked for; says which there are.
  static Result<Selection> make(const Recording& recording, const ProfileOptions& options);

  // The part of `sample` that counts: value and count 0 for none. Node and location are left to the caller.
  ProfileSample apply(const RecordedSample& sample) const;

 private:
  Metric metric_ = Metric::kCpu;
  std::vector<bool> thread_chosen_;  // by index; one more for samples whose thread was lost
  bool whole_time_ = true;
  int64_t from_ns_ = INT64_MIN;
  int64_t to_ns_ = INT64_MAX;
};

}  // namespace flarestack
