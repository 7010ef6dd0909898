// SPDX-License-Identifier: Apache-2.0
// FirefoxTables: what all threads of a Firefox profile share: strings, libraries, functions, frames, stacks. Used by
// firefox_profile() only. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/location_tree.h"
#include "report/json_writer.h"

namespace flarestack {

class FirefoxTables {
 public:
  explicit FirefoxTables(const Profile& profile);  // borrowed for its life

  // In the table of stacks.
  uint32_t stack_of(const ProfileSample& sample) const { return tree_.node_of(sample) - 1; }
  // The keys "libs" and "shared", and "categories" of "meta".
  void write_libs(JsonWriter& json) const;
  void write_shared(JsonWriter& json) const;
  static void write_categories(JsonWriter& json);

 private:
  struct Frame {
    uint32_t location = 0;  // in Profile::locations
    uint32_t module = kNoIndex;
    int64_t address = -1;  // in its module
    uint32_t inline_depth = 0;
    uint32_t symbol = kNoIndex;
  };
  void add_frames();
  void add_addresses();
  uint32_t add_string(const std::string& text);
  uint32_t add_function(uint32_t function);
  uint32_t add_resource(const Function& function);
  uint32_t add_symbol(uint32_t function);
  void write_stacks(JsonWriter& json) const;
  void write_frames(JsonWriter& json) const;
  void write_functions(JsonWriter& json) const;
  void write_rest(JsonWriter& json) const;

  const Profile& profile_;
  LocationTree tree_;
  std::vector<Frame> frames_;
  std::vector<uint32_t> frame_of_location_;   // kNoIndex: not used
  std::vector<uint32_t> functions_;           // in Profile::functions
  std::vector<uint32_t> function_names_;      // beside functions_: strings,
  std::vector<uint32_t> function_sources_;    // sources or kNoIndex,
  std::vector<uint32_t> function_resources_;  // resources or kNoIndex
  std::vector<uint32_t> number_of_function_;  // by Profile::functions; kNoIndex: not used
  std::vector<uint32_t> symbols_;             // in Profile::functions
  std::vector<uint32_t> symbol_of_function_;  // by Profile::functions; kNoIndex: none
  std::vector<uint32_t> libs_;                // in Recording::modules; a resource each
  std::unordered_map<std::string, uint32_t> lib_of_path_;
  std::vector<uint32_t> sources_;  // strings
  std::unordered_map<std::string, uint32_t> source_of_file_;
  std::vector<std::string> strings_;
  std::unordered_map<std::string, uint32_t> string_numbers_;
};

}  // namespace flarestack
