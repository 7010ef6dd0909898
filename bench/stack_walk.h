// SPDX-License-Identifier: Apache-2.0
// StackWalk: a walk up and down a stack of 20 to 40 frames of 64 functions, a step of the caller's at each turn, so
// that what a profiler meets is deep, and mostly another stack than before. For the benchmarks' own programs; one
// thread at a time.
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

// A step is done at the end of one of 1024 paths, which share their beginnings as those of a program do: each bit of a
// path's number chooses the next four of its frames. Then frames are left until those of the next path are different.
struct StackWalk {
  static constexpr unsigned kFunctions = 64;
  static constexpr unsigned kPathBits = 10;
  static constexpr unsigned kFramesOfBit = 4;
  static constexpr unsigned kLeastDepth = 20;

  Random random;
  void (*step)(StackWalk&);
  void* extra;  // the step's own, borrowed
  uint64_t steps_left = 0;
  uint64_t sum = 0;  // of whatever the steps compute, so that they are not optimised away
  unsigned path = 0;
  unsigned target = kLeastDepth;  // depth at which the step is done
  unsigned kept = 0;              // frames that the next path shares
  bool returning = false;

  void run(uint64_t steps);
  unsigned function_at(unsigned depth) const {
    const unsigned bits = path & ((1u << std::min(1 + depth / kFramesOfBit, kPathBits)) - 1);
    return (bits * 0x9E3779B1u + depth * 0x85EBCA6Bu) >> 26;
  }
  void choose_path() {
    const unsigned first_changed = random.below(kPathBits);
    path ^= 1u << first_changed;
    path ^= random.below(1u << kPathBits) & ~((2u << first_changed) - 1);
    kept = std::max(first_changed * kFramesOfBit, 1u) - 1;
    target = kLeastDepth + (path * 0x9E3779B1u >> 16) % 21;
    returning = true;
  }
};

namespace walk_functions {

template <int N>
[[gnu::noinline]] void function(StackWalk& walk, unsigned depth);

template <size_t... N>
void call_one(std::index_sequence<N...>, StackWalk& walk, unsigned depth) {
  static constexpr void (*kTable[])(StackWalk&, unsigned) = {function<static_cast<int>(N)>...};
  kTable[walk.function_at(depth)](walk, depth);
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
    walk.choose_path();
  }
  asm volatile("" : : "i"(N) : "memory");  // no two functions are the same, and none ends in a jump
}

}  // namespace walk_functions

inline void StackWalk::run(uint64_t steps) {
  for (steps_left = steps; steps_left != 0;) {
    returning = false;
    walk_functions::call_one(std::make_index_sequence<kFunctions>(), *this, 1);
  }
}

}  // namespace flarestack::bench
