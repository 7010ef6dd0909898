// SPDX-License-Identifier: Apache-2.0
#include "profiler/outside_sampler.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "profiler/stopped_process.h"

namespace flarestack {
namespace {

constexpr uint64_t kSettleIntervalNs = 200'000'000;
constexpr uint64_t kInFlightNs = 1'000'000;  // a record gets its time before it can be seen in its ring

bool has_ended(const Fd& pidfd) {
  pollfd poll_state{pidfd.get(), POLLIN, 0};
  return !pidfd || poll(&poll_state, 1, 0) > 0;
}

std::string executable_path(int32_t pid) {
  std::error_code error;
  const std::string path = std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), error).string();
  return !path.empty() ? path : "[unknown]";
}

}  // namespace

bool may_sample_from_outside(int32_t pid) { return PerfRings::may_sample(pid) || SnapshotSampler::begin(pid).ok(); }

Result<void> OutsideSampler::add_to_rings(const Target& target) {
  if (rings_ == nullptr) {
    Result<std::unique_ptr<PerfRings>> rings = PerfRings::create({options_.period_ns, options_.follow_children});
    if (!rings.ok()) {
      return rings.error();
    }
    rings_ = std::move(*rings);
  }
  return rings_->add(target.pid, target.start);
}

Result<void> OutsideSampler::add(const Target& target) {
  const uint64_t earlier_cpu_ns = process_cpu_ns(target.pid);
  const Result<void> to_rings = add_to_rings(target);
  std::unique_ptr<SnapshotSampler> snapshots;
  if (!to_rings.ok()) {
    Result<SnapshotSampler> begun = SnapshotSampler::begin(target.pid);
    if (!begun.ok()) {
      return to_rings.error();
    }
    snapshots = std::make_unique<SnapshotSampler>(std::move(*begun));
  }
  const bool awaits_exec = target.start == PerfRings::Start::kAtExec;
  OutsideModules modules(files_, tables_);
  if (!awaits_exec) {
    modules.read(target.pid);
  }
  Entry& entry = begin(target, std::move(modules), earlier_cpu_ns,
                       snapshots != nullptr ? SamplingWay::kSnapshots : SamplingWay::kPerfRings);
  entry.snapshots = std::move(snapshots);
  entry.awaits_exec = awaits_exec;
  for (const int32_t tid : threads_of(target.pid)) {
    entry.process->see_thread(tid);
  }
  return {};
}

void OutsideSampler::write_process(const Target& target, ProcessId id, SamplingWay way) {
  ProcessRecord record;
  record.id = id;
  record.pid = target.pid;
  record.parent = target.parent;
  record.origin = target.origin;
  record.executable = !target.executable.empty() ? target.executable : executable_path(target.pid);
  record.arguments = !target.executable.empty() ? target.arguments : arguments_of(target.pid);
  record.start_ns = origin_.now();
  record.sampling = way;
  record.stack_copy_bytes =
      way == SamplingWay::kSnapshots ? SnapshotSampler::kStackCopyBytes : PerfRings::kStackCopyBytes;
  record.no_agent_reason = target.no_agent_reason;
  tables_.writer().add(record);
}

OutsideSampler::Entry& OutsideSampler::begin(const Target& target, OutsideModules modules, uint64_t earlier_cpu_ns,
                                             SamplingWay way) {
  const ProcessId id = tables_.next_process();
  write_process(target, id, way);
  recorded_ = true;
  Entry entry;
  entry.process = std::make_unique<OutsideProcess>(
      OutsideProcess::Identity{id, target.pid, earlier_cpu_ns,
                               way == SamplingWay::kSnapshots || rings_->samples_kernel()},
      std::move(modules), tables_, origin_);
  entry.pidfd = Fd(static_cast<int>(syscall(SYS_pidfd_open, target.pid, 0)));
  entry.last_cpu_ns = earlier_cpu_ns;
  return processes_.insert_or_assign(target.pid, std::move(entry)).first->second;
}

void OutsideSampler::take(const PerfRecord& record) {
  if (record.kind == PerfRecord::Kind::kFork) {
    take_fork(record);
    return;
  }
  const auto found = processes_.find(record.pid);
  if (found == processes_.end()) {
    return;  // a child that is not followed
  }
  OutsideProcess& process = *found->second.process;
  switch (record.kind) {
    case PerfRecord::Kind::kSample:
      process.take(record.sample);
      break;
    case PerfRecord::Kind::kMapping:
      process.modules().add(record.pid, record.mapping);
      break;
    case PerfRecord::Kind::kName:
      if (record.is_exec) {
        take_exec(record);
      } else {
        process.name_thread(record.tid, record.name);
      }
      break;
    case PerfRecord::Kind::kExit:
      process.end_thread(record.tid);
      break;
    case PerfRecord::Kind::kLost:
      process.add_lost(record.lost);
      break;
    case PerfRecord::Kind::kThrottle:
      process.add_throttle();
      break;
    default:
      break;
  }
}

