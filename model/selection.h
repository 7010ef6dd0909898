// SPDX-License-Identifier: Apache-2.0
// Selection: which samples of a recording a profile's metric and its process, thread and time filters let through, and
// with how much. Used by what makes values of a recording: build_profile() and summarize_heap(). Offline side.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "model/profile_options.h"
#include "model/recording.h"

namespace flarestack {

class Selection {
 public:
  // Error: no process or thread of the recording has the name or number asked for; says which there are.
  static Result<Selection> make(const Recording& recording, const ProfileOptions& options);

  // An index of Recording::threads, or of none.
  bool chooses_thread(uint32_t thread) const {
    return thread_chosen_[thread < thread_chosen_.size() ? thread : thread_chosen_.size() - 1];
  }
  // An index of Recording::processes, or of none: some thread of it may be chosen.
  bool chooses_process(uint32_t process) const {
    return process_chosen_[process < process_chosen_.size() ? process : process_chosen_.size() - 1];
  }
  // A RecordedSample or RecordedAllocation: its thread, and the region that it was made in.
  template <typename Recorded>
  bool chooses(const Recorded& recorded) const {
    return chooses_thread(recorded.thread) &&
           (region_chosen_.empty() || (recorded.region < region_chosen_.size() && region_chosen_[recorded.region]));
  }
  // How much of a slice is in the range, 0 to 1; a slice without length is an instant.
  double part_of(int64_t slice_start_ns, int64_t slice_length_ns) const;
  int64_t from_ns() const { return from_ns_; }
  int64_t to_ns() const { return to_ns_; }

 private:
  std::vector<bool> thread_chosen_;   // by index; one more for samples whose thread was lost
  std::vector<bool> process_chosen_;  // the same
  std::vector<bool> region_chosen_;   // by index; empty: all, and what was done in none
  bool whole_time_ = true;
  int64_t from_ns_ = INT64_MIN;
  int64_t to_ns_ = INT64_MAX;
};

}  // namespace flarestack
