// SPDX-License-Identifier: Apache-2.0
#include "profiler/timed_run.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <new>
#include <sstream>

#include "base/fd.h"
#include "base/raw_syscall.h"
#include "profiler/launcher.h"

namespace flarestack {
namespace {

constexpr uintptr_t kPageBytes = 4096;
constexpr std::array kInterrupts = {SIGINT, SIGTERM, SIGHUP};
constexpr const char* kPaddingName = "FLARESTACK_PADDING=";

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

int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return nanoseconds(now);
}

int64_t nanoseconds(const timeval& time) { return time.tv_sec * 1'000'000'000LL + time.tv_usec * 1000LL; }

uint64_t rss_bytes(const rusage& usage) { return static_cast<uint64_t>(usage.ru_maxrss) * 1024; }

// The child's memory is a copy of ours, and exec counts it into the peak of the command. So the child drops what it
// does not need, has the kernel forget the peak so far, and from there on calls nothing outside of its own function: no
// library is linked any more. What it needs is in a mapping of both.
struct MemoryRange {
  uintptr_t start = 0;
  size_t size_bytes = 0;
};

struct Departure {
  const char* path = nullptr;
  char** arguments = nullptr;
  char** environment = nullptr;
  MemoryRange* dropped = nullptr;
  size_t dropped_count = 0;
  char peak_file[24] = "/proc/self/clear_refs";  // proc(5): after a 5 the peak is what is resident
  char forget_peak = '5';
  // What the child says before it is the command.
  timespec time{};
  rusage usage{};
  int exec_errno = 0;
};

// The mapping that a Departure and all that it points to lie in.
class SharedBlock {
 public:
  explicit SharedBlock(size_t size_bytes)
      : size_bytes_(size_bytes),
        start_(mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {}
  ~SharedBlock() {
    if (mapped()) munmap(start_, size_bytes_);
  }
  SharedBlock(const SharedBlock&) = delete;
  SharedBlock& operator=(const SharedBlock&) = delete;

  bool mapped() const { return start_ != MAP_FAILED; }
  // Room for all that will be asked for was in the size.
  template <typename T>
  T* make(size_t count) {
    used_ = (used_ + alignof(T) - 1) / alignof(T) * alignof(T);
    T* made = new (static_cast<std::byte*>(start_) + used_) T[count]();
    used_ += count * sizeof(T);
    return made;
  }
  char** copy(const std::vector<std::string>& texts) {
    char** copies = make<char*>(texts.size() + 1);
    for (size_t i = 0; i < texts.size(); ++i) copies[i] = copy(texts[i]);
    return copies;
  }
  char* copy(const std::string& text) {
    char* made = make<char>(text.size() + 1);
    text.copy(made, text.size());
    return made;
  }

 private:
  size_t size_bytes_;
  void* start_;
  size_t used_ = 0;
};

// In a section of its own, whose bounds the linker gives: the pages around it are dropped as well.
extern "C" const char __start_flarestack_departure[];
extern "C" const char __stop_flarestack_departure[];

// The private mappings but for the stack that we run on, the pages of depart(), what is the kernel's, and the thread's
// own block, where the kernel writes on which processor it runs (rseq(2)) whenever it was preempted.
std::vector<MemoryRange> private_memory() {
  std::vector<MemoryRange> ranges;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return ranges;  // their instrumentation needs its memory
#endif
  const Result<std::string> maps = read_file("/proc/self/maps");
  if (!maps.ok()) return ranges;
  const auto stack = reinterpret_cast<uintptr_t>(&ranges);
  const auto code_start = reinterpret_cast<uintptr_t>(__start_flarestack_departure) / kPageBytes * kPageBytes;
  const auto code_end =
      (reinterpret_cast<uintptr_t>(__stop_flarestack_departure) + kPageBytes - 1) / kPageBytes * kPageBytes;
  const auto thread = reinterpret_cast<uintptr_t>(&errno);
  std::istringstream lines(*maps);
  for (std::string line; std::getline(lines, line);) {
    uintptr_t start = 0;
    uintptr_t end = 0;
    std::array<char, 5> rights{};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &start, &end, rights.data()) != 3) continue;
    const auto holds = [&](uintptr_t address) { return start <= address && address < end; };
    const bool is_needed = holds(stack) || holds(thread) || line.find("[v") != std::string::npos;
    if (rights[3] != 'p' || is_needed) continue;
    if (holds(code_start)) {
      if (start < code_start) ranges.push_back({start, code_start - start});
      if (code_end < end) ranges.push_back({code_end, end - code_end});
    } else if (!ranges.empty() && ranges.back().start + ranges.back().size_bytes == start) {
      ranges.back().size_bytes += end - start;  // one call for a whole library
    } else {
      ranges.push_back({start, end - start});
    }
  }
  return ranges;
}

// In the child, beyond the last call of a library.
[[noreturn, gnu::noinline, gnu::section("flarestack_departure")]] void depart(Departure& departure) {
  for (size_t i = 0; i < departure.dropped_count; ++i) {
    raw_syscall(SYS_munmap, static_cast<long>(departure.dropped[i].start),
                static_cast<long>(departure.dropped[i].size_bytes));
  }
  const long peak = raw_syscall(SYS_open, raw_pointer(departure.peak_file), O_WRONLY | O_CLOEXEC);
  if (!raw_failed(peak)) {
    raw_syscall(SYS_write, peak, raw_pointer(&departure.forget_peak), 1);
    raw_syscall(SYS_close, peak);
  }
  raw_syscall(SYS_getrusage, RUSAGE_SELF, raw_pointer(&departure.usage));
  raw_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, raw_pointer(&departure.time));
  const long result = raw_syscall(SYS_execve, raw_pointer(departure.path), raw_pointer(departure.arguments),
                                  raw_pointer(departure.environment));
  departure.exec_errno = static_cast<int>(-result);
  for (;;) raw_syscall(SYS_exit_group, 127);
}

