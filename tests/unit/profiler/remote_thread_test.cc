// SPDX-License-Identifier: Apache-2.0
#include "profiler/remote_thread.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <vector>

#include <catch2/catch.hpp>

#include "profiler/mapping_at.h"
#include "tests/unit/profiler/remote_target.h"

namespace flarestack {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

// One visit: takes a thread, makes calls, lets go; the pause.
uint64_t visit(const RemoteTarget& target) {
  Result<RemoteThread> thread = RemoteThread::take(target.pid());
  if (!thread.ok()) FAIL(thread.error().message);
  CHECK(*thread->syscall(SYS_getpid, {}) == target.pid());
  CHECK(*thread->syscall(SYS_close, {12345}) == -EBADF);
  Result<uint64_t> sum = thread->call(target.shared().function, {1, 2, 3}, kSecondNs);
  if (!sum.ok()) FAIL(sum.error().message);
  CHECK(*sum == 14);
  CHECK(*thread->syscall(SYS_getppid, {}) == getpid());
  thread->let_go();
  return thread->pause_ns();
}

std::vector<std::string> programs() {
  std::vector<std::string> found;
  for (const char* name :
       {"remote_target", "remote_target_static", "remote_target_musl", "remote_target_musl_static"}) {
    if (std::filesystem::exists(RemoteTarget::program(name))) {
      found.emplace_back(name);
    }
  }
  return found;
}

}  // namespace

TEST_CASE("a program that is entered notices nothing, whatever it does") {
  const std::string mode =
      GENERATE("busy", "handler", "read", "nanosleep", "epoll", "epoll_timeout", "poll", "futex", "recv");
  for (const std::string& program : programs()) {
    INFO(program << " " << mode);
    RemoteTarget target(program, mode);
    std::vector<uint64_t> pauses;
    for (int i = 0; i < 10; ++i) {
      pauses.push_back(visit(target));
      usleep(static_cast<useconds_t>(i % 5 * 3000));
    }
    target.check();
    CHECK(target.shared().interrupted == 0);
    std::sort(pauses.begin(), pauses.end());
    CHECK(pauses[pauses.size() / 2] < kSecondNs / 10);
    if (getenv("REMOTE_PAUSES"))
      WARN(program << " " << mode << " pause us: " << pauses[5] / 1000 << " max " << pauses.back() / 1000);
  }
}

TEST_CASE("a room that is kept is found by the next thread that is taken, unless the program has taken it away") {
  for (const char* mode : {"busy", "nanosleep", "epoll_timeout"}) {
    INFO(mode);
    RemoteTarget target("remote_target", mode);
    RemoteRoom room;
    uint64_t first = 0;
    for (int i = 0; i < 6; ++i) {
      Result<RemoteThread> thread = RemoteThread::take(target.pid(), {}, &room);
      if (!thread.ok()) FAIL(thread.error().message);
      CHECK(*thread->call(target.shared().function, {1, 2, 3}, kSecondNs) == 14);
      thread->keep_room(room);
      thread->let_go();
      CHECK((i == 0 || i == 4 || room.address == first));
      first = room.address;
      if (i == 3) {  // another take has it unmapped
        RemoteRoom gone = room;
        Result<RemoteThread> other = RemoteThread::take(target.pid(), {}, &gone);
        if (!other.ok()) FAIL(other.error().message);
        other->let_go();
        CHECK_FALSE(mapping_at(target.pid(), first));
      }
    }
    CHECK(mapping_at(target.pid(), first));
    target.check();
    CHECK(target.shared().interrupted == 0);
  }
}

TEST_CASE("signals that arrive meanwhile are delivered once each") {
  for (const char* mode : {"busy", "futex", "nanosleep"}) {
    INFO(mode);
    RemoteTarget target("remote_target", mode);
    constexpr uint64_t kSignals = 20;
    for (uint64_t i = 0; i < kSignals; ++i) {
      Result<RemoteThread> thread = RemoteThread::take(target.pid());
      if (!thread.ok()) FAIL(thread.error().message);
      REQUIRE(sigqueue(target.pid(), SIGRTMIN, {}) == 0);
      CHECK(*thread->call(target.shared().function, {1, 2, 3}, kSecondNs) == 14);
    }
    CHECK(target.goes_on());
    CHECK(target.shared().signals == kSignals);
    target.check();
  }
}

TEST_CASE("a function that faults or takes too long ends there, and the program goes on") {
  RemoteTarget target("remote_target", "nanosleep");
  {
    Result<RemoteThread> thread = RemoteThread::take(target.pid());
    if (!thread.ok()) FAIL(thread.error().message);
    CHECK_FALSE(thread->call(8, {}, kSecondNs).ok());
    CHECK(*thread->call(target.shared().function, {4, 5, 6}, kSecondNs) == 32);
  }
  target.check();
  {
    Result<RemoteThread> thread = RemoteThread::take(target.pid());
    if (!thread.ok()) FAIL(thread.error().message);
    CHECK_FALSE(thread->call(target.shared().spin, {}, kSecondNs / 20).ok());
    CHECK(*thread->syscall(SYS_getpid, {}) == target.pid());
  }
  target.check();
}

TEST_CASE("a thread that we cannot look after goes its way, with what it was called for done") {
  RemoteTarget target("remote_target", "nanosleep");
  {
    Result<RemoteThread> thread = RemoteThread::take(target.pid());
    if (!thread.ok()) FAIL(thread.error().message);
    const pid_t helper = fork();
    if (helper == 0) {  // has us stand still from before the end of the function until long after it
      usleep(100'000);
      kill(getppid(), SIGSTOP);
      usleep(5'000'000);
      kill(getppid(), SIGCONT);
      _exit(0);
    }
    CHECK(*thread->call(target.shared().slow, {1, 2, 3}, kSecondNs) == 14);
    CHECK(waitpid(helper, nullptr, 0) == helper);
    CHECK(thread->syscall(SYS_getpid, {}).error().message.find("no longer be entered") != std::string::npos);
  }
  target.check();
  CHECK(target.shared().interrupted == 0);
  CHECK(visit(target) > 0);
}

TEST_CASE("a program that is stopped while it is entered stays stopped until it is continued") {
  RemoteTarget target("remote_target", "busy");
  {
    Result<RemoteThread> thread = RemoteThread::take(target.pid());
    if (!thread.ok()) FAIL(thread.error().message);
    kill(target.pid(), SIGSTOP);
    CHECK(*thread->call(target.shared().function, {1, 2, 3}, kSecondNs) == 14);
  }
  const Result<RemoteThread> refused = RemoteThread::take(target.pid());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("kill -CONT") != std::string::npos);
  kill(target.pid(), SIGCONT);
  target.check();
}

TEST_CASE("a program that ends meanwhile is said to be gone") {
  RemoteTarget target("remote_target", "busy");
  Result<RemoteThread> thread = RemoteThread::take(target.pid());
  if (!thread.ok()) FAIL(thread.error().message);
  kill(target.pid(), SIGKILL);
  CHECK_FALSE(thread->syscall(SYS_getpid, {}).ok());
  CHECK_FALSE(thread->syscall(SYS_getpid, {}).ok());
}

}  // namespace flarestack
