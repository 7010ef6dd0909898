// SPDX-License-Identifier: Apache-2.0
// MachineFacts: what this machine allows a recording to do, found out by doing it. Made for `doctor`
// (profiler/doctor.h judges); recorder side. Gathering burns up to 100 ms of CPU time and starts one child.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace flarestack {

// Where to look; what is empty is not looked at.
struct MachinePlaces {
  std::string cache_directory;         // of resolved symbols
  std::string output_directory = ".";  // of traces
};

// An errno of 0 means that it worked.
struct MachineFacts {
  std::string kernel_release;  // "6.1.0-18-amd64"
  std::string architecture;    // "x86_64"

  int perf_event_errno = 0;                // opening a task-clock event of this thread that excludes the kernel
  std::optional<int> perf_event_paranoid;  // the sysctl; nullopt: not there or not readable
  uint64_t perf_page_limit = 0;            // event pages that may be mapped at once, one a thread; 0: no limit
  bool seccomp_filtered = false;           // this process runs under a seccomp filter

  int cpu_timer_errno = 0;             // a POSIX timer on a thread's CPU clock
  uint64_t cpu_timer_interval_ns = 0;  // how often it really expires when asked for a millisecond

  uint64_t pending_signals_limit = 0;  // RLIMIT_SIGPENDING; each POSIX timer takes one
  uint64_t open_files_limit = 0;       // RLIMIT_NOFILE

  std::optional<int> ptrace_scope;  // Yama's sysctl; nullopt: no Yama
  int read_child_memory_errno = 0;  // process_vm_readv of a child
  int memfd_errno = 0;              // a sealable memfd

  MachinePlaces places;
  int cache_errno = 0;   // writing a file there
  int output_errno = 0;  // writing a file there
  int tmp_errno = 0;     // writing a file in /tmp
  uint64_t output_free_bytes = 0;

  std::string libc_path;        // of this program's libc.so.6; empty: not found
  std::string libc_build_id;    // hex; empty: it has none
  std::string libc_debug_file;  // the separate debug file; empty: not installed
  std::string debuginfod_urls;  // $DEBUGINFOD_URLS
};

MachineFacts gather_machine_facts(const MachinePlaces& places);

}  // namespace flarestack