// In the child: calls what is safe there alone, since another thread may have held any lock.
[[noreturn]] void become(const TimedRunOptions& options, int nothing, const sigset_t& mask, Departure& departure) {
  for (size_t i = 0; guarded && i < kInterrupts.size(); ++i)
    sigaction(kInterrupts[i], &dispositions_before[i], nullptr);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  dup2(nothing, 0);
  if (options.output == CommandOutput::kDiscarded) {
    dup2(nothing, 1);
    dup2(nothing, 2);
  }
  depart(departure);
}

std::vector<std::string> environment_with(size_t padding_bytes) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  if (padding_bytes != 0) variables.push_back(kPaddingName + std::string(padding_bytes, 'x'));
  return variables;
}

size_t room_for(const std::vector<std::string>& texts) {
  size_t size_bytes = (texts.size() + 1) * sizeof(char*) + alignof(char*);
  for (const std::string& text : texts) size_bytes += text.size() + 1;
  return size_bytes;
}

}  // namespace

int shell_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

Result<TimedRun> timed_run(const TimedRunOptions& options) {
  const Result<Fd> nothing = open_file("/dev/null", O_RDWR);
  if (!nothing.ok()) return nothing.error();
  const std::vector<std::string> environment = environment_with(options.padding_bytes);
  const std::vector<MemoryRange> dropped = private_memory();
  const std::string path = find_program(options.command[0]);
  SharedBlock block(sizeof(Departure) + room_for(options.command) + room_for(environment) + path.size() + 1 +
                    (dropped.size() + 1) * sizeof(MemoryRange));
  if (!block.mapped()) return errno_error("map memory");
  Departure& departure = *block.make<Departure>(1);
  departure.dropped = block.make<MemoryRange>(dropped.size());
  departure.dropped_count = dropped.size();
  std::copy(dropped.begin(), dropped.end(), departure.dropped);
  departure.arguments = block.copy(options.command);
  departure.environment = block.copy(environment);
  departure.path = block.copy(path);

  // An interrupt between the fork and the store would miss the child.
  sigset_t interrupt_set;
  sigset_t mask;
  sigemptyset(&interrupt_set);
  for (const int signal : kInterrupts) sigaddset(&interrupt_set, signal);
  sigprocmask(SIG_BLOCK, &interrupt_set, &mask);
  const int pid = fork();
  if (pid == 0) become(options, nothing->get(), mask, departure);
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
  if (departure.exec_errno != 0) return errno_error("run " + options.command[0], departure.exec_errno);
  const int64_t start_ns = nanoseconds(departure.time);
  if (start_ns == 0) return Error{"run " + options.command[0] + ": it was ended before it began"};
  run.wall_ns = end_ns - start_ns;
  run.user_ns = nanoseconds(usage.ru_utime) - nanoseconds(departure.usage.ru_utime);
  run.system_ns = nanoseconds(usage.ru_stime) - nanoseconds(departure.usage.ru_stime);
  run.peak_rss_bytes = rss_bytes(usage);
  run.floor_rss_bytes = rss_bytes(departure.usage);
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
