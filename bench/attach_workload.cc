// SPDX-License-Identifier: Apache-2.0
// What bench/attach.py attaches to: THREADS threads that allocate, work a little and free, until stdin ends. For each
// line on stdin it prints how many rounds all of them have made so far, and the CPU time of the process in ns.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

namespace {

std::atomic<bool> stop{false};

struct alignas(128) Counter {
  std::atomic<uint64_t> rounds{0};
};

[[gnu::noinline]] void work(Counter& counter) {
  while (!stop.load(std::memory_order_relaxed)) {
    void* block = std::malloc(100);
    for (int i = 0; i < 500; ++i) {
      asm volatile("" : : "r"(i));
    }
    std::free(block);
    counter.rounds.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 8;
  std::vector<Counter> counters(static_cast<size_t>(count));
  std::vector<std::thread> threads;
  for (Counter& counter : counters) {
    threads.emplace_back([&counter] { work(counter); });
  }
  char line[16];
  while (std::fgets(line, sizeof(line), stdin) != nullptr) {
    uint64_t rounds = 0;
    for (const Counter& counter : counters) {
      rounds += counter.rounds.load(std::memory_order_relaxed);
    }
    timespec cpu{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    std::printf("%llu %lld\n", static_cast<unsigned long long>(rounds),
                static_cast<long long>(cpu.tv_sec) * 1'000'000'000 + cpu.tv_nsec);
    std::fflush(stdout);
  }
  stop = true;
  for (std::thread& thread : threads) {
    thread.join();
  }
}
