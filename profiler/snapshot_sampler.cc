// SPDX-License-Identifier: Apache-2.0
#include "profiler/snapshot_sampler.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "profiler/clock.h"
#include "profiler/interrupted_calls.h"
#include "profiler/stopped_process.h"
#include "profiler/traced_thread.h"

namespace flarestack {
namespace {

constexpr uint64_t kListingIntervalNs = 20'000'000;
constexpr uint64_t kStopTimeoutNs = 50'000'000;
constexpr uint64_t kLeastRunNs = 100'000;  // a thread that ran for less waits for the next look

Fd open_of_thread(int32_t pid, int32_t tid, const char* name) {
  Result<Fd> file = open_file(fmt::format("/proc/{}/task/{}/{}", pid, tid, name), O_RDONLY);
  return file.ok() ? std::move(*file) : Fd();
}

std::string_view reread(const Fd& file, std::array<char, 512>& buffer) {
  const ssize_t size = pread(file.get(), buffer.data(), buffer.size() - 1, 0);
  buffer[size > 0 ? static_cast<size_t>(size) : 0] = '\0';
  return {buffer.data(), size > 0 ? static_cast<size_t>(size) : 0};
}

// "PID (NAME) STATE ...": the name may hold anything.
bool is_running(std::string_view stat) {
  const size_t name_end = stat.rfind(')');
  return name_end != std::string_view::npos && stat.substr(name_end).starts_with(") R");
}

MachineRegisters by_dwarf_number(const user_regs_struct& from) {
  return {{from.rax, from.rdx, from.rcx, from.rbx, from.rsi, from.rdi, from.rbp, from.rsp, from.r8, from.r9, from.r10,
           from.r11, from.r12, from.r13, from.r14, from.r15, from.rip}};
}

}  // namespace

Result<SnapshotSampler> SnapshotSampler::begin(int32_t pid) {
  // Opening it asks for the right to trace, and does nothing to the process.
  const Result<Fd> memory = open_file(fmt::format("/proc/{}/mem", pid), O_RDWR);
  if (!memory.ok()) {
    return memory.error();
  }
  SnapshotSampler sampler(pid);
  sampler.find_threads(false);
  return sampler;
}

void SnapshotSampler::find_threads(bool are_new) {
  for (const int32_t tid : threads_of(pid_)) {
    if (threads_.contains(tid)) {
      continue;
    }
    Thread thread;
    thread.schedstat = open_of_thread(pid_, tid, "schedstat");
    thread.stat = open_of_thread(pid_, tid, "stat");
    if (thread.schedstat && thread.stat) {
      std::array<char, 512> buffer;
      thread.given_ns = are_new ? 0 : std::strtoull(reread(thread.schedstat, buffer).data(), nullptr, 10);
      threads_.emplace(tid, std::move(thread));
    }
  }
}

void SnapshotSampler::pass(const std::function<void(const OutsideSample&)>& take) {
  const uint64_t now_ns = monotonic_now_ns();
  if (now_ns - last_listing_ns_ > kListingIntervalNs) {
    last_listing_ns_ = now_ns;
    find_threads(true);
  }
  std::array<char, 512> buffer;
  for (auto entry = threads_.begin(); entry != threads_.end();) {
    auto& [tid, thread] = *entry;
    const std::string_view times = reread(thread.schedstat, buffer);
    if (times.empty()) {
      entry = threads_.erase(entry);  // it is gone
      continue;
    }
    const uint64_t run_ns = std::strtoull(times.data(), nullptr, 10);
    OutsideSample sample;
    if (run_ns >= thread.given_ns + kLeastRunNs && is_running(reread(thread.stat, buffer)) &&
        this->sample(tid, sample)) {
      sample.weight_ns = run_ns - thread.given_ns;
      thread.given_ns = run_ns;
      take(sample);
    }
    ++entry;
  }
}

bool SnapshotSampler::sample(int32_t tid, OutsideSample& sample) {
  Result<TracedThread> thread = TracedThread::seize(pid_, tid);
  user_regs_struct registers{};
  if (!thread.ok() || !thread->stop(kStopTimeoutNs).ok() || !thread->registers(registers)) {
    return false;
  }
  if (is_cut_short(registers)) {
    user_regs_struct again = registers;
    again.rax = static_cast<unsigned long long>(-kRestartNoHandler);
    thread->set_registers(again);
  }
  stack_copy_.resize(kStackCopyBytes);
  const iovec local{stack_copy_.data(), stack_copy_.size()};
  const iovec remote{reinterpret_cast<void*>(registers.rsp), stack_copy_.size()};
  const ssize_t copied = process_vm_readv(pid_, &local, 1, &remote, 1, 0);
  thread->let_go();
  constexpr unsigned long long kCode64 = 0x33;  // the selector of 64-bit user code in Linux
  sample.pid = pid_;
  sample.tid = tid;
  sample.time_monotonic_ns = monotonic_now_ns();
  sample.in_kernel = static_cast<long long>(registers.orig_rax) >= 0;
  sample.code = registers.cs == kCode64 ? OutsideSample::Code::k64Bit : OutsideSample::Code::k32Bit;
  sample.registers = by_dwarf_number(registers);
  sample.stack = {stack_copy_.data(), copied > 0 ? static_cast<size_t>(copied) : 0};
  return true;
}

}  // namespace flarestack
