// SPDX-License-Identifier: Apache-2.0
// The part of TargetProcess that takes the stacks of all threads at once, of a program whose time has run out. It is
// ended afterwards, so that what a stop does to a system call is of no account.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "profiler/live_modules.h"
#include "profiler/stopped_process.h"
#include "profiler/target_process.h"
#include "profiler/thread_choice.h"
#include "unwind/remote_unwind.h"

namespace flarestack {
namespace {

constexpr size_t kFirstCopyBytes = size_t{16} * 1024;
constexpr size_t kStackCopyBytes = size_t{1024} * 1024;

ThreadState state_of(int32_t pid, int32_t tid) {
  const std::string state = thread_status_field(pid, tid, "State");
  switch (state.empty() ? '\0' : state[0]) {
    case 'R':
      return ThreadState::kRunning;
    case 'S':
      return ThreadState::kSleeping;
    case 'D':
      return ThreadState::kBlocked;
    case 'T':
    case 't':
      return ThreadState::kStopped;
    default:
      return ThreadState::kOther;
  }
}

RemoteThreadState unwinding_start(const StoppedProcess::ThreadState& stopped) {
  // By DWARF number, of what StoppedProcess has: rax, rbx, rcx, rdx, rsi, rdi, rbp, r8 to r15.
  constexpr unsigned kNumbers[] = {0, 3, 2, 1, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  RemoteThreadState thread;
  for (size_t i = 0; i < std::size(kNumbers) && i < stopped.registers.size(); ++i) {
    thread.registers.value[kNumbers[i]] = stopped.registers[i];
  }
  thread.registers.value[MachineRegisters::kRsp] = stopped.stack_pointer;
  thread.registers.value[MachineRegisters::kRip] = stopped.instruction_pointer;
  thread.known = RegisterMask::all();
  thread.stack_address = stopped.stack_pointer;
  return thread;
}

// Most stacks are shallow: the rest is copied only when the first part did not reach the root.
RemoteTrace unwind(int32_t pid, const StoppedProcess::ThreadState& stopped, const ModuleSnapshot& modules) {
  RemoteUnwinder unwinder;
  RemoteThreadState thread = unwinding_start(stopped);
  std::vector<std::byte> copy;
  for (size_t size_bytes = kFirstCopyBytes;; size_bytes *= 4) {
    copy.resize(size_bytes);
    const size_t copied = read_process_memory(pid, stopped.stack_pointer, copy.data(), size_bytes);
    thread.stack = {copy.data(), copied};
    RemoteTrace trace = unwinder.unwind(thread, modules);
    if (trace.end != UnwindEnd::kBadMemory || copied < size_bytes || size_bytes >= kStackCopyBytes) {
      return trace;
    }
  }
}

}  // namespace

void TargetProcess::take_final_stacks() {
  const int32_t pid = identity_.pid;
  std::map<int32_t, ThreadState> states;  // before anything stops
  for (const int32_t tid : threads_of(pid)) {
    states[tid] = state_of(pid, tid);
  }
  frames_.set_time(origin_.now());
  LiveModules modules(&modules_);
  modules.refresh();
  const StoppedProcess stopped(pid, 0);
  for (const auto& [tid, state] : states) {
    TimeoutStackRecord record;
    record.thread = thread_of(tid);
    record.state = state;
    const auto& threads = stopped.threads();
    const auto found = std::find_if(threads.begin(), threads.end(), [&](const auto& each) { return each.tid == tid; });
    if (found != threads.end()) {
      const RemoteTrace trace = unwind(pid, *found, modules.snapshot());
      for (const FrameAddress frame : trace.frames) {
        record.stack = frames_.child(record.stack, frame.bits(), last_generation_);
      }
      record.truncated = trace.end != UnwindEnd::kRoot;
    }
    tables_.writer().add(record);
  }
  if (!stopped.problem().empty()) {
    tables_.writer().add(NoteRecord{identity_.id, "not all stacks at the timeout: " + stopped.problem()});
  }
}

}  // namespace flarestack
