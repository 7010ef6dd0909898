// SPDX-License-Identifier: Apache-2.0
// Whose code a stack is: the innermost frame that is no allocator, no standard container and no other code of a
// library's header or runtime. What lies further in is done for that place. Offline side.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/profile.h"

namespace flarestack {

// What made a stack reallocate, by the names of the library's functions in it.
enum class GrowthKind : uint8_t { kNone, kVector, kString, kDeque, kBuffer };

struct StackPlace {
  static constexpr size_t kPathShown = 8;
  std::vector<uint32_t> path;     // in Profile::locations: the place and its callers; of a stack without one: its leaf
  std::vector<uint32_t> library;  // the frames further in than the place, innermost first
  bool found = false;
  bool through_library() const { return found && !library.empty(); }
};

class PlaceFinder {
 public:
  explicit PlaceFinder(const Profile& profile) : profile_(profile), traits_(profile.functions.size()) {}

  // `stack`: in Recording::stacks, or none. Of the path no more than `most` frames. Borrowed until the next call.
  const StackPlace& find(uint32_t stack, size_t most = StackPlace::kPathShown);
  // What of the place's library frames, or failing these the place itself, reallocates.
  GrowthKind growth_of(const StackPlace& place);

 private:
  // What a function says of a stack that it is in: names are long, so each is looked at once.
  struct FunctionTrait {
    std::optional<bool> is_library;
    std::optional<GrowthKind> growth;
  };
  bool is_library(const Location& location);

  const Profile& profile_;
  std::vector<FunctionTrait> traits_;
  StackPlace place_;  // kept, so that a stack costs no memory
};

// Whether a function is of an allocator, or of a library's header or runtime: nobody's place.
bool is_library_function(const Function& function, std::string_view file);
// "std::vector<int>::push_back" of "void std::vector<int>::push_back(int const&) [clone .cold]": without return type
// and parameters.
std::string_view qualified_name(std::string_view demangled);

}  // namespace flarestack
