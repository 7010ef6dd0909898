// SPDX-License-Identifier: Apache-2.0
// Ends of real processes: children of this one, as zombies and reaped.
#include "profiler/process_exit.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <optional>

#include <catch2/catch.hpp>

#include "base/fd.h"

namespace flarestack {
namespace {

// A child that runs `body` and, if that returns, exits with 0.
class Child {
 public:
  template <typename Body>
  explicit Child(Body body) : pid_(fork()) {
    if (pid_ == 0) {
      body();
      _exit(0);
    }
    REQUIRE(pid_ > 0);
    pidfd_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    REQUIRE(pidfd_);
  }
  ~Child() {
    if (!reaped_) {
      kill(pid_, SIGKILL);
      reap();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  void wait_until_zombie() const {
    pollfd state{pidfd_.get(), POLLIN, 0};
    REQUIRE(poll(&state, 1, 10'000) == 1);
  }
  int reap() {
    reaped_ = true;
    int wait_status = 0;
    waitpid(pid_, &wait_status, 0);
    return wait_status;
  }

 private:
  pid_t pid_;
  Fd pidfd_;
  bool reaped_ = false;
};

void burn_cpu(uint64_t cpu_ns) {
  timespec now{};
  do {
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  } while (static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec) < cpu_ns);
}

void die_of(int signal) {
  std::signal(signal, SIG_DFL);
  raise(signal);
}

// Keeps a child that has named itself until it is killed.
class NamedChild {
 public:
  explicit NamedChild(const char* name) {
    REQUIRE(pipe(named_) == 0);
    child_.emplace([&] {
      prctl(PR_SET_NAME, name);
      if (write(named_[1], "x", 1) == 1) {
        pause();
      }
    });
    char byte = 0;
    REQUIRE(read(named_[0], &byte, 1) == 1);
  }
  ~NamedChild() {
    close(named_[0]);
    close(named_[1]);
  }
  NamedChild(const NamedChild&) = delete;
  NamedChild& operator=(const NamedChild&) = delete;
  const Child& operator*() const { return *child_; }

 private:
  int named_[2];
  std::optional<Child> child_;
};

bool same(ExitStatus a, ExitStatus b) { return a.kind == b.kind && a.code == b.code; }

// Pids are below kernel.pid_max, which is at most this (include/linux/threads.h, PID_MAX_LIMIT).
constexpr int32_t kNobody = 1 << 22;

}  // namespace

TEST_CASE("a wait status is an exit, a death by signal, or nothing known") {
  CHECK(same(exit_from_wait_status(0), {ExitKind::kExited, 0}));
  CHECK(same(exit_from_wait_status(255 << 8), {ExitKind::kExited, 255}));
  CHECK(same(exit_from_wait_status(SIGKILL), {ExitKind::kSignaled, SIGKILL}));
  CHECK(same(exit_from_wait_status(SIGSEGV | 0x80), {ExitKind::kSignaled, SIGSEGV}));  // with a core
  CHECK(same(exit_from_wait_status(SIGSTOP << 8 | 0x7f), {}));                         // stopped, not ended
}

TEST_CASE("the exit of a zombie is known") {
  const Child exited([] { _exit(42); });
  const Child killed([] { die_of(SIGKILL); });
  const Child terminated([] { die_of(SIGTERM); });
  for (const Child* child : {&exited, &killed, &terminated}) {
    child->wait_until_zombie();
  }
  CHECK(same(exit_of(exited.pidfd(), exited.pid()), {ExitKind::kExited, 42}));
  CHECK(same(exit_of(killed.pidfd(), killed.pid()), {ExitKind::kSignaled, SIGKILL}));
  CHECK(same(exit_of(terminated.pidfd(), terminated.pid()), {ExitKind::kSignaled, SIGTERM}));
}

TEST_CASE("of a process that was reaped, the exit is what the kernel still tells, or unknown, and never another's") {
  Child child([] { _exit(42); });
  child.wait_until_zombie();
  CHECK(WEXITSTATUS(child.reap()) == 42);
  const ExitStatus exit = exit_of(child.pidfd(), child.pid());
  CHECK((same(exit, {ExitKind::kExited, 42}) || same(exit, {})));  // before Linux 6.15 nobody tells
}

TEST_CASE("a living process has no exit, whatever its name is") {
  const NamedChild named(") Z 1 ) Z 2");
  CHECK(same(exit_of((*named).pidfd(), (*named).pid()), {}));
}

TEST_CASE("the CPU time of a zombie is that of all it did, and that of a process that is gone 0") {
  Child child([] { burn_cpu(30'000'000); });
  child.wait_until_zombie();
  const uint64_t cpu_ns = process_cpu_ns(child.pid());
  CHECK(cpu_ns >= 30'000'000);
  CHECK(process_cpu_ns(child.pid()) == cpu_ns);  // it does not go on
  child.reap();
  CHECK(process_cpu_ns(child.pid()) == 0);
  CHECK(process_cpu_ns(kNobody) == 0);
}

TEST_CASE("the CPU time of a living process has all its threads, and grows") {
  const uint64_t before_ns = process_cpu_ns(getpid());
  burn_cpu(before_ns + 20'000'000);
  CHECK(process_cpu_ns(getpid()) >= before_ns + 20'000'000);
}

TEST_CASE("a process's parent is found behind any name") {
  const NamedChild named(") R 1 (x) S 2");
  CHECK(parent_pid((*named).pid()) == getpid());
  CHECK(parent_pid(getpid()) == getppid());
  CHECK(parent_pid(kNobody) == 0);
}

}  // namespace flarestack
