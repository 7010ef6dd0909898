// SPDX-License-Identifier: Apache-2.0
#include "profiler/timed_run.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

Result<TimedRun> run_shell(const std::string& script) {
  TimedRunOptions options;
  options.command = {"/bin/sh", "-c", script};
  return timed_run(options);
}

TEST_CASE("a command's time, its processor time and that of its children are measured") {
  const Result<TimedRun> sleeps = run_shell("exec sleep 0.05");
  REQUIRE(sleeps.ok());
  CHECK(sleeps->wall_ns >= 50'000'000);
  CHECK(sleeps->wall_ns < 5'000'000'000);
  CHECK(sleeps->user_ns + sleeps->system_ns < 40'000'000);
  const Result<TimedRun> works = run_shell("(i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done); true");
  REQUIRE(works.ok());
  CHECK(works->user_ns > 5'000'000);
  CHECK(works->user_ns <= works->wall_ns + 10'000'000);
}

TEST_CASE("the peak is that of the largest process, and not ours") {
  const Result<TimedRun> small = run_shell("true");
  const Result<TimedRun> large = run_shell("head -c 60000000 /dev/zero | tail -c 50000000 | wc -c");
  REQUIRE(small.ok());
  REQUIRE(large.ok());
  CHECK(large->peak_rss_bytes > 50'000'000);
  CHECK(large->peak_rss_bytes < 90'000'000);
  CHECK(small->peak_rss_bytes >= small->floor_rss_bytes);
  // This process is much larger than a shell, which is larger than what the child leaves.
  CHECK(small->floor_rss_bytes > 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(small->floor_rss_bytes < 1'000'000);
  CHECK(small->peak_rss_bytes < 2'500'000);
#endif
}

TEST_CASE("how a command ends is told, and that it cannot be started") {
  const Result<TimedRun> fails = run_shell("exit 3");
  REQUIRE(fails.ok());
  CHECK(shell_status(fails->wait_status) == 3);
  const Result<TimedRun> dies = run_shell("kill -SEGV $$");
  REQUIRE(dies.ok());
  CHECK(shell_status(dies->wait_status) == 128 + SIGSEGV);
  TimedRunOptions options;
  options.command = {"/no/such/program"};
  const Result<TimedRun> missing = timed_run(options);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message == "run /no/such/program: No such file or directory");
}

TEST_CASE("the environment is longer by what was asked for, and ours is as before") {
  TimedRunOptions options;
  options.command = {"/bin/sh", "-c", "test ${#FLARESTACK_PADDING} = 777 && ! read -r line"};
  options.padding_bytes = 777;
  const Result<TimedRun> run = timed_run(options);
  REQUIRE(run.ok());
  CHECK(run->wait_status == 0);
  CHECK(std::getenv("FLARESTACK_PADDING") == nullptr);
}

TEST_CASE("an interrupt ends the command that runs") {
  const InterruptGuard guard;
  CHECK_FALSE(InterruptGuard::interrupted());
  // The command itself says when it runs: it interrupts us.
  const Result<TimedRun> run = run_shell("kill -INT $PPID; sleep 20 & wait; exit 7");
  REQUIRE(run.ok());
  CHECK(InterruptGuard::interrupted());
  CHECK(shell_status(run->wait_status) == 128 + SIGTERM);
  CHECK(run->wall_ns < 15'000'000'000);
}

TEST_CASE("a command that does not mind is killed at the second interrupt") {
  const InterruptGuard guard;
  const Result<TimedRun> run = run_shell("trap '' TERM; kill -INT $PPID; sleep 0.1; kill -INT $PPID; exec sleep 20");
  REQUIRE(run.ok());
  CHECK(shell_status(run->wait_status) == 128 + SIGKILL);
}

}  // namespace
}  // namespace flarestack
