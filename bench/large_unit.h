// SPDX-License-Identifier: Apache-2.0
// What the units of the large program (bench/large_program.py) and its main() share: a walk through the units.
#pragma once

#include <cstdint>

// A random path through the call graph of all units; the same seed takes the same path.
struct Walk {
  using Step = double (*)(Walk& walk);
  uint64_t random;
  int steps_left;
  int work;  // rounds that the last step goes through

  const Step* steps;  // of all units
  uint64_t step_count;

  uint64_t draw(uint64_t below) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return (random >> 33) % below;
  }
  double go_on() { return steps_left-- > 0 ? steps[draw(step_count)](*this) : 0; }
};