void OutsideSampler::take_fork(const PerfRecord& record) {
  const auto parent = processes_.find(record.parent_pid);
  if (parent == processes_.end()) {
    return;
  }
  if (record.pid == record.parent_pid) {
    parent->second.process->begin_thread(record.tid, record.parent_tid);
  } else if (options_.follow_children && !processes_.contains(record.pid)) {
    Target child;
    child.pid = record.pid;
    child.parent = parent->second.process->identity().id;
    child.origin = ProcessOrigin::kFork;
    child.no_agent_reason = "a process that is recorded from outside started it";
    begin(child, parent->second.process->modules().copy(), 0, SamplingWay::kPerfRings);
  }
}

// One image ends, the next begins: as of a process with an agent.
void OutsideSampler::take_exec(const PerfRecord& record) {
  Entry& old = processes_.at(record.pid);
  if (old.awaits_exec) {
    old.awaits_exec = false;
    return;
  }
  Target next;
  next.pid = record.pid;
  next.origin = ProcessOrigin::kExec;
  next.parent = old.process->identity().id;
  next.no_agent_reason = "a process that is recorded from outside started it";
  OutsideModules modules = old.process->modules().copy();
  modules.clear();
  end(record.pid, {ExitKind::kReplacedByExec, 0}, {});
  const uint64_t earlier_cpu_ns = old.process->accounted_cpu_ns();
  begin(next, std::move(modules), earlier_cpu_ns, SamplingWay::kPerfRings);
}

void OutsideSampler::drain_until(uint64_t before_monotonic_ns) {
  if (rings_ == nullptr) {
    return;
  }
  rings_->drain(before_monotonic_ns, [this](const PerfRecord& record) { take(record); });
}

void OutsideSampler::drain() {
  const uint64_t now_ns = monotonic_now_ns();
  drain_until(now_ns - kInFlightNs);
  const bool settle = now_ns - last_settled_ns_ > kSettleIntervalNs;
  for (auto& [pid, entry] : processes_) {
    entry.last_cpu_ns = std::max(entry.last_cpu_ns, process_cpu_ns(pid));
    if (entry.snapshots != nullptr) {
      take_snapshots(entry, settle);
    } else if (settle) {
      entry.process->settle();
    }
  }
  last_settled_ns_ = settle ? now_ns : last_settled_ns_;
}

// What is mapped meanwhile is seen before the samples of it are.
void OutsideSampler::take_snapshots(Entry& entry, bool look_at_maps) {
  if (look_at_maps) {
    entry.process->modules().read(entry.process->identity().pid);
  }
  entry.snapshots->pass([&entry](const OutsideSample& sample) { entry.process->take(sample); });
}

uint64_t OutsideSampler::nap_ns(uint64_t longest_ns) {
  const bool takes_snapshots = std::any_of(processes_.begin(), processes_.end(),
                                           [](const auto& each) { return each.second.snapshots != nullptr; });
  if (!takes_snapshots) {
    return longest_ns;
  }
  // At random moments, so that no rhythm of the program's own is in step with them.
  const uint64_t interval_ns = std::max<uint64_t>(options_.period_ns, 1'000'000'000 / SnapshotSampler::kMostHz);
  return std::uniform_int_distribution<uint64_t>(interval_ns / 2, interval_ns * 3 / 2)(random_);
}

std::vector<int> OutsideSampler::descriptors() const {
  return rings_ != nullptr ? rings_->descriptors() : std::vector<int>();
}

void OutsideSampler::end_exited(int32_t spared) {
  std::vector<int32_t> ended;
  for (const auto& [pid, entry] : processes_) {
    if (pid != spared && has_ended(entry.pidfd)) {
      ended.push_back(pid);
    }
  }
  if (ended.empty()) {
    return;
  }
  drain_until(UINT64_MAX);
  for (const int32_t pid : ended) {
    const Entry& entry = processes_.at(pid);
    end(pid, exit_of(entry.pidfd.get(), pid), {process_cpu_ns(pid), entry.last_cpu_ns});
    processes_.erase(pid);
  }
}

void OutsideSampler::write_so_far() {
  for (const auto& [pid, entry] : processes_) {
    tables_.add_counters(entry.process->identity().id, entry.process->counters());
  }
}

void OutsideSampler::end_process(int32_t pid, ExitStatus exit, uint64_t total_cpu_ns) {
  drain_until(UINT64_MAX);
  if (const auto found = processes_.find(pid); found != processes_.end()) {
    end(pid, exit, {total_cpu_ns, found->second.last_cpu_ns});
    processes_.erase(pid);
  }
}

void OutsideSampler::end_all() {
  drain_until(UINT64_MAX);
  for (const auto& [pid, entry] : processes_) {
    end(pid, {ExitKind::kStillRunning, 0}, {process_cpu_ns(pid), entry.last_cpu_ns});
  }
  processes_.clear();
}

void OutsideSampler::end(int32_t pid, ExitStatus exit, KernelAccount account) {
  OutsideProcess& process = *processes_.at(pid).process;
  process.finish(account);
  tables_.end_process({process.identity().id, exit.kind, exit.code, origin_.now(), process.image_cpu_ns()},
                      process.counters());
}

std::string OutsideSampler::method_of(int32_t pid) const {
  const auto found = processes_.find(pid);
  if (found != processes_.end() && found->second.snapshots != nullptr) {
    return fmt::format("stopping its running threads for snapshots, at most {} times a second",
                       SnapshotSampler::kMostHz);
  }
  return fmt::format("perf_event with stack copies of {} KiB", PerfRings::kStackCopyBytes / 1024);
}

}  // namespace flarestack
