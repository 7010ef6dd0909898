// SPDX-License-Identifier: Apache-2.0
// What bench/start.py weighs: a program with many threads alive, or with many that come and go. Its account of itself
// (bench/self_account.h) tells its memory.
//
//   memory_workload alive THREADS SECONDS   each thread works for SECONDS of CPU time, then all wait for the end
//   memory_workload short THREADS           one after the other, each of about 50 us
#include <array>
#include <barrier>
#include <cstring>
#include <thread>
#include <vector>

#include "bench/self_account.h"
#include "bench/stack_walk.h"

namespace flarestack::bench {
namespace {

void count(StackWalk& walk) {
  for (unsigned i = 0; i < 300; ++i) {
    walk.sum += walk.random.below(1000);
  }
}

void work(double seconds, uint64_t seed) {
  StackWalk walk{.random = {seed + 1}, .step = count, .extra = nullptr};
  const double start_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  do {
    walk.run(10);
  } while (seconds_of(CLOCK_THREAD_CPUTIME_ID) - start_s < seconds);
}

int run_alive(SelfAccount& account, unsigned threads, double seconds) {
  std::barrier all_worked(threads + 1);
  std::barrier weighed(threads + 1);
  std::vector<std::thread> running;
  for (unsigned i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      work(seconds, i);
      all_worked.arrive_and_wait();
      weighed.arrive_and_wait();
    });
  }
  all_worked.arrive_and_wait();
  const int status = account.write();
  weighed.arrive_and_wait();
  for (std::thread& thread : running) {
    thread.join();
  }
  return status;
}

int run_short(SelfAccount& account, unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) {
    std::thread([i] { work(50e-6, i); }).join();
  }
  return account.write();
}

int run(int argc, char** argv) {
  SelfAccount account;
  const auto threads = static_cast<unsigned>(argc > 2 ? std::atoi(argv[2]) : 0);
  if (argc == 4 && std::strcmp(argv[1], "alive") == 0 && threads > 0) {
    return run_alive(account, threads, std::strtod(argv[3], nullptr));
  }
  if (argc == 3 && std::strcmp(argv[1], "short") == 0 && threads > 0) {
    return run_short(account, threads);
  }
  std::fputs("usage: memory_workload alive THREADS SECONDS | short THREADS\n", stderr);
  return 2;
}

}  // namespace
}  // namespace flarestack::bench

int main(int argc, char** argv) { return flarestack::bench::run(argc, argv); }
