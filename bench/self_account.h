// SPDX-License-Identifier: Apache-2.0
// SelfAccount: what a program of the benchmarks says about its own run, as JSON in the file that BENCH_RESULT names:
// time since it was made, CPU time and memory, and whatever else it is given. Made at the start of main(), written at
// its end. BENCH_CPU=N binds the program to a processor.
#pragma once

#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace flarestack::bench {

inline double seconds_of(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

class SelfAccount {
 public:
  SelfAccount() : start_s_(seconds_of(CLOCK_MONOTONIC)) {
    if (const char* cpu = std::getenv("BENCH_CPU")) {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(static_cast<unsigned>(std::atoi(cpu)), &set);
      sched_setaffinity(0, sizeof set, &set);
    }
  }

  void add(const std::string& name, double value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.9g", value);
    members_ += ",\"" + name + "\":" + text;
  }

  // The exit status: 1, after a word on stderr, if the file could not be written.
  int write() const {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const double wall_s = seconds_of(CLOCK_MONOTONIC) - start_s_;
    const char* path = std::getenv("BENCH_RESULT");
    FILE* file = std::fopen(path != nullptr ? path : "/dev/null", "w");
    if (file != nullptr) {
      std::fprintf(file, "{\"wall_s\":%.6f,\"user_s\":%.6f,\"system_s\":%.6f%s%s}\n", wall_s, seconds(usage.ru_utime),
                   seconds(usage.ru_stime), memory_members().c_str(), members_.c_str());
    }
    if (file == nullptr || std::fclose(file) != 0) {
      std::perror(path);
      return 1;
    }
    return 0;
  }

 private:
  static double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  }

  static std::string memory_members() {
    // What the program allocates must not depend on how long the numbers are: bench/heap.py compares counts.
    std::string result;
    result.reserve(1024);
    FILE* status = std::fopen("/proc/self/status", "r");
    char line[256];
    while (status != nullptr && std::fgets(line, sizeof line, status) != nullptr) {
      char name[32];
      unsigned long kib = 0;
      if (std::sscanf(line, "%31[A-Za-z]: %lu kB", name, &kib) == 2 &&
          (std::string(name).starts_with("Rss") || std::string(name) == "VmHWM" || std::string(name) == "VmRSS")) {
        char text[64];
        std::snprintf(text, sizeof text, ",\"%s\":%lu", name, kib * 1024);
        result += text;
      }
    }
    if (status != nullptr) {
      std::fclose(status);
    }
    return result;
  }

  double start_s_;
  std::string members_;
};

}  // namespace flarestack::bench
