// SPDX-License-Identifier: Apache-2.0
// FrameLocations: turns a recording's frames into functions and locations, asking for each (module, offset) once. Used
// by build_profile(), and by LiveProfile with a recording that grows. Offline side.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/index_table.h"
#include "model/profile.h"

namespace flarestack {

class FrameLocations {
 public:
  FrameLocations(const Recording& recording, const ProfileOptions& options);

  // Resolves the frames for which `wanted` is true; each frame once.
  void resolve(const std::vector<bool>& wanted, const SymbolSource& symbols);
  // The locations of a frame, innermost first; never empty. `frame` may be kLostIndex.
  std::span<const Location> of_frame(uint32_t frame) const;
  uint32_t first_index_of_frame(uint32_t frame) const;

  // The one location that stands for `name`: a marker such as "[no stack]", or a process. Its index is returned.
  uint32_t special(const std::string& name, FrameType type);
  uint32_t lost() const { return lost_; }

  const std::vector<Location>& locations() const { return locations_; }
  const std::vector<Function>& functions() const { return functions_; }
  const std::vector<std::string>& files() const { return files_; }
  const std::vector<ModuleSymbols>& modules() const { return modules_; }
  // Moves the tables into the profile; nothing else may be called afterwards.
  void move_into(Profile& profile);

 private:
  using Range = LocationRange;
  struct FunctionOrigin {
    uint32_t module = kNoIndex;        // it is one of, in the recording
    uint32_t entry_module = kNoIndex;  // where its code begins; none: unknown
    uint64_t entry_offset = 0;
  };
  uint32_t function_index(const std::string& name, uint32_t module, FrameType type);
  uint32_t file_index(const std::string& file);
  Range add_symbols(uint32_t module, const std::vector<SymbolFrame>& frames);
  Range add_named(uint32_t frame);
  void add_named_location(const RecordedFrame& frame, FrameType type);
  void resolve_native(const std::vector<uint32_t>& frames, const SymbolSource& symbols);
  void find_declarations(const std::vector<SymbolModule>& modules, const SymbolSource& symbols);

  const Recording& recording_;
  bool inline_frames_;
  std::vector<Function> functions_;
  std::vector<FunctionOrigin> origins_;  // beside functions_
  std::vector<std::string> files_;
  std::vector<Location> locations_;
  std::vector<Range> frame_locations_;  // by frame
  std::vector<ModuleSymbols> modules_;
  uint32_t declared_ = 0;  // functions whose declaration was asked for
  IndexTable function_index_;
  IndexTable file_index_;
  uint32_t lost_ = 0;
};

}  // namespace flarestack
