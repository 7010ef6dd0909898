// SPDX-License-Identifier: Apache-2.0
#include "profiler/doctor.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"

namespace flarestack {

namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

std::string reason(int error) { return std::strerror(error); }

Check check_architecture(const MachineFacts& facts) {
  if (facts.architecture == "x86_64") return ok_check("architecture", "The processor is x86_64.");
  return problem_check("architecture",
                       fmt::format("The processor is {}; this version records x86_64 only.", facts.architecture));
}

Check check_kernel(const MachineFacts& facts) {
  return ok_check("kernel", fmt::format("The kernel is Linux {}.", facts.kernel_release));
}

Check check_perf_event(const MachineFacts& facts) {
  const char* name = "perf_event";
  int error = facts.perf_event_errno;
  if (error == 0) return ok_check(name, "CPU samples come from perf_event, at any rate that is asked for.");
  std::string instead =
      facts.cpu_timer_errno == 0 ? "CPU samples come from POSIX timers instead" : "there are no CPU samples";
  if ((error == EACCES || error == EPERM) && facts.perf_event_paranoid.value_or(2) > 2) {
    return warning_check(name,
                         fmt::format("perf_event is for root only (kernel.perf_event_paranoid is {}); {}.",
                                     *facts.perf_event_paranoid, instead),
                         "sudo sysctl kernel.perf_event_paranoid=2");
  }
  if ((error == EACCES || error == EPERM) && facts.seccomp_filtered) {
    return warning_check(name,
                         fmt::format("The seccomp filter of this container forbids perf_event_open; {}.", instead),
                         "docker run --security-opt seccomp=unconfined ...");
  }
  if (error == ENOSYS) return warning_check(name, fmt::format("This kernel has no perf_event; {}.", instead));
  return warning_check(name, fmt::format("perf_event_open fails ({}); {}.", reason(error), instead));
}

Check check_cpu_timer(const MachineFacts& facts) {
  const char* name = "cpu_timer";
  bool is_needed = facts.perf_event_errno != 0;
  std::string_view role = is_needed ? "POSIX CPU timers" : "POSIX CPU timers, not needed here,";
  if (facts.cpu_timer_errno != 0) {
    std::string sentence = fmt::format("{} do not work: {}.", role, reason(facts.cpu_timer_errno));
    return is_needed ? problem_check(name, sentence) : ok_check(name, sentence);
  }
  if (facts.cpu_timer_interval_ns == 0) {
    std::string sentence = fmt::format("{} did not expire in 100 ms of CPU time.", role);
    return is_needed ? problem_check(name, sentence) : ok_check(name, sentence);
  }
  uint64_t rate = (kNsPerSecond + facts.cpu_timer_interval_ns / 2) / facts.cpu_timer_interval_ns;
  if (is_needed) {
    return warning_check(name,
                         fmt::format("{} expire {} times a second (asked for 1000; the kernel's tick decides), and may "
                                     "interrupt system calls.",
                                     role, rate));
  }
  return ok_check(name, fmt::format("{} expire {} times a second (asked for 1000).", role, rate));
}

Check check_perf_pages(const MachineFacts& facts) {
  constexpr uint64_t kManyThreads = 1024;
  if (facts.perf_page_limit == 0)
    return ok_check("perf_pages", "Any number of threads can be sampled by perf_event at once.");
  std::string sentence = fmt::format("{} threads can be sampled by perf_event at once (each takes a locked page)",
                                     format_count(facts.perf_page_limit));
  if (facts.perf_page_limit >= kManyThreads) return ok_check("perf_pages", sentence + ".");
  return warning_check("perf_pages", sentence + "; the others get POSIX timers.",
                       "sudo sysctl kernel.perf_event_mlock_kb=16384");
}

Check check_pending_signals(const MachineFacts& facts) {
  constexpr uint64_t kManyThreads = 1024;
  std::string sentence = fmt::format("{} POSIX timers and queued signals can exist at once (RLIMIT_SIGPENDING)",
                                     format_count(facts.pending_signals_limit));
  if (facts.pending_signals_limit >= kManyThreads || facts.perf_event_errno == 0) {
    return ok_check("pending_signals", sentence + ".");
  }
  return warning_check("pending_signals", sentence + "; each sampled thread takes one.", "ulimit -i 65536");
}

Check check_open_files(const MachineFacts& facts) {
  constexpr uint64_t kEnough = 256;  // the recorder holds a few for each process of a recording
  std::string sentence =
      fmt::format("{} files can be open at once (RLIMIT_NOFILE)", format_count(facts.open_files_limit));
  if (facts.open_files_limit >= kEnough) return ok_check("open_files", sentence + ".");
  return warning_check("open_files", sentence + "; a recording of many processes needs more.", "ulimit -n 1024");
}

Check check_shared_memory(const MachineFacts& facts) {
  if (facts.memfd_errno == 0) return ok_check("shared_memory", "Sealed shared memory (memfd) works.");
  return problem_check(
      "shared_memory",
      fmt::format("memfd_create fails ({}); the program cannot hand its samples over.", reason(facts.memfd_errno)));
}

Check check_process_memory(const MachineFacts& facts) {
  const char* name = "process_memory";
  if (facts.read_child_memory_errno == 0) {
    return ok_check(name, "The memory of recorded programs can be read (wall clock needs it).");
  }
  std::string sentence =
      fmt::format("process_vm_readv of a child fails ({}), so --clock wall cannot see where threads sleep",
                  reason(facts.read_child_memory_errno));
  if (facts.ptrace_scope.value_or(0) > 1) {
    return warning_check(name, fmt::format("{}: kernel.yama.ptrace_scope is {}.", sentence, *facts.ptrace_scope),
                         *facts.ptrace_scope == 2 ? "sudo sysctl kernel.yama.ptrace_scope=1" : "");
  }
  if (facts.seccomp_filtered) {
    return warning_check(name, sentence + ": the seccomp filter of this container forbids it.",
                         "docker run --cap-add SYS_PTRACE ...");
  }
  return warning_check(name, sentence + ".");
}

Check check_output(const MachineFacts& facts) {
  const char* name = "output";
  constexpr uint64_t kLittleBytes = uint64_t{256} << 20;
  constexpr uint64_t kNothingBytes = uint64_t{1} << 20;
  const std::string& folder = facts.places.output_directory;
  if (facts.output_errno != 0) {
    return problem_check(name, fmt::format("No trace can be written to {}: {}.", folder, reason(facts.output_errno)),
                         "flarestack record -o /tmp/FILE.flare ...");
  }
  std::string sentence = fmt::format("{} has {} free for traces.", folder, format_bytes(facts.output_free_bytes));
  if (facts.output_free_bytes < kNothingBytes)
    return problem_check(name, sentence, "flarestack record -o ELSEWHERE/FILE.flare ...");
  if (facts.output_free_bytes < kLittleBytes)
    return warning_check(name, sentence, "flarestack record -o ELSEWHERE/FILE.flare ...");
  return ok_check(name, sentence);
}

Check check_cache(const MachineFacts& facts) {
  const std::string& folder = facts.places.cache_directory;
  if (facts.cache_errno == 0) return ok_check("cache", fmt::format("Resolved symbols are kept in {}.", folder));
  return warning_check("cache",
                       fmt::format("Resolved symbols cannot be kept in {} ({}), so each report resolves them anew.",
                                   folder, reason(facts.cache_errno)),
                       "export FLARESTACK_CACHE_DIR=/tmp/flarestack-cache");
}

Check check_tmp(const MachineFacts& facts) {
  if (facts.tmp_errno == 0) return ok_check("tmp", "/tmp can be written to (JIT compilers leave their maps there).");
  return warning_check("tmp",
                       fmt::format("/tmp cannot be written to ({}), so JIT compilers cannot leave their maps there.",
                                   reason(facts.tmp_errno)));
}

Check check_libc_debug_file(const MachineFacts& facts) {
  const char* name = "libc_debug_file";
  if (facts.libc_path.empty())
    return ok_check(name, "flarestack itself uses no libc.so.6 whose debug file could be looked for.");
  if (!facts.libc_debug_file.empty())
    return ok_check(name, fmt::format("The debug file of {} is installed.", facts.libc_path));
  return warning_check(name,
                       fmt::format("The debug file of {} is not installed: its functions that are not exported have no "
                                   "name, and none has lines.",
                                   facts.libc_path),
                       "sudo apt-get install libc6-dbg");
}

Check check_debuginfod(const MachineFacts& facts) {
  if (!facts.debuginfod_urls.empty()) {
    return ok_check("debuginfod", fmt::format("Missing debug files are asked for at {}.", facts.debuginfod_urls));
  }
  return ok_check("debuginfod", "Missing debug files are looked for on this machine only (DEBUGINFOD_URLS is not set).",
                  "export DEBUGINFOD_URLS=https://debuginfod.debian.net");
}

}  // namespace

std::vector<Check> diagnose_machine(const MachineFacts& facts) {
  std::vector<Check> checks{check_architecture(facts), check_kernel(facts), check_perf_event(facts),
                            check_cpu_timer(facts)};
  if (facts.perf_event_errno == 0) checks.push_back(check_perf_pages(facts));
  checks.push_back(check_pending_signals(facts));
  checks.push_back(check_open_files(facts));
  checks.push_back(check_shared_memory(facts));
  checks.push_back(check_process_memory(facts));
  if (!facts.places.output_directory.empty()) checks.push_back(check_output(facts));
  if (!facts.places.cache_directory.empty()) checks.push_back(check_cache(facts));
  checks.push_back(check_tmp(facts));
  checks.push_back(check_libc_debug_file(facts));
  checks.push_back(check_debuginfod(facts));
  return checks;
}

bool is_recordable(const std::vector<Check>& checks) {
  return std::ranges::none_of(checks, [](const Check& check) { return check.outcome == Outcome::kProblem; });
}

}  // namespace flarestack
