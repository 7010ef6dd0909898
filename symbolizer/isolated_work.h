// SPDX-License-Identifier: Apache-2.0
// IsolatedWorkers: work that reads files which may have been made to break their reader, in processes of its own.
// Offline side.
//
// Problem: modules and debug files are untrusted, elfutils reads them, and an error in it would end the report, use up
// the machine's memory or never come back. Options: a process for each file, started anew (a second program, an exec,
// everything it needs to know as arguments), or a fork. Choice: fork, since what the work needs is there then; a few
// processes that take one request after the other, because a fork costs what the parent's page tables cost to copy, and
// the first use of each page of memory a page fault. A process that breaks costs what it was at, and another one takes
// its place. This is no sandbox: who can make elfutils run code of his own runs it as the user.
//
// The parent looks at what its children use, every hundredth of a second: limits of the kernel's would be met by calls
// that fail somewhere in a library, and the reader would take half a file for a whole one. Besides, they would have to
// be known beforehand, and which files a module leads to is not known before it was read. How many bytes a child has
// mapped is; so that is what the limits grow with. Memory is not watched where there is no /proc.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace flarestack {

// What one piece of work may take: far more than any honest file needs. 100 ms a MiB is twenty times what DWARF takes
// that is read to its last byte; zlib packs debug information by a factor of 3 to 5.
struct WorkLimits {
  std::chrono::milliseconds cpu_time{5'000};
  std::chrono::milliseconds cpu_time_per_mapped_mib{100};
  std::chrono::milliseconds wall_time{120'000};  // for a disk or a server that does not answer
  uint64_t memory_bytes = 512U << 20;            // never more than half of the machine's
  uint64_t memory_per_mapped_byte = 8;
};

using IsolatedWork = std::function<std::string(std::string_view request)>;

class IsolatedWorkers {
 public:
  // No child is started before there is a request. `work` runs in the children, on a copy of the caller's memory as it
  // was when the child was started: what changes afterwards belongs into the request.
  IsolatedWorkers(unsigned processes, const WorkLimits& limits, IsolatedWork work);
  IsolatedWorkers(const IsolatedWorkers&) = delete;
  IsolatedWorkers& operator=(const IsolatedWorkers&) = delete;
  ~IsolatedWorkers();

  // The answers to all requests. Error: what happened to the work, to be put behind what it did: "took more than 5 s",
  // "was ended by SIGSEGV: the file is damaged". The caller is its process's only thread, or no other one holds a lock
  // that the work needs.
  std::vector<Result<std::string>> run(std::span<const std::string> requests);

 private:
  class Worker;
  struct Run;
  bool start(Run& run);  // false: there can be no more workers; without any, one piece has failed for it
  bool attend(Worker& worker, Run& run);

  unsigned processes_;
  WorkLimits limits_;
  IsolatedWork work_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

// One piece of work, in a child of its own.
Result<std::string> run_isolated(const WorkLimits& limits, const std::function<std::string()>& work);

}  // namespace flarestack
