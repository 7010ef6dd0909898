// SPDX-License-Identifier: Apache-2.0
// RemoteTarget: a running tests/unit/profiler/remote_target.cc, which checks itself. For tests.
#pragma once

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include "profiler/clock.h"

namespace flarestack {

class RemoteTarget {
 public:
  struct Shared {
    volatile uint64_t progress;
    volatile uint64_t faults;
    volatile uint64_t interrupted;
    volatile uint64_t signals;
    volatile uint64_t function;  // (a, b, c): a + 2 b + 3 c; spoils registers
    volatile uint64_t spin;      // does not return
    volatile uint64_t slow;      // as `function`, after 0.3 s
    char what[80];
  };

  // Built beside the test: remote_target, remote_target_static, and with musl remote_target_musl and _musl_static.
  static std::string program(const std::string& name) {
    return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
  }

  RemoteTarget(const std::string& name, const std::string& mode) {
    const int file = memfd_create("remote_target", 0);
    REQUIRE(file >= 0);
    REQUIRE(ftruncate(file, 4096) == 0);
    shared_ = static_cast<Shared*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    const std::string path = program(name);
    const std::string descriptor = std::to_string(file);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execl(path.c_str(), path.c_str(), mode.c_str(), descriptor.c_str(), nullptr);
      _exit(127);
    }
    close(file);
    REQUIRE(goes_on());
  }
  ~RemoteTarget() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    munmap(shared_, 4096);
  }
  RemoteTarget(const RemoteTarget&) = delete;
  RemoteTarget& operator=(const RemoteTarget&) = delete;

  pid_t pid() const { return pid_; }
  const Shared& shared() const { return *shared_; }

  // Two rounds are begun and ended after this call.
  bool goes_on() const {
    constexpr uint64_t kTimeoutNs = 10'000'000'000;
    const uint64_t before = shared_->progress;
    const uint64_t start_ns = monotonic_now_ns();
    while (shared_->progress < before + 2) {
      siginfo_t end{};
      waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT);
      if (end.si_pid != 0 || monotonic_now_ns() - start_ns > kTimeoutNs) {
        return false;
      }
      usleep(500);
    }
    return true;
  }

  void check() const {
    CHECK(goes_on());
    INFO(shared_->what);
    CHECK(shared_->faults == 0);
  }

 private:
  pid_t pid_ = -1;
  Shared* shared_ = nullptr;
};

}  // namespace flarestack
