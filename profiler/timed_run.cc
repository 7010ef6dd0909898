// SPDX-License-Identifier: Apache-2.0
#include "profiler/timed_run.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <new>

namespace flarestack {
namespace {

constexpr std::array kInterrupts = {SIGINT, SIGTERM, SIGHUP};
constexpr const char* kPaddingName = "FLARESTACK_PADDING";

std::atomic<int> running_pid = 0;
std::atomic<int> interrupts = 0;
std::array<struct sigaction, kInterrupts.size()> dispositions_before;
bool guarded = false;

void on_interrupt(int) {
  const int saved_errno = errno;
  const int before = interrupts.fetch_add(1, std::memory_order_relaxed);
  // A pid here is a child that has not been reaped yet.
  if (const int pid = running_pid.load(std::memory_order_relaxed); pid != 0) kill(pid, before == 0 ? SIGTERM : SIGKILL);
  errno = saved_errno;
}

int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

int64_t nanoseconds(const timeval& time) { return time.tv_sec * 1'000'000'000LL + time.tv_usec * 1000LL; }

uint64_t rss_bytes(const rusage& usage) { return static_cast<uint64_t>(usage.ru_maxrss) * 1024; }

// What the child says before it is the command, in a page that both have.
struct Departure {
  int64_t time_ns = 0;
  rusage usage{};
  int exec_errno = 0;
};

struct UnmapPage {
  void operator()(Departure* page) const { munmap(page, sizeof(Departure)); }
};

// In the child: calls what is safe there alone, since another thread may have held any lock.
[[noreturn]] void become(char* const* arguments, const TimedRunOptions& options, const sigset_t& mask,
                         Departure& page) {
  for (size_t i = 0; guarded && i < kInterrupts.size(); ++i)
    sigaction(kInterrupts[i], &dispositions_before[i], nullptr);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  const int nothing = open("/dev/null", O_RDWR);  // NOLINT: no O_CLOEXEC needed on what is duplicated below
  dup2(nothing, 0);
  if (options.output == CommandOutput::kDiscarded) {
    dup2(nothing, 1);
    dup2(nothing, 2);
  }
  if (nothing > 2) close(nothing);
  getrusage(RUSAGE_SELF, &page.usage);
  page.time_ns = now_ns();
  execvp(arguments[0], arguments);
  page.exec_errno = errno;
  _exit(127);
}

// The command's environment is ours: a variable more for the child is one for us until it has been made.
class Padding {
 public:
  explicit Padding(size_t bytes) : used_(bytes != 0) {
    if (used_) setenv(kPaddingName, std::string(bytes, 'x').c_str(), 1);
  }
  ~Padding() {
    if (used_) unsetenv(kPaddingName);
  }
  Padding(const Padding&) = delete;
  Padding& operator=(const Padding&) = delete;

 private:
  bool used_;
};

}  // namespace

int shell_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

Result<TimedRun> timed_run(const TimedRunOptions& options) {
  void* mapped = mmap(nullptr, sizeof(Departure), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return errno_error("map a page");
  const std::unique_ptr<Departure, UnmapPage> page(new (mapped) Departure);
  std::vector<char*> arguments;
  for (const std::string& word : options.command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const Padding padding(options.padding_bytes);

  // An interrupt between the fork and the store would miss the child.
  sigset_t interrupt_set;
  sigset_t mask;
  sigemptyset(&interrupt_set);
  for (const int signal : kInterrupts) sigaddset(&interrupt_set, signal);
  sigprocmask(SIG_BLOCK, &interrupt_set, &mask);
  const int pid = fork();
  if (pid == 0) become(arguments.data(), options, mask, *page);
  const int fork_errno = errno;
  if (pid > 0) running_pid.store(pid, std::memory_order_relaxed);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  if (pid < 0) return errno_error("start " + options.command[0], fork_errno);

  siginfo_t ended;
  while (waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  const int64_t end_ns = now_ns();
  running_pid.store(0, std::memory_order_relaxed);  // beyond this point the pid may be another's
  TimedRun run;
  rusage usage{};
  while (wait4(pid, &run.wait_status, 0, &usage) < 0) {
    if (errno != EINTR) return errno_error("wait for " + options.command[0]);
  }
  if (page->exec_errno != 0) return errno_error("run " + options.command[0], page->exec_errno);
  if (page->time_ns == 0) return Error{"run " + options.command[0] + ": it was ended before it began"};
  run.wall_ns = end_ns - page->time_ns;
  run.user_ns = nanoseconds(usage.ru_utime) - nanoseconds(page->usage.ru_utime);
  run.system_ns = nanoseconds(usage.ru_stime) - nanoseconds(page->usage.ru_stime);
  run.peak_rss_bytes = rss_bytes(usage);
  run.floor_rss_bytes = rss_bytes(page->usage);
  return run;
}

InterruptGuard::InterruptGuard() {
  interrupts.store(0, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  for (size_t i = 0; i < kInterrupts.size(); ++i) sigaction(kInterrupts[i], &action, &dispositions_before[i]);
  guarded = true;
}

InterruptGuard::~InterruptGuard() {
  guarded = false;
  for (size_t i = 0; i < kInterrupts.size(); ++i) sigaction(kInterrupts[i], &dispositions_before[i], nullptr);
}

bool InterruptGuard::interrupted() { return interrupts.load(std::memory_order_relaxed) != 0; }

}  // namespace flarestack
