// SPDX-License-Identifier: Apache-2.0
// The main() of the large program: large_program THREADS WALKS SECONDS WORK goes WALKS different walks through the
// units on each thread, again and again until each thread has run for so long; 0 seconds: each walk once.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

#include "large_unit.h"

extern const Walk::Step* const large_program_units[];  // written by large_program.py
extern const uint64_t large_program_unit_count;

namespace {

constexpr uint64_t kStepsOfUnit = 8;

double cpu_seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void walk_on(const std::vector<Walk::Step>& steps, uint64_t thread, uint64_t walks, double seconds, int work) {
  double sum = 0;
  do {
    for (uint64_t i = 0; i < walks && (seconds == 0 || cpu_seconds() < seconds); ++i) {
      Walk walk{(thread << 40) + i * 0x9e3779b97f4a7c15u, 0, work, steps.data(), steps.size()};
      walk.steps_left = 4 + static_cast<int>(walk.draw(16));
      sum += walk.go_on();
    }
  } while (cpu_seconds() < seconds);
  if (sum < 0) std::puts("never");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  std::vector<Walk::Step> steps;
  for (uint64_t unit = 0; unit < large_program_unit_count; ++unit)
    steps.insert(steps.end(), large_program_units[unit], large_program_units[unit] + kStepsOfUnit);
  std::vector<std::thread> threads;
  for (int i = 0; i < std::atoi(argv[1]); ++i)
    threads.emplace_back(walk_on, std::cref(steps), i, std::strtoull(argv[2], nullptr, 10), std::atof(argv[3]),
                         std::atoi(argv[4]));
  for (std::thread& thread : threads) thread.join();
}
