// SPDX-License-Identifier: Apache-2.0
#include "profiler/machine_facts.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include <elfutils/libdwelf.h>
#include <fmt/format.h>
#include <libelf.h>

#include "base/fd.h"

namespace flarestack {

namespace {

std::optional<int> read_number(const std::string& path) {
  const Result<std::string> text = read_file(path);
  if (!text.ok()) return std::nullopt;
  int number = 0;
  auto parsed = std::from_chars(text->data(), text->data() + text->size(), number);
  if (parsed.ec != std::errc()) return std::nullopt;
  return number;
}

bool is_seccomp_filtered() {
  Result<std::string> status = read_file("/proc/self/status");
  return status.ok() && status->find("\nSeccomp:\t0\n") == std::string::npos;
}

// The same event that the agent opens, but never enabled.
int try_perf_event() {
  struct perf_event_attr attributes {};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof attributes;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.sample_period = 1'000'000;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  long descriptor = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (descriptor < 0) return errno;
  close(static_cast<int>(descriptor));
  return 0;
}

uint64_t soft_limit(__rlimit_resource resource) {
  struct rlimit limit {};
  return getrlimit(resource, &limit) == 0 ? limit.rlim_cur : 0;
}

bool has_ipc_lock() {
  Result<std::string> status = read_file("/proc/self/status");
  size_t position = status.ok() ? status->find("\nCapEff:\t") : std::string::npos;
  if (position == std::string::npos) return false;
  constexpr unsigned kCapIpcLock = 14;  // linux/capability.h
  return ((std::strtoull(status->c_str() + position + 9, nullptr, 16) >> kCapIpcLock) & 1) != 0;
}

// perf_mmap() of the kernel: a user's mapped pages count against perf_event_mlock_kb times the CPUs, then against
// RLIMIT_MEMLOCK, unless paranoid is -1 or the caller may lock what it likes.
uint64_t perf_page_limit(std::optional<int> paranoid) {
  std::optional<int> mlock_kb = read_number("/proc/sys/kernel/perf_event_mlock_kb");
  uint64_t memlock_bytes = soft_limit(RLIMIT_MEMLOCK);
  if (!mlock_kb || paranoid.value_or(2) < 0 || has_ipc_lock() || memlock_bytes == RLIM_INFINITY) return 0;
  auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  auto processors = static_cast<uint64_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  return (static_cast<uint64_t>(*mlock_kb) * 1024 * processors + memlock_bytes) / page_bytes;
}

uint64_t thread_cpu_ns() {
  struct timespec now {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Burns CPU time until the signal of a timer has arrived several times. The median of the intervals, because a tick
// that falls into another process's time slice doubles one; of few arrivals, as on a busy machine, it would be no more
// than that. 0 if it did not arrive: then it is slower than 50 ms.
uint64_t measure_interval_ns(const sigset_t& signals) {
  constexpr size_t kArrivals = 7;
  constexpr size_t kFewArrivals = 4;
  constexpr uint64_t kMostCpuNs = 100'000'000;
  constexpr uint64_t kMostCpuForFewNs = 400'000'000;
  std::vector<uint64_t> arrivals_ns;
  uint64_t start_ns = thread_cpu_ns();
  while (arrivals_ns.size() < kArrivals &&
         thread_cpu_ns() - start_ns < (arrivals_ns.size() < kFewArrivals ? kMostCpuForFewNs : kMostCpuNs)) {
    struct timespec at_once {};
    if (sigtimedwait(&signals, nullptr, &at_once) > 0) arrivals_ns.push_back(thread_cpu_ns());
  }
  if (arrivals_ns.size() < 2) return 0;
  std::vector<uint64_t> intervals_ns;
  for (size_t i = 1; i < arrivals_ns.size(); ++i) intervals_ns.push_back(arrivals_ns[i] - arrivals_ns[i - 1]);
  std::ranges::nth_element(intervals_ns, intervals_ns.begin() + static_cast<ptrdiff_t>(intervals_ns.size() / 2));
  return intervals_ns[intervals_ns.size() / 2];
}

// The signal is blocked for as long as the timer lives and then drained, so that no handler and no default action is
// ever met.
void try_cpu_timer(MachineFacts& facts) {
  sigset_t signals;
  sigset_t old_mask;
  sigemptyset(&signals);
  sigaddset(&signals, SIGRTMAX);
  pthread_sigmask(SIG_BLOCK, &signals, &old_mask);

  struct sigevent event {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGRTMAX;
  event._sigev_un._tid = gettid();  // glibc 2.36 has no sigev_notify_thread_id
  timer_t timer;
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0) {
    struct itimerspec period {};
    period.it_interval.tv_nsec = 1'000'000;
    period.it_value.tv_nsec = 1'000'000;
    if (timer_settime(timer, 0, &period, nullptr) != 0) facts.cpu_timer_errno = errno;
    if (facts.cpu_timer_errno == 0) facts.cpu_timer_interval_ns = measure_interval_ns(signals);
    timer_delete(timer);
    struct timespec at_once {};
    while (sigtimedwait(&signals, nullptr, &at_once) > 0) {
    }
  } else {
    facts.cpu_timer_errno = errno;
  }
  pthread_sigmask(SIG_SETMASK, &old_mask, nullptr);
}

// The child holds still until this end of the pipe closes.
int try_read_child_memory() {
  static const char kMark[] = "flarestack";
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  Fd reading_end(ends[0]);
  Fd writing_end(ends[1]);
  pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    close(writing_end.get());
    char byte;
    while (read(reading_end.get(), &byte, 1) < 0 && errno == EINTR) {
    }
    _exit(0);
  }
  char copy[sizeof kMark] = {};
  struct iovec local {
    copy, sizeof copy
  };
  struct iovec remote {
    const_cast<char*>(kMark), sizeof kMark
  };
  ssize_t count = process_vm_readv(child, &local, 1, &remote, 1, 0);
  int result = count == static_cast<ssize_t>(sizeof kMark) ? 0 : count < 0 ? errno : EIO;
  writing_end.reset();
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return result;
}

int try_memfd() {
  Fd memory(memfd_create("flarestack_doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  return memory ? 0 : errno;
}

// Creates a file without a name in the folder, or in the nearest one above it that exists: a recording makes the
// others.
int try_writing(const std::string& folder) {
  std::error_code failure;
  std::filesystem::path nearest = std::filesystem::absolute(folder, failure);
  while (!failure && !std::filesystem::exists(nearest, failure) && nearest.has_relative_path()) {
    nearest = nearest.parent_path();
  }
  if (failure) return failure.value();
  std::string pattern = nearest.string() + "/.flarestack_doctor_XXXXXX";
  Fd file(mkostemp(pattern.data(), O_CLOEXEC));
  if (!file) return errno;
  unlink(pattern.c_str());
  return write_all(file.get(), "x", pattern).ok() ? 0 : errno;
}

uint64_t free_bytes(const std::string& folder) {
  struct statvfs status {};
  return statvfs(folder.c_str(), &status) == 0 ? uint64_t{status.f_bavail} * status.f_frsize : 0;
}

std::string find_libc() {
  Result<std::string> maps = read_file("/proc/self/maps");
  if (!maps.ok()) return {};
  size_t name = maps->find("/libc.so.6\n");
  if (name == std::string::npos) return {};
  size_t start = maps->find_last_of(' ', name) + 1;
  return maps->substr(start, name + std::string_view("/libc.so.6").size() - start);
}

std::string build_id_of(const std::string& path) {
  Result<Fd> file = open_file(path, O_RDONLY);
  if (!file.ok()) return {};
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(file->get(), ELF_C_READ_MMAP, nullptr);
  const void* bytes = nullptr;
  ssize_t size_bytes = dwelf_elf_gnu_build_id(elf, &bytes);
  std::string hex;
  for (unsigned char byte :
       std::span(static_cast<const unsigned char*>(bytes), static_cast<size_t>(std::max<ssize_t>(size_bytes, 0)))) {
    hex += fmt::format("{:02x}", byte);
  }
  elf_end(elf);
  return hex;
}

void look_for_debug_file(MachineFacts& facts) {
  facts.libc_path = find_libc();
  facts.libc_build_id = build_id_of(facts.libc_path);
  if (facts.libc_build_id.size() < 3) return;
  std::string path =
      "/usr/lib/debug/.build-id/" + facts.libc_build_id.substr(0, 2) + "/" + facts.libc_build_id.substr(2) + ".debug";
  if (access(path.c_str(), R_OK) == 0) facts.libc_debug_file = path;
}

}  // namespace

MachineFacts gather_machine_facts(const MachinePlaces& places) {
  MachineFacts facts;
  facts.places = places;
  struct utsname system {};
  uname(&system);
  facts.kernel_release = system.release;
  facts.architecture = system.machine;

  facts.perf_event_errno = try_perf_event();
  facts.perf_event_paranoid = read_number("/proc/sys/kernel/perf_event_paranoid");
  facts.perf_page_limit = perf_page_limit(facts.perf_event_paranoid);
  facts.seccomp_filtered = is_seccomp_filtered();
  try_cpu_timer(facts);
  facts.pending_signals_limit = soft_limit(RLIMIT_SIGPENDING);
  facts.open_files_limit = soft_limit(RLIMIT_NOFILE);

  facts.ptrace_scope = read_number("/proc/sys/kernel/yama/ptrace_scope");
  facts.read_child_memory_errno = try_read_child_memory();
  facts.memfd_errno = try_memfd();

  if (!places.cache_directory.empty()) facts.cache_errno = try_writing(places.cache_directory);
  if (!places.output_directory.empty()) {
    facts.output_errno = try_writing(places.output_directory);
    facts.output_free_bytes = free_bytes(places.output_directory);
  }
  facts.tmp_errno = try_writing("/tmp");

  look_for_debug_file(facts);
  const char* urls = std::getenv("DEBUGINFOD_URLS");
  if (urls != nullptr) facts.debuginfod_urls = urls;
  return facts;
}

}  // namespace flarestack
