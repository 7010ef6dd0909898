// SPDX-License-Identifier: Apache-2.0
// StackWalk: a walk up and down a stack of 20 to 40 frames of 64 functions, a step of the caller's at each turn, so
// that what a profiler meets is deep, and another stack each time. For the benchmarks' own programs; one thread at a
// time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace flarestack::bench {

struct Random {
  uint64_t state;  // not 0
  // xorshift64 (Marsaglia, 2003).
  unsigned below(unsigned limit) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<unsigned>(state >> 33) % limit;
  }
};

// At `target` frames a step is done, then frames are left until `kept` are there.
struct StackWalk {
  static constexpr unsigned kFunctions = 64;
  static constexpr unsigned kLeastDepth = 20;
  static constexpr unsigned kMostDepth = 40;
  static constexpr unsigned kLeastKept = 8;

  Random random;
  void (*step)(StackWalk&);
  void* extra;  // the step's own, borrowed
  uint64_t steps_left = 0;
  uint64_t sum = 0;  // of whatever the steps compute, so that they are not optimised away
  unsigned target = kLeastDepth;
  unsigned kept = 0;
  bool returning = false;

  void run(uint64_t steps);
};

namespace walk_functions {

template <int N>
[[gnu::noinline]] void function(StackWalk& walk, unsigned depth);

template <size_t... N>
void call_one(std::index_sequence<N...>, StackWalk& walk, unsigned depth) {
  static constexpr void (*kTable[])(StackWalk&, unsigned) = {function<static_cast<int>(N)>...};
  kTable[walk.random.below(StackWalk::kFunctions)](walk, depth);
}

template <int N>
void function(StackWalk& walk, unsigned depth) {
  while (walk.steps_left != 0 && !(walk.returning && depth > walk.kept)) {
    walk.returning = false;
    if (depth < walk.target) {
      call_one(std::make_index_sequence<StackWalk::kFunctions>(), walk, depth + 1);
      continue;
    }
    walk.step(walk);
    --walk.steps_left;
    walk.target = StackWalk::kLeastDepth + walk.random.below(StackWalk::kMostDepth - StackWalk::kLeastDepth + 1);
    walk.kept = StackWalk::kLeastKept + walk.random.below(std::min(walk.target, depth) - StackWalk::kLeastKept);
    walk.returning = true;
  }
  asm volatile("" : : "i"(N) : "memory");  // no two functions are the same, and none ends in a jump
}

}  // namespace walk_functions

inline void StackWalk::run(uint64_t steps) {
  steps_left = steps;
  returning = false;
  walk_functions::call_one(std::make_index_sequence<kFunctions>(), *this, 1);
}

}  // namespace flarestack::bench
