// SPDX-License-Identifier: Apache-2.0
#include "profiler/remote_thread.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

extern "C" __attribute__((noinline)) uint64_t add_three(uint64_t a, uint64_t b, uint64_t c) {
  return a + 2 * b + 3 * c;
}

}  // namespace

TEST_CASE("a busy thread makes system calls and calls functions for us") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (;;) asm volatile("");
  }
  {
    Result<RemoteThread> thread = RemoteThread::take(child);
    if (!thread.ok()) FAIL(thread.error().message);
    Result<int64_t> pid = thread->syscall(SYS_getpid, {});
    REQUIRE(pid.ok());
    CHECK(*pid == child);
    CHECK(*thread->syscall(SYS_close, {12345}) == -EBADF);
    for (int i = 0; i < 10; ++i) {
      Result<uint64_t> sum = thread->call(reinterpret_cast<uint64_t>(&add_three), {1, 2, 3}, kSecondNs);
      if (!sum.ok()) FAIL(sum.error().message);
      CHECK(*sum == 14);
      CHECK(*thread->syscall(SYS_getppid, {}) == getpid());
    }
    thread->let_go();
  }
  usleep(10000);
  int status = 0;
  CHECK(waitpid(child, &status, WNOHANG) == 0);
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  CHECK(WTERMSIG(status) == SIGKILL);
}

}  // namespace flarestack
