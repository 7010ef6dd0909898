// SPDX-License-Identifier: Apache-2.0
// The part of TargetProcess that looks for leaks.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <map>
#include <thread>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "profiler/leak_scan.h"
#include "profiler/process_maps.h"
#include "profiler/stopped_process.h"
#include "profiler/target_process.h"

namespace flarestack {
namespace {

constexpr uint64_t kLongestEndNs = 3'000'000'000;

void wake_all(std::atomic<LastStop>& state) { syscall(SYS_futex, &state, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

// Adds up the blocks of one thread, stack, verdict and holder.
class LeakSums {
 public:
  void add(const LeakRecord& one) {
    const auto key = std::tuple(one.verdict, one.thread, one.stack, one.inherited, one.holder, one.holder_module,
                                one.holder_thread, one.holder_stack);
    auto [entry, added] = sums_.try_emplace(key, one);
    if (added) {
      return;
    }
    LeakRecord& sum = entry->second;
    sum.blocks += one.blocks;
    sum.bytes += one.bytes;
    sum.smallest_bytes = std::min(sum.smallest_bytes, one.smallest_bytes);
    sum.largest_bytes = std::max(sum.largest_bytes, one.largest_bytes);
    sum.first_ns = std::min(sum.first_ns, one.first_ns);
    sum.last_ns = std::max(sum.last_ns, one.last_ns);
    sum.holder_offset.value = std::min(sum.holder_offset.value, one.holder_offset.value);
  }
  std::vector<LeakRecord> take() const {
    std::vector<LeakRecord> records;
    for (const auto& [key, sum] : sums_) {
      records.push_back(sum);
    }
    return records;
  }

 private:
  std::map<std::tuple<LeakVerdict, ThreadId, StackId, bool, LeakHolder, ModuleId, ThreadId, StackId>, LeakRecord> sums_;
};

}  // namespace

bool TargetProcess::leak_check_asked() const {
  return region_.view().page().last_stop.load(std::memory_order_acquire) == LastStop::kAsked;
}

void TargetProcess::check_leaks_at_end() {
  SessionPage& page = region_.view().page();
  page.last_stop.store(LastStop::kUnderWay, std::memory_order_release);
  wake_all(page.last_stop);
  const uint64_t start_ns = monotonic_now_ns();
  LeakRootFacts::Thread ending;
  ending.tid = tids_.ours(static_cast<int32_t>(page.last_stop_tid));
  ending.stack_pointer = page.last_registers.stack_pointer;
  ending.thread_pointer = page.last_registers.thread_pointer;
  StoppedProcess stopped(identity_.pid, ending.tid);
  drain(true);  // nobody writes any more
  LeakCheckRecord check = check_leaks(stopped, &ending);
  check.pause_ns = monotonic_now_ns() - start_ns;
  page.last_stop.store(LastStop::kDone, std::memory_order_release);
  wake_all(page.last_stop);
  tables_.writer().add(check);
  for (const LeakRecord& leak : leaks_) {
    tables_.writer().add(leak);
  }
  stopped.await_end(kLongestEndNs);
}

// Of the stopped process; `ending`: a thread that waits for this, and is not stopped. Leaves leaks_.
LeakCheckRecord TargetProcess::check_leaks(const StoppedProcess& stopped, const LeakRootFacts::Thread* ending) {
  LeakCheckRecord check;
  check.process = identity_.id;
  check.number = ++leak_checks_;
  const bool is_death = ending != nullptr && region_.view().page().last_stop_signal != 0;
  check.cause = ending == nullptr ? LeakCheckCause::kOnDemand
                : is_death        ? LeakCheckCause::kFatalSignal
                                  : LeakCheckCause::kExit;
  check.time_ns = origin_.now();
  leaks_.clear();
  const Result<ProcessMaps> maps = ProcessMaps::read(identity_.pid);
  if (!stopped.problem().empty() || !maps.ok()) {
    check.problem = !stopped.problem().empty() ? stopped.problem() : maps.error().message;
    return check;
  }
  LeakScanInput input;
  LeakRootFacts facts;
  std::vector<int32_t> register_owners;
  facts.mappings = maps->mappings();
  facts.mapped = heap_->tracker().mapped_ranges();
  facts.used = heap_->tracker().blocks().used_ranges();
  facts.thread_pointers.assign(thread_pointers_.begin(), thread_pointers_.end());
  for (const StoppedProcess::ThreadState& thread : stopped.threads()) {
    facts.threads.push_back({thread.tid, thread.stack_pointer, thread.thread_pointer});
    input.registers.insert(input.registers.end(), thread.registers.begin(), thread.registers.end());
    register_owners.insert(register_owners.end(), thread.registers.size(), thread.tid);
  }
  if (ending != nullptr) {
    const LastRegisters& registers = region_.view().page().last_registers;
    facts.threads.push_back(*ending);
    input.registers.insert(input.registers.end(), std::begin(registers.values), std::end(registers.values));
    register_owners.insert(register_owners.end(), std::size(registers.values), ending->tid);
  }
  const LeakRoots roots(std::move(facts));
  input.roots = roots.roots();
  input.blocks = heap_->live_blocks();
  const int32_t pid = identity_.pid;
  input.read = [pid](uint64_t address, void* to, size_t size) { return read_process_memory(pid, address, to, size); };
  input.is_file = [&](uint64_t address) { return roots.is_file(address); };
  input.is_code = [&](uint64_t address) { return roots.is_code(address); };
  input.threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  const LeakScanResult result = scan_for_leaks(std::move(input));

  check.blocks = result.blocks.size();
  check.root_bytes = result.root_bytes;
  LeakSums sums;
  for (size_t i = 0; i < result.blocks.size(); ++i) {
    const ScannedBlock& block = result.blocks[i];
    const HeapTracker::Origin origin = heap_->tracker().origin_of(block.site);
    LeakRecord leak;
    leak.process = identity_.id;
    leak.check = check.number;
    leak.verdict = result.verdicts[i];
    leak.inherited = HeapTracker::is_inherited(block.site);
    leak.thread = origin.thread;
    leak.stack = origin.stack;
    leak.blocks = 1;
    leak.bytes = leak.smallest_bytes = leak.largest_bytes = block.size_bytes;
    leak.first_ns = leak.last_ns = int64_t{block.birth} * HeapBlock::kBirthUnitNs;
    check.bytes += block.size_bytes;
    const uint32_t holder = result.holders[i];
    if (holder != LeakScanResult::kNobody && (holder & LeakScanResult::kRoot) == 0) {
      leak.holder = LeakHolder::kBlock;
      leak.holder_stack = heap_->tracker().origin_of(result.blocks[holder].site).stack;
    } else if (holder != LeakScanResult::kNobody) {
      const uint32_t index = holder & ~LeakScanResult::kRoot;
      int32_t tid = 0;
      if (index < register_owners.size()) {
        leak.holder = LeakHolder::kRegister;
        tid = register_owners[index];
      } else {
        const LeakRoots::Place place = roots.place_of(result.root_words[index]);
        leak.holder = place.kind;
        tid = place.tid;
        if (place.kind == LeakHolder::kModuleData) {
          const ModuleMap::Segment* module = modules_.find_by_path(place.path, result.root_words[index]);
          leak.holder_module = module != nullptr ? module->module : ModuleId{};
          leak.holder_offset.value = module != nullptr ? result.root_words[index] - module->load_bias : 0;
        }
      }
      const auto known = thread_ids_.find(tid);
      leak.holder_thread = known != thread_ids_.end() ? known->second : ThreadId{};
    }
    sums.add(leak);
  }
  leaks_ = sums.take();
  if (result.unreadable_bytes != 0) {
    check.problem = fmt::format("{} bytes could not be read", result.unreadable_bytes);
  }
  return check;
}

}  // namespace flarestack
