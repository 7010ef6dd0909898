// SPDX-License-Identifier: Apache-2.0
// What bench/cpu.py lets the profilers sample: a fixed amount of work, so that what a profiler adds shows as time,
// about 30 frames deep. A step takes about a microsecond.
//
//   cpu_workload calibrate             prints how many steps it does in a second of CPU time
//   cpu_workload deep STEPS            on one thread
//   cpu_workload threads STEPS         on eight threads, STEPS in all
//   cpu_workload storm STEPS THREADS   by THREADS threads one after the other, two at a time, STEPS in all
#include <array>
#include <cstring>
#include <map>
#include <numeric>
#include <thread>
#include <vector>

#include "bench/self_account.h"
#include "bench/stack_walk.h"

namespace flarestack::bench {
namespace {

[[gnu::noinline]] void sort_numbers(StackWalk& walk) {
  std::array<uint32_t, 48> numbers;
  for (uint32_t& number : numbers) {
    number = walk.random.below(1000);
  }
  std::sort(numbers.begin(), numbers.end());
  walk.sum += numbers[7];
}

std::map<std::string, unsigned> make_words() {
  std::map<std::string, unsigned> result;
  for (unsigned i = 0; i < 1000; ++i) {
    result["word number " + std::to_string(i * 7919 % 1000)] = i;
  }
  return result;
}

[[gnu::noinline]] void look_up_words(StackWalk& walk) {
  static const auto words = make_words();
  for (unsigned i = 0; i < 8; ++i) {
    const auto found = words.find("word number " + std::to_string(walk.random.below(1200)));
    walk.sum += found == words.end() ? 1 : found->second;
  }
}

[[gnu::noinline]] void print_numbers(StackWalk& walk) {
  char text[64];
  for (unsigned i = 0; i < 4; ++i) {
    const int length = std::snprintf(text, sizeof text, "%g of %u", walk.random.below(1000) / 7.0, i);
    walk.sum += static_cast<unsigned>(length) + std::strlen(text);
  }
}

[[gnu::noinline]] void add_numbers(StackWalk& walk) {
  std::vector<uint64_t> numbers(512);
  std::iota(numbers.begin(), numbers.end(), walk.sum);
  walk.sum += std::accumulate(numbers.begin(), numbers.end(), uint64_t{0});
}

// Code of the program, templates inlined into it, the C and C++ libraries.
void work(StackWalk& walk) {
  static constexpr void (*kKinds[])(StackWalk&) = {sort_numbers, look_up_words, print_numbers, add_numbers};
  kKinds[walk.random.below(4)](walk);
}

void do_steps(uint64_t steps, uint64_t seed) {
  StackWalk walk{.random = {seed * 0x9E3779B97F4A7C15 + 1}, .step = work, .extra = nullptr};
  walk.run(steps);
  // Never so, but the compiler cannot know.
  if (walk.sum == 42) {
    std::puts("");
  }
}

void run_threads(unsigned count, unsigned at_a_time, uint64_t steps) {
  std::vector<std::thread> starters;
  for (unsigned i = 0; i < at_a_time; ++i) {
    starters.emplace_back([=] {
      for (unsigned n = i; n < count; n += at_a_time) {
        std::thread([=] { do_steps(steps / count, n); }).join();
      }
    });
  }
  for (std::thread& starter : starters) {
    starter.join();
  }
}

// The best of ten: other programs only ever make it slower.
void calibrate() {
  constexpr uint64_t kSteps = 10'000;
  double best = 0;
  for (uint64_t round = 0; round < 10; ++round) {
    const double before_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    do_steps(kSteps, round);
    best = std::max(best, kSteps / (seconds_of(CLOCK_THREAD_CPUTIME_ID) - before_s));
  }
  std::printf("%.0f\n", best);
}

int run(int argc, char** argv) {
  const SelfAccount account;
  const std::string mode = argc > 1 ? argv[1] : "";
  const uint64_t steps = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const auto threads = static_cast<unsigned>(argc > 3 ? std::atoi(argv[3]) : 0);
  if (mode == "calibrate") {
    calibrate();
  } else if (mode == "deep" && steps > 0) {
    do_steps(steps, 1);
  } else if (mode == "threads" && steps > 0) {
    run_threads(8, 8, steps);
  } else if (mode == "storm" && steps > 0 && threads > 0) {
    run_threads(threads, 2, steps);
  } else {
    std::fputs("usage: cpu_workload calibrate | deep STEPS | threads STEPS | storm STEPS THREADS\n", stderr);
    return 2;
  }
  return account.write();
}

}  // namespace
}  // namespace flarestack::bench

int main(int argc, char** argv) { return flarestack::bench::run(argc, argv); }
