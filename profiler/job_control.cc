// SPDX-License-Identifier: Apache-2.0
// Problem: a stopped recorder cannot see that the program goes on, if the program alone was continued. It would stay
// stopped for ever, and whoever waits for it would too.
// Choice: a process of ours looks at the child's state meanwhile, and continues the recorder. It looks often at first,
// when a stop is likely to be somebody's way of throttling the program, and 20 times a second later.
#include "profiler/job_control.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <new>

#include "profiler/clock.h"
#include "profiler/process_exit.h"

namespace flarestack {
namespace {

constexpr uint64_t kMinLookIntervalNs = 1'000'000;
constexpr uint64_t kMaxLookIntervalNs = 50'000'000;

// The watching process. Out of the process group, where the terminal and the shell would stop it as well.
[[noreturn]] void watch(int32_t recorder_pid, int32_t child_pid, uint64_t deadline_ns, std::atomic<bool>* woke) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setsid();
  const uint64_t start_ns = monotonic_now_ns();
  while (getppid() == recorder_pid) {
    const uint64_t now_ns = monotonic_now_ns();
    const uint64_t interval_ns = std::clamp((now_ns - start_ns) / 10, kMinLookIntervalNs, kMaxLookIntervalNs);
    const timespec interval{0, static_cast<long>(interval_ns)};
    nanosleep(&interval, nullptr);
    if (!process_stopped(child_pid) || now_ns >= deadline_ns) {
      woke->store(true);
      // Again and again: the recorder may not have come to stop yet. It ends us when it goes on.
      kill(recorder_pid, SIGCONT);
    }
  }
  _exit(0);
}

// By the signal's default action, in place of the guard's.
void stop_by(int signal) {
  struct sigaction stop {
  }, before{};
  stop.sa_handler = SIG_DFL;
  sigset_t set, mask;
  sigemptyset(&set);
  sigaddset(&set, signal);
  if (signal != SIGSTOP) {
    sigaction(signal, &stop, &before);
    sigprocmask(SIG_UNBLOCK, &set, &mask);
  }
  kill(getpid(), signal);
  if (signal != SIGSTOP) {
    sigprocmask(SIG_SETMASK, &mask, nullptr);
    sigaction(signal, &before, nullptr);
  }
}

}  // namespace

int stop_signal_of(int32_t child_pid) {
  siginfo_t info{};
  const bool stopped =
      waitid(P_PID, static_cast<id_t>(child_pid), &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
  return stopped ? info.si_status : 0;
}

bool stop_with_child(int signal, int32_t child_pid, uint64_t deadline_ns) {
  void* shared = mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    return false;
  }
  auto* woke = new (shared) std::atomic<bool>(false);
  const int32_t recorder_pid = getpid();
  const pid_t watcher = fork();
  if (watcher < 0) {
    munmap(shared, sizeof(*woke));
    return false;
  }
  if (watcher == 0) {
    watch(recorder_pid, child_pid, deadline_ns, woke);
  }
  stop_by(signal);
  kill(watcher, SIGKILL);
  while (waitpid(watcher, nullptr, 0) < 0 && errno == EINTR) {
  }
  const bool by_another = !woke->load();
  munmap(shared, sizeof(*woke));
  return by_another;
}

}  // namespace flarestack
