// SPDX-License-Identifier: Apache-2.0
#include "profiler/outside_process.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"

namespace flarestack {
namespace {

constexpr uint64_t kSettledFromNs = 5'000'000;  // less than this may be a sample that has yet to come
constexpr size_t kLongestChain = 127;           // kernel.perf_event_max_stack, as it is by default

std::string comm_of(int32_t pid, int32_t tid) {
  const Result<std::string> name = read_file(fmt::format("/proc/{}/task/{}/comm", pid, tid));
  return name.ok() ? name->substr(0, name->find('\n')) : std::string();
}

// Of a thread so far; 0: it is gone.
uint64_t run_ns_of(int32_t pid, int32_t tid) {
  const Result<std::string> times = read_file(fmt::format("/proc/{}/task/{}/schedstat", pid, tid));
  return times.ok() ? std::strtoull(times->c_str(), nullptr, 10) : 0;
}

}  // namespace

OutsideProcess::OutsideProcess(const Identity& identity, OutsideModules modules, RecordingTables& tables,
                               TimeOrigin origin)
    : identity_(identity),
      modules_(std::move(modules)),
      tables_(tables),
      origin_(origin),
      frames_(identity.id, tables, modules_.map()),
      accounted_cpu_ns_(identity.earlier_cpu_ns) {}

OutsideProcess::Thread& OutsideProcess::thread_of(int32_t tid) {
  const auto found = threads_.find(tid);
  if (found != threads_.end()) {
    return found->second;
  }
  begin_thread(tid, 0);
  Thread& thread = threads_.at(tid);
  thread.run_ns_before = run_ns_of(identity_.pid, tid);
  return thread;
}

void OutsideProcess::begin_thread(int32_t tid, int32_t creator_tid) {
  Thread thread;
  thread.id = tables_.next_thread();
  thread.name = comm_of(identity_.pid, tid);
  if (const auto creator = threads_.find(creator_tid); thread.name.empty() && creator != threads_.end()) {
    thread.name = creator->second.name;  // as the kernel has it
  }
  if (!first_thread_) {
    first_thread_ = thread.id;
  }
  ++thread_count_;
  describe(thread, tid);
  threads_.insert_or_assign(tid, std::move(thread));
}

void OutsideProcess::describe(const Thread& thread, int32_t tid) {
  ThreadRecord record;
  record.id = thread.id;
  record.process = identity_.id;
  record.tid = tid;
  record.name = thread.name;
  record.start_ns = origin_.now();
  tables_.writer().add(record);
}

void OutsideProcess::name_thread(int32_t tid, std::string_view name) {
  Thread& thread = thread_of(tid);
  if (thread.name != name) {
    thread.name = name;
    describe(thread, tid);
  }
}

void OutsideProcess::take(const OutsideSample& sample) {
  Thread& thread = thread_of(sample.tid);
  StackId stack = user_stack(sample);
  if (sample.in_kernel) {
    stack = tables_.stack(stack, tables_.named_frame(FrameKind::kKernel, "[kernel]"));
  }
  const uint64_t excess_ns = std::min(thread.excess_ns, sample.weight_ns / 2);
  const uint64_t weight_ns = sample.weight_ns - excess_ns;
  thread.excess_ns -= excess_ns;
  const int64_t time_ns = std::clamp<int64_t>(origin_.since(sample.time_monotonic_ns), 0, origin_.now());
  tables_.add_weight(thread.id, stack, SampleMetric::kCpu, time_ns, 1, weight_ns);
  ++samples_;
  thread.given_ns += weight_ns;
  accounted_cpu_ns_ += weight_ns;
}

StackId OutsideProcess::user_stack(const OutsideSample& sample) {
  if (sample.code == OutsideSample::Code::kNone) {
    return {};  // it has left its program for good
  }
  const bool is_go = modules_.is_go(sample.registers.value[MachineRegisters::kRip]);
  if (!sample.user_chain.empty() && (is_go || sample.code == OutsideSample::Code::k32Bit)) {
    return chained_stack(sample);
  }
  const RemoteTrace trace = unwind(sample);
  // What Go calls on its own stacks, such as the vdso, leads back into code without CFI.
  if (trace.end != UnwindEnd::kRoot && modules_.has_go() && !sample.user_chain.empty()) {
    return chained_stack(sample);
  }
  heuristic_ += trace.heuristic ? 1 : 0;
  truncated_ += trace.end != UnwindEnd::kRoot ? 1 : 0;
  StackId stack;
  for (const FrameAddress frame : trace.frames) {
    stack = frames_.child(stack, frame.bits(), modules_.generation());
  }
  return stack;
}

RemoteTrace OutsideProcess::unwind(const OutsideSample& sample) {
  RemoteThreadState state;
  state.registers = sample.registers;
  state.known = RegisterMask::all();
  state.stack = sample.stack;
  state.stack_address = sample.registers.value[MachineRegisters::kRsp];
  return unwinder_.unwind(state, modules_.snapshot());
}

// The return address that the frame pointer does not lead to, since the function has no frame of its own, or not yet:
// it is where the stack pointer points, and follows a call of that function. 0: there is none.
uint64_t OutsideProcess::hidden_caller(const OutsideSample& sample) {
  constexpr uint64_t kLargestFunctionBytes = 4096;  // of those without a frame
  uint64_t word = 0;
  if (sample.stack.size() < sizeof(word)) {
    return 0;
  }
  std::memcpy(&word, sample.stack.data(), sizeof(word));
  const uint64_t called = modules_.call_target(word);
  const uint64_t pc = sample.registers.value[MachineRegisters::kRip];
  const bool is_chained = sample.user_chain.size() > 1 && sample.user_chain[1] == word;
  return called != 0 && called <= pc && pc - called < kLargestFunctionBytes && !is_chained ? word : 0;
}

// Go keeps frame pointers in all its code, and its goroutines' stacks have no CFI.
StackId OutsideProcess::chained_stack(const OutsideSample& sample) {
  const std::span<const uint64_t> chain = sample.user_chain;
  truncated_ += chain.size() >= kLongestChain ? 1 : 0;
  heuristic_ += sample.code == OutsideSample::Code::k32Bit ? 1 : 0;
  StackId stack;
  const uint64_t hidden = sample.code == OutsideSample::Code::k64Bit ? hidden_caller(sample) : 0;
  for (size_t i = chain.size(); i-- != 0;) {
    if (i == 0 && hidden != 0) {
      stack = frames_.child(stack, FrameAddress(RuntimeAddress{hidden}, AddressKind::kReturnAddress).bits(),
                            modules_.generation());
    }
    const AddressKind kind = i == 0 ? AddressKind::kInstruction : AddressKind::kReturnAddress;
    stack = frames_.child(stack, FrameAddress(RuntimeAddress{chain[i]}, kind).bits(), modules_.generation());
  }
  return stack;
}

void OutsideProcess::add_unsampled(ThreadId thread, uint64_t weight_ns) {
  const FrameId frame = identity_.samples_kernel ? tables_.named_frame(FrameKind::kMarker, "[not sampled]")
                                                 : tables_.named_frame(FrameKind::kKernel, "[kernel]");
  accounted_cpu_ns_ += weight_ns;
  tables_.add_weight(thread, tables_.stack({}, frame), SampleMetric::kCpu, origin_.now(), 0, weight_ns);
}

void OutsideProcess::settle() {
  for (auto& [tid, thread] : threads_) {
    const uint64_t run_ns = run_ns_of(identity_.pid, tid);
    const uint64_t told_ns = thread.run_ns_before + thread.given_ns;
    thread.excess_ns = run_ns != 0 && told_ns > run_ns ? told_ns - run_ns : 0;
    if (run_ns > told_ns + kSettledFromNs) {
      const uint64_t missing_ns = run_ns - told_ns - kSettledFromNs / 2;
      thread.given_ns += missing_ns;
      add_unsampled(thread.id, missing_ns);
    }
  }
}

void OutsideProcess::finish(KernelAccount account) {
  const uint64_t total_ns = account.final_ns != 0 ? account.final_ns : std::max(account.seen_ns, accounted_cpu_ns_);
  image_cpu_ns_ = total_ns > identity_.earlier_cpu_ns ? total_ns - identity_.earlier_cpu_ns : 0;
  if (total_ns <= accounted_cpu_ns_) {
    return;
  }
  if (!first_thread_) {
    thread_of(identity_.pid);
  }
  add_unsampled(first_thread_, total_ns - accounted_cpu_ns_);
}

Counters OutsideProcess::counters() const {
  return {{"samples", samples_},
          {"samples_dropped", lost_},
          {"stacks_heuristic", heuristic_},
          {"stacks_truncated", truncated_},
          {"perf_throttles", throttles_},
          {"threads", thread_count_}};
}

}  // namespace flarestack
