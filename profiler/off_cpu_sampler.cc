// SPDX-License-Identifier: Apache-2.0
#include "profiler/off_cpu_sampler.h"

#include <dirent.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "profiler/clock.h"

namespace flarestack {
namespace {

constexpr uint64_t kListingIntervalNs = 20'000'000;
constexpr uint64_t kGiveOutIntervalNs = 200'000'000;
constexpr size_t kStackCopyBytes = size_t{256} * 1024;
constexpr size_t kFirstCopyBytes = size_t{16} * 1024;

// The content of a small file of /proc that is kept open; empty when its thread is gone.
std::string_view reread(int descriptor, std::array<char, 256>& buffer) {
  const ssize_t size = pread(descriptor, buffer.data(), buffer.size() - 1, 0);
  buffer[size > 0 ? static_cast<size_t>(size) : 0] = '\0';
  return {buffer.data(), size > 0 ? static_cast<size_t>(size) : 0};
}

Fd open_of_thread(int32_t pid, int32_t tid, const char* name) {
  Result<Fd> file = open_file(fmt::format("/proc/{}/task/{}/{}", pid, tid, name), O_RDONLY);
  return file.ok() ? std::move(*file) : Fd();
}

// "NUMBER ARGUMENT... SP PC", or "-1 SP PC" for a thread that sleeps outside system calls; false when it runs.
bool parse_syscall(std::string_view text, uint64_t& stack_pointer, uint64_t& program_counter) {
  if (text.empty() || text.starts_with("running")) {
    return false;
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  const size_t pc_at = text.rfind(' ');
  const size_t sp_at = pc_at == std::string_view::npos ? pc_at : text.rfind(' ', pc_at - 1);
  if (sp_at == std::string_view::npos) {
    return false;
  }
  stack_pointer = std::strtoull(text.data() + sp_at + 1, nullptr, 16);
  program_counter = std::strtoull(text.data() + pc_at + 1, nullptr, 16);
  return stack_pointer != 0 && program_counter != 0;
}

}  // namespace

void OffCpuSampler::find_threads() {
  DIR* directory = opendir(fmt::format("/proc/{}/task", target_.pid).c_str());
  if (directory == nullptr) {
    return;
  }
  while (const dirent* entry = readdir(directory)) {
    const int32_t tid = std::atoi(entry->d_name);
    if (tid <= 0 || threads_.contains(tid)) {
      continue;
    }
    Thread thread;
    thread.schedstat = open_of_thread(target_.pid, tid, "schedstat");
    thread.syscall = open_of_thread(target_.pid, tid, "syscall");
    if (thread.schedstat && thread.syscall) {
      thread.id = target_.thread_of(tid);
      threads_.emplace(tid, std::move(thread));
    }
  }
  closedir(directory);
}

bool OffCpuSampler::look_at(Thread& thread, uint64_t now_ns) {
  std::array<char, 256> buffer;
  const std::string_view text = reread(thread.schedstat.get(), buffer);
  if (text.empty()) {
    return false;
  }
  SchedulerTimes times;
  char* end = buffer.data();
  times.run_ns = std::strtoull(end, &end, 10);
  times.wait_ns = std::strtoull(end, &end, 10);
  times.slices = std::strtoull(end, &end, 10);
  if (thread.last_pass_ns != 0) {
    const uint64_t busy_ns = (times.run_ns - thread.times.run_ns) + (times.wait_ns - thread.times.wait_ns);
    thread.off_ns += static_cast<int64_t>(now_ns - thread.last_pass_ns - busy_ns);
    thread.waiting_ns += times.wait_ns - thread.times.wait_ns;
  }
  const bool ran = thread.last_pass_ns == 0 || !(times == thread.times);
  thread.times = times;
  thread.last_pass_ns = now_ns;
  if (ran || !thread.asleep) {
    uint64_t stack_pointer = 0;
    uint64_t program_counter = 0;
    thread.asleep = parse_syscall(reread(thread.syscall.get(), buffer), stack_pointer, program_counter);
    if (thread.asleep) {
      thread.stack_pointer = stack_pointer;
      thread.program_counter = program_counter;
      thread.stack = unwind(thread);
    }
  }
  if (thread.asleep) {
    ++thread.seen[thread.stack.value];
    ++samples_;
  }
  return true;
}

void OffCpuSampler::give_out(Thread& thread, int64_t time_ns) {
  uint64_t passes = 0;
  for (const auto& [stack, count] : thread.seen) {
    passes += count;
  }
  if (passes != 0 && thread.off_ns > 0) {
    const auto off_ns = static_cast<uint64_t>(thread.off_ns);
    for (const auto& [stack, count] : thread.seen) {
      // 128 bits: hours of nanoseconds times the passes of a fifth of a second.
      const auto weight_ns = static_cast<uint64_t>(static_cast<unsigned __int128>(off_ns) * count / passes);
      target_.tables->add_weight(thread.id, {stack}, SampleMetric::kOffCpu, time_ns, count, weight_ns);
    }
    thread.off_ns = 0;
    thread.seen.clear();
  }
  if (thread.waiting_ns != 0) {
    const StackId stack =
        target_.tables->stack({}, target_.tables->named_frame(FrameKind::kMarker, "[waiting for a CPU]"));
    target_.tables->add_weight(thread.id, stack, SampleMetric::kOffCpu, time_ns, 0, thread.waiting_ns);
    thread.waiting_ns = 0;
  }
}

void OffCpuSampler::pass(int64_t time_ns) {
  const uint64_t now_ns = monotonic_now_ns();
  if (target_.modules->segments().empty()) {
    return;  // the agent has not told of them yet
  }
  if (now_ns - last_listing_ns_ > kListingIntervalNs) {
    last_listing_ns_ = now_ns;
    find_threads();
  }
  if (modules_.refresh()) {
    for (auto& [tid, thread] : threads_) {
      thread.asleep = false;  // its stack may be understood better now
    }
  }
  for (auto entry = threads_.begin(); entry != threads_.end();) {
    Thread& thread = entry->second;
    const bool alive = look_at(thread, monotonic_now_ns());
    if (!alive || now_ns - thread.last_given_ns > kGiveOutIntervalNs) {
      thread.last_given_ns = now_ns;
      give_out(thread, time_ns);
    }
    entry = alive ? std::next(entry) : threads_.erase(entry);
  }
}

void OffCpuSampler::finish(int64_t time_ns) {
  for (auto& [tid, thread] : threads_) {
    give_out(thread, time_ns);
  }
  threads_.clear();
}

StackId OffCpuSampler::unwind(Thread& thread) {
  RemoteThreadState remote;
  remote.registers.value[MachineRegisters::kRsp] = thread.stack_pointer;
  remote.registers.value[MachineRegisters::kRip] = thread.program_counter;
  remote.known.set(MachineRegisters::kRsp, true);
  remote.known.set(MachineRegisters::kRip, true);
  remote.stack_address = thread.stack_pointer;
  RemoteTrace trace;
  // Most stacks are shallow: the rest is copied only when the first part did not reach the root.
  for (size_t size_bytes = kFirstCopyBytes; size_bytes <= kStackCopyBytes; size_bytes *= 4) {
    stack_copy_.resize(size_bytes);
    const iovec local{stack_copy_.data(), size_bytes};
    const iovec source{reinterpret_cast<void*>(thread.stack_pointer), size_bytes};
    const ssize_t copied = process_vm_readv(target_.pid, &local, 1, &source, 1, 0);
    remote.stack = {stack_copy_.data(), copied > 0 ? static_cast<size_t>(copied) : 0};
    trace = unwinder_.unwind(remote, modules_.snapshot());
    if (trace.end != UnwindEnd::kBadMemory || copied < static_cast<ssize_t>(size_bytes)) {
      break;
    }
  }
  heuristic_ += trace.heuristic ? 1 : 0;
  truncated_ += trace.end != UnwindEnd::kRoot ? 1 : 0;
  StackId stack;
  for (const FrameAddress frame : trace.frames) {
    stack = target_.push_frame(stack, frame);
  }
  return stack;
}

}  // namespace flarestack
