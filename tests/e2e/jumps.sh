#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# longjmp and siglongjmp out of frames and out of signal handlers of a fast timer, C++ exceptions through many frames and
# out of threads, forced unwinding: the same counts and results, at 10 kHz.
source "$(dirname "$0")/lib.sh"

cxx_program target <<'C'
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>
#include <future>
#include <stdexcept>
#include <string>
#include <sys/time.h>
#include <thread>
#include <vector>

static sigjmp_buf timer_back;
static volatile sig_atomic_t armed, jumps;
static void on_alarm(int) {
  if (armed) {
    armed = 0;
    ++jumps;
    siglongjmp(timer_back, 1);
  }
}
static long cpu_ms() { return std::clock() / (CLOCKS_PER_SEC / 1000); }
struct Guard {
  int& count;
  ~Guard() { ++count; }
};
[[gnu::noinline]] static int throw_deep(int depth, int& guards) {
  Guard guard{guards};
  if (depth == 0) throw std::runtime_error("from the depth");
  return throw_deep(depth - 1, guards) + 1;
}
[[gnu::noinline]] static int catch_it(int depth, int& guards) {
  try {
    return throw_deep(depth, guards);
  } catch (const std::runtime_error& error) {
    return static_cast<int>(std::string(error.what()).size());
  }
}
static jmp_buf plain_back;
[[gnu::noinline]] static int jump_deep(int depth) {
  if (depth == 0) std::longjmp(plain_back, 7);
  return jump_deep(depth - 1) + 1;
}
int main() {
  struct sigaction action {};
  action.sa_handler = on_alarm;
  action.sa_flags = SA_NODEFER;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval often{{0, 1000}, {0, 1000}}, never{};
  setitimer(ITIMER_REAL, &often, nullptr);
  volatile int returned = 0;
  while (jumps < 300) {
    if (sigsetjmp(timer_back, 1) != 0) {
      returned = returned + 1;
      continue;
    }
    armed = 1;
    while (true) {
    }
  }
  setitimer(ITIMER_REAL, &never, nullptr);
  std::printf("%d jumps, %d returned\n", int(jumps), int(returned));
  const long start = cpu_ms();
  volatile long thrown = 0, jumped = 0;
  int guards = 0;
  while (cpu_ms() - start < 500) {
    if (catch_it(20, guards) != 14) return 1;
    thrown = thrown + 21;
    if (setjmp(plain_back) == 0) jump_deep(20); else jumped = jumped + 1;
  }
  std::printf("%d %d\n", thrown == guards, jumped * 21 == thrown);
  std::vector<std::thread> threads;
  std::vector<int> counts(4);
  for (int& count : counts) {
    threads.emplace_back([&count] {
      int mine = 0;
      for (int i = 0; i < 3000; ++i) count += catch_it(30, mine);
      count += mine;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : counts) std::printf("%d\n", count);
  try {
    std::async(std::launch::async, [] { int mine = 0; return throw_deep(5, mine); }).get();
  } catch (const std::exception& error) {
    std::printf("from a thread: %s\n", error.what());
  }
  std::set_terminate([] { std::puts("terminated"); std::fflush(stdout); std::_Exit(11); });
  std::thread([] { throw 1; }).join();
}
C
for options in "--cpu 10000" "--timer posix"; do RECORD_OPTIONS="$options" same_with_and_without ./target; done
grep -qx "terminated" bare.out || fail "$(cat bare.out)"
