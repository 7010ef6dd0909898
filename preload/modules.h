// SPDX-License-Identifier: Apache-2.0
// The agent's list of modules: an immutable snapshot, rebuilt outside handlers whenever the loader has changed its
// list, and swapped in; handlers only read. The loader tells of each change by calling the empty function at
// r_debug.r_brk (dlopen, dlclose, NSS and iconv included): a jump written over it brings us there.
#pragma once

#include <atomic>

#include "unwind/module_snapshot.h"

namespace flarestack::agent {

// Takes the first snapshot and hooks r_brk. `first_in_process` is false in a fork's child, where the hook is in place
// and the recorder is told of all modules again. [init], and in a fork's child
void start_modules(bool first_in_process);
// The same for the session of a process that is attached to once more. [hook]
void restart_modules();

// Holds the current snapshot for as long as it lives: a snapshot is not freed while one of these is alive. [signal]
class SnapshotReader {
 public:
  SnapshotReader();
  ~SnapshotReader();
  SnapshotReader(const SnapshotReader&) = delete;
  SnapshotReader& operator=(const SnapshotReader&) = delete;
  const ModuleSnapshot& operator*() const { return *snapshot_; }

 private:
  const ModuleSnapshot* snapshot_;
};

// The same for hooks, of which there are millions a second in all threads: nothing shared is written. `hazard` belongs
// to the calling thread, in its ThreadState. [hook]
class SnapshotHold {
 public:
  explicit SnapshotHold(std::atomic<const ModuleSnapshot*>& hazard);
  ~SnapshotHold() { hazard_.store(nullptr, std::memory_order_release); }
  SnapshotHold(const SnapshotHold&) = delete;
  SnapshotHold& operator=(const SnapshotHold&) = delete;
  const ModuleSnapshot& operator*() const { return *snapshot_; }

 private:
  std::atomic<const ModuleSnapshot*>& hazard_;
  const ModuleSnapshot* snapshot_;
};

}  // namespace flarestack::agent
