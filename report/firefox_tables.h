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

// Where a profile's stacks are in the table.
struct FirefoxStacks {
  LocationTree tree;
  uint32_t first = 0;
  uint32_t stack_of(const ProfileSample& sample) const { return first + tree.node_of(sample) - 1; }
};

class FirefoxTables {
 public:
  // Of profiles of one recording, borrowed for its life.
  explicit FirefoxTables(const Recording& recording) : recording_(recording) {}

  FirefoxStacks add(const Profile& profile);
  // The keys "libs" and "shared", and "categories" of "meta".
  void write_libs(JsonWriter& json) const;
  void write_shared(JsonWriter& json) const;
  static void write_categories(JsonWriter& json);

 private:
  // Rows of the tables; kNoIndex stands for null.
  struct Stack {
    uint32_t frame = 0;
    uint32_t prefix = kNoIndex;
  };
  struct Frame {
    uint32_t function = 0;
    uint32_t category = 0;
    uint32_t line = kNoIndex;
    uint32_t symbol = kNoIndex;
    uint32_t inline_depth = 0;
    int64_t address = -1;  // in its module
  };
  struct NamedFunction {
    uint32_t name = 0;
    uint32_t resource = kNoIndex;
    uint32_t source = kNoIndex;
    uint32_t line = kNoIndex;
  };
  struct Symbol {
    uint32_t lib = 0;
    uint32_t name = 0;
    uint64_t address = 0;
  };

  // By location of the profile, the frame for it.
  std::vector<uint32_t> add_frames(const Profile& profile, const LocationTree& tree);
  void add_addresses(const Profile& profile, const std::vector<uint32_t>& frame_of_location);
  uint32_t add_string(const std::string& text);
  uint32_t add_source(const std::string& file);
  uint32_t add_function(const Function& function);
  uint32_t add_lib(const std::string& module_path);
  uint32_t add_symbol(const Function& function);
  void write_stacks(JsonWriter& json) const;
  void write_frames(JsonWriter& json) const;
  void write_functions(JsonWriter& json) const;
  void write_rest(JsonWriter& json) const;

  const Recording& recording_;
  std::vector<Stack> stacks_;
  std::vector<Frame> frames_;
  std::vector<NamedFunction> functions_;
  std::vector<Symbol> symbols_;
  std::vector<uint32_t> libs_;     // in Recording::modules; a resource each
  std::vector<uint32_t> sources_;  // strings
  std::vector<std::string> strings_;
  using Numbers = std::unordered_map<std::string, uint32_t>;
  Numbers function_numbers_;  // by what tells a function from all others
  Numbers symbol_numbers_;    // the same
  Numbers lib_numbers_;       // by path
  Numbers source_numbers_;    // by file
  Numbers string_numbers_;
};

}  // namespace flarestack
