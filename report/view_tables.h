// SPDX-License-Identifier: Apache-2.0
// ViewTables: the functions, places in them, frames and stacks that the page of `flarestack view` has, with numbers of
// its own (report/view_data.h). Offline side.
//
// Problem: a recording has a frame for each address and a stack for each way there: a million of them, of which a
// reader sees functions and lines. Choice: frames with the same functions, files and lines are one, and so are the
// stacks of such frames; what no row of the page uses stays out. Numbers are given in the order of a walk over call
// paths, from callers to callees, so that a stack's parent is most often the number before, and neighbours have similar
// numbers: that is what makes the columns small, and rows that are in order of stacks are in that of a flame graph.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/profile.h"
#include "report/view_columns.h"

namespace flarestack {

class ViewTables {
 public:
  // `used`: by Recording::stacks, those that rows have; their parents are as well. `profile` is borrowed for its life.
  ViewTables(const Profile& profile, const std::vector<bool>& used);

  // Of Recording::stacks; none and lost stay what they are.
  uint32_t stack(uint32_t recorded) const { return recorded < stacks_.size() ? stacks_[recorded] : recorded; }
  // By Profile::functions: kNoIndex for those that no stack has.
  const std::vector<uint32_t>& functions() const { return functions_; }
  // Its number, of a text of a function, a file of a place, or the name of a thread.
  uint32_t string(std::string_view text) const;
  // In order, so that what is alike is side by side and packs well. Borrowed from the profile.
  const std::vector<std::string_view>& strings() const { return strings_; }
  void write(ViewColumns& columns) const;

 private:
  struct Place {
    uint32_t function = 0;  // in Profile::functions
    uint32_t file = 0;
    uint32_t line = 0;
    FrameType type = FrameType::kNative;
    bool operator==(const Place&) const = default;
  };
  struct Stack {
    uint32_t parent = kNoIndex;
    uint32_t frame = kLostIndex;
  };
  void merge_frames(const std::vector<bool>& used);
  void merge_stacks(const std::vector<bool>& used);
  // By merged stack its call path: functions, whatever their lines. Appends the parents of the paths, which have
  // smaller numbers; kNoIndex of a root.
  std::vector<uint32_t> paths_of_stacks(std::vector<uint32_t>& parents) const;
  // The merged stacks in the order of a walk over their call paths, callers before their callees.
  std::vector<uint32_t> walk_order() const;
  // Gives stacks, frames, places and functions the numbers of their first use in this order.
  void number_in(const std::vector<uint32_t>& order);
  void collect_strings();
  void write_functions(ViewColumns& columns) const;

  const Profile& profile_;
  std::vector<uint32_t> frames_;              // by Recording::frames: in merged_frames_
  std::vector<LocationRange> merged_frames_;  // ranges of frame_places_
  std::vector<uint32_t> frame_places_;        // in places_
  std::vector<Place> places_;
  std::vector<uint32_t> stacks_;  // by Recording::stacks: in merged_stacks_
  std::vector<Stack> merged_stacks_;
  std::vector<uint32_t> functions_;
  std::vector<std::string_view> strings_;
};

}  // namespace flarestack
