// SPDX-License-Identifier: Apache-2.0
// MatchedFunctions: the functions of several recordings as one list, so that what a function cost in one can be set
// against what it cost in another. Used by diff_profiles(). Offline side.
//
// The same is what has one name, module and kind; where it lies, in which file and at which line does not matter. Of
// names the marks of compilers' copies are left out (foo.constprop.0, foo [clone .cold], Rust's hashes), of modules
// their version (model/module_pairs.h). Numbers of lambdas count only while both sides have the same ones: when one was
// added, those behind it have others. Code without a symbol is one function a module, unless both sides have the same
// build.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/profile.h"

namespace flarestack {

// The name of what has none, where offsets tell nothing either.
inline constexpr const char* kNoSymbol = "[no symbol]";

struct MatchedFunction {
  Function function;  // as a newer recording has it where there is one
  bool in_base = false;
  bool in_newer = false;
};

class MatchedFunctions {
 public:
  // Borrowed for the call. At least one of each.
  MatchedFunctions(std::span<const Profile* const> base, std::span<const Profile* const> newer);

  const std::vector<MatchedFunction>& list() const { return list_; }
  // By function of a profile, counted through both sides, base first: an index of list().
  const std::vector<uint32_t>& of_profile(size_t profile) const { return of_profile_[profile]; }
  // By name of a module that only newer recordings have: the base's name for the same.
  const std::map<std::string, std::string>& paired_modules() const { return paired_modules_; }

 private:
  std::vector<MatchedFunction> list_;
  std::vector<std::vector<uint32_t>> of_profile_;
  std::map<std::string, std::string> paired_modules_;
};

// "foo(int)" of "foo(int) [clone .constprop.0]", "foo" of "foo.isra.0.cold".
std::string_view without_clone_marks(std::string_view name);
// "f()::{lambda(int)#*}" of "f()::{lambda(int)#2}", as GCC, clang, Rust and Go number them.
std::string without_lambda_numbers(std::string_view name);

}  // namespace flarestack
