// SPDX-License-Identifier: Apache-2.0
// RuntimeLeaks: which stacks allocate what the C and C++ runtimes keep to themselves (kBuiltinSuppressions), and what
// is so no part of Metric::kLeaked. Offline side.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "model/profile.h"
#include "model/suppressions.h"

namespace flarestack {

class RuntimeLeaks {
 public:
  explicit RuntimeLeaks(const Profile& profile);  // borrowed for its life; has to have its locations
  // `stack`: in Recording::stacks, or none or lost.
  bool contain(uint32_t stack);

 private:
  const Profile& profile_;
  Suppressions builtin_;
  std::unordered_map<uint32_t, bool> known_;  // by stack
};

}  // namespace flarestack
