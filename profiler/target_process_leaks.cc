// SPDX-License-Identifier: Apache-2.0
// The part of TargetProcess that looks for leaks.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <thread>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include "profiler/block_index.h"
#include "profiler/leak_scan.h"
#include "profiler/process_maps.h"
#include "profiler/remote_place.h"
#include "profiler/stopped_process.h"
#include "profiler/target_process.h"
#include "profiler/touched_memory.h"

namespace flarestack {
namespace {

constexpr uint64_t kLongestEndNs = 3'000'000'000;

void wake_all(std::atomic<LastStop>& state) { syscall(SYS_futex, &state, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

// Adds up the blocks of one thread, stack, verdict and holder.
class LeakSums {
 public:
  // What tells one sum from another.
  struct Key {
    uint64_t path = 0;    // thread << 32 | stack
    uint64_t holder = 0;  // thread << 32 | stack or module
    uint32_t kinds = 0;   // verdict, holder, inherited
    bool operator==(const Key&) const = default;
    template <typename H>
    friend H AbslHashValue(H hash, const Key& key) {
      return H::combine(std::move(hash), key.path, key.holder, key.kinds);
    }
  };
  void add(const LeakRecord& one) {
    const Key key{
        uint64_t{one.thread.value} << 32 | one.stack.value,
        uint64_t{one.holder_thread.value} << 32 | (one.holder_stack.value | one.holder_module.value),
        static_cast<uint32_t>(one.verdict) | static_cast<uint32_t>(one.holder) << 8 | (one.inherited ? 1U << 16 : 0)};
    const auto [entry, added] = sums_.try_emplace(key, records_.size());
    if (added) {
      records_.push_back(one);
      return;
    }
    LeakRecord& sum = records_[entry->second];
    sum.blocks += one.blocks;
    sum.bytes += one.bytes;
    sum.smallest_bytes = std::min(sum.smallest_bytes, one.smallest_bytes);
    sum.largest_bytes = std::max(sum.largest_bytes, one.largest_bytes);
    sum.first_ns = std::min(sum.first_ns, one.first_ns);
    sum.last_ns = std::max(sum.last_ns, one.last_ns);
    sum.holder_offset.value = std::min(sum.holder_offset.value, one.holder_offset.value);
  }
  std::vector<LeakRecord> take() { return std::move(records_); }

 private:
  absl::flat_hash_map<Key, size_t> sums_;
  std::vector<LeakRecord> records_;
};

bool is_lost(LeakVerdict verdict) {
  return verdict == LeakVerdict::kDefinitelyLost || verdict == LeakVerdict::kIndirectlyLost;
}

// The ranges, which are ascending, without the blocks.
MemoryRanges without_blocks(const MemoryRanges& ranges, const ScannedBlocks& blocks) {
  MemoryRanges result;
  for (const auto& [start, end] : ranges) {
    uint64_t at = start;
    for (size_t i = first_block_from(blocks, start); i < blocks.size() && blocks[i].address < end; ++i) {
      if (blocks[i].address > at) {
        result.emplace_back(at, blocks[i].address);
      }
      at = std::max(at, blocks[i].address + blocks[i].size_bytes);
    }
    if (at < end) {
      result.emplace_back(at, end);
    }
  }
  return result;
}

// The roots without what has never been written to. musl's allocator takes what is left over in the pages of modules'
// data: blocks there are none of the modules'.
std::vector<ScanRoot> reduced(const LeakRoots& roots, const ScannedBlocks& blocks, const TouchedMemory& touched) {
  constexpr uint64_t kLeastBytes = 65536;  // less is read at once
  std::vector<ScanRoot> result;
  for (const ScanRoot& root : roots.roots()) {
    const bool is_file = roots.is_file(root.start);
    if (!is_file && root.end - root.start < kLeastBytes) {
      result.push_back(root);
      continue;
    }
    for (const auto& [start, end] :
         is_file ? without_blocks({{root.start, root.end}}, blocks) : touched.parts(root.start, root.end)) {
      result.push_back({start, end, root.has_chunk_headers});
    }
  }
  return result;
}

}  // namespace

MemoryRanges TargetProcess::memory_before_attach() const {
  MemoryRanges ranges;
  const Result<ProcessMaps> maps = ProcessMaps::read(identity_.pid);
  for (const ProcessMaps::Mapping& mapping : maps.ok() ? maps->mappings() : std::vector<ProcessMaps::Mapping>()) {
    const bool is_anonymous = mapping.path.empty() || mapping.path == "[heap]";
    if (is_anonymous && mapping.writable) {
      ranges.emplace_back(mapping.start, mapping.end);
    }
  }
  return ranges;
}

bool TargetProcess::leak_check_asked() const {
  return region_.view().page().last_stop.load(std::memory_order_acquire) == LastStop::kAsked;
}

void TargetProcess::check_leaks_at_end() {
  SessionPage& page = region_.view().page();
  page.last_stop.store(LastStop::kUnderWay, std::memory_order_release);
  wake_all(page.last_stop);
  const uint64_t start_ns = monotonic_now_ns();
  LeakLook look;
  look.check.process = identity_.id;
  look.check.number = ++leak_checks_;
  look.check.cause = page.last_stop_signal != 0 ? LeakCheckCause::kFatalSignal : LeakCheckCause::kExit;
  look.check.time_ns = origin_.now();
  // The thread that asks is not stopped: it waits, and says what it had in its registers.
  LeakRootFacts facts;
  const LastRegisters& registers = page.last_registers;
  const int32_t asking = tids_.ours(static_cast<int32_t>(page.last_stop_tid));
  facts.threads.push_back({asking, registers.stack_pointer, registers.thread_pointer});
  LeakScanInput input;
  input.registers.assign(std::begin(registers.values), std::end(registers.values));
  look.register_owners.assign(input.registers.size(), asking);

  StoppedProcess stopped(identity_.pid, asking);
  drain(true);  // nobody writes any more

  look_for_leaks(stopped, std::move(facts), std::move(input), look);

  look.check.pause_ns = monotonic_now_ns() - start_ns;
  page.last_stop.store(LastStop::kDone, std::memory_order_release);
  wake_all(page.last_stop);
  write_leaks(look);

  stopped.await_end(kLongestEndNs);
}

bool TargetProcess::can_check_leaks() const {
  return region_.view().page().heap == HeapRecording::kExact &&
         region_.view().page().last_stop.load(std::memory_order_relaxed) == LastStop::kNone;
}

uint32_t TargetProcess::check_leaks_now(LeakCheckCause cause) {
  constexpr uint64_t kLongestTriesNs = 3'000'000'000;  // on a machine where that thread has to wait for a processor
  constexpr useconds_t kBetweenTriesUs = 2'000;
  const uint64_t end_ns = monotonic_now_ns() + kLongestTriesNs;
  LeakLook look;
  look.check.process = identity_.id;
  look.check.number = ++leak_checks_;
  look.check.cause = cause;
  for (;;) {
    const uint64_t start_ns = monotonic_now_ns();
    look.check.time_ns = origin_.now();
    StoppedProcess stopped(identity_.pid, 0);
    // A thread that is in the middle of an event holds up those behind it: it is given time to finish.
    if (!drain_all() && stopped.problem().empty()) {
      if (start_ns < end_ns) {
        stopped.let_go();
        usleep(kBetweenTriesUs);
        continue;
      }
      look.check.problem = "some of its events could not be put in order: what nothing holds has no verdict";
      look.sure_from_ns = INT64_MAX;
    }
    look_for_leaks(stopped, {}, {}, look);
    stopped.let_go();
    look.check.pause_ns = monotonic_now_ns() - start_ns;
    break;
  }
  write_leaks(look);
  return look.check.number;
}

// Of a process that is stopped. False: some events cannot be put in order yet.
bool TargetProcess::drain_all() {
  constexpr int kMaxDrains = 20;
  constexpr useconds_t kMarginUs = 100;  // events are taken a little behind the present
  for (int i = 0; i < kMaxDrains; ++i) {
    usleep(kMarginUs);
    drain();
    if (!heap_left_over_) {
      return true;
    }
  }
  return false;
}

// What the stopped process still has, and what holds it.
void TargetProcess::look_for_leaks(const StoppedProcess& stopped, LeakRootFacts facts, LeakScanInput input,
                                   LeakLook& look) {
  for (const StoppedProcess::ThreadState& thread : stopped.threads()) {
    facts.threads.push_back({thread.tid, thread.stack_pointer, thread.thread_pointer});
    input.registers.insert(input.registers.end(), thread.registers.begin(), thread.registers.end());
    look.register_owners.insert(look.register_owners.end(), thread.registers.size(), thread.tid);
  }
  // The first thread may have ended, and has no memory then.
  const int32_t tid = !facts.threads.empty() ? facts.threads.front().tid : identity_.pid;
  Result<ProcessMaps> maps = ProcessMaps::read(tid);
  if (!stopped.problem().empty() || !maps.ok() || maps->mappings().empty()) {
    look.check.problem = !stopped.problem().empty() ? stopped.problem()
                         : !maps.ok()               ? maps.error().message
                                                    : "the process ended before it could be looked at";
    return;
  }
  facts.mappings = maps->mappings();
  facts.mapped = heap_.tracker().mapped_ranges();
  facts.own = {own_memory()};
  if (identity_.is_attached) facts.own.push_back(memory_apart(*maps));
  facts.used = heap_.tracker().blocks().used_ranges();
  facts.thread_pointers.assign(thread_pointers_.begin(), thread_pointers_.end());
  constexpr uint64_t kFewBlocks = 20'000;  // take less time than it takes to start a thread
  input.threads =
      heap_.tracker().blocks().size() < kFewBlocks ? 1 : std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  input.blocks = heap_.live_blocks(input.threads);
  facts.earlier = without_blocks(earlier_memory_, input.blocks);
  const LeakRoots& roots = look.roots.emplace(std::move(facts));
  input.roots = reduced(roots, input.blocks, TouchedMemory(tid));

  input.read = [tid](uint64_t address, void* to, size_t size) { return read_process_memory(tid, address, to, size); };
  input.is_file = [&](uint64_t address) { return roots.is_file(address); };
  input.is_code = [&](uint64_t address) { return roots.is_code(address); };
  look.result = scan_for_leaks(std::move(input));
  look.check.blocks = look.result.blocks.size();
  look.check.root_bytes = look.result.root_bytes;
  if (const int64_t lost_ns = heap_.last_loss_ns(); look.check.problem.empty() && lost_ns != INT64_MIN) {
    look.sure_from_ns = lost_ns + HeapBlock::kBirthUnitNs;
    look.check.problem = fmt::format(
        "{} of its events were lost, since the recorder could not keep up: what nothing holds has no verdict if it is "
        "from before that",
        heap_.lost_events());
  }
  if (look.result.unreadable_bytes == 0) {
    return;
  }
  const Result<ProcessMaps> still = ProcessMaps::read(tid);
  const bool is_cut_short = !still.ok() || still->mappings().empty();
  look.sure_from_ns = is_cut_short ? INT64_MAX : look.sure_from_ns;
  look.check.problem = is_cut_short ? "the process ended while it was looked at: blocks that had not been reached by "
                                      "then have no verdict"
                                    : fmt::format("{} bytes could not be read", look.result.unreadable_bytes);
}

// Fills in what holds a block. `index`: of LeakScanResult::root_words.
void TargetProcess::name_root(const LeakLook& look, uint32_t index, LeakRecord& leak) const {
  int32_t tid = 0;
  if (index < look.register_owners.size()) {
    leak.holder = LeakHolder::kRegister;
    tid = look.register_owners[index];
  } else {
    const uint64_t address = look.result.root_words[index];
    const LeakRoots::Place place = look.roots->place_of(address);
    leak.holder = place.kind;
    tid = place.tid;
    const ModuleMap::Segment* module =
        place.kind == LeakHolder::kModuleData ? modules_.find_by_path(place.path, address) : nullptr;
    leak.holder_module = module != nullptr ? module->module : ModuleId{};
    leak.holder_offset.value = module != nullptr ? address - module->load_bias : 0;
  }
  const auto known = thread_ids_.find(tid);
  leak.holder_thread = known != thread_ids_.end() ? known->second : ThreadId{};
}

void TargetProcess::write_leaks(LeakLook& look) {
  look.result.settle_leaders();
  const LeakScanResult& result = look.result;
  const HeapTracker& tracker = heap_.tracker();
  LeakSums sums;
  for (size_t i = 0; i < result.blocks.size(); ++i) {
    constexpr size_t kAhead = 16;
    if (i + kAhead < result.blocks.size()) {
      __builtin_prefetch(&result.blocks[result.holder(i + kAhead) % result.blocks.size()]);
    }
    const ScannedBlock& block = result.blocks[i];
    const int64_t birth_ns = int64_t{block.birth} * HeapBlock::kBirthUnitNs;
    if (birth_ns < look.sure_from_ns && is_lost(result.verdict(i))) {
      --look.check.blocks;
      continue;
    }
    const HeapTracker::Origin origin = tracker.origin_of(block.site);
    LeakRecord leak;
    leak.process = identity_.id;
    leak.check = look.check.number;
    leak.verdict = result.verdict(i);
    leak.inherited = HeapTracker::is_inherited(block.site);
    leak.thread = origin.thread;
    leak.stack = origin.stack;
    leak.blocks = 1;
    leak.bytes = leak.smallest_bytes = leak.largest_bytes = block.size_bytes;
    leak.first_ns = leak.last_ns = birth_ns;
    look.check.bytes += block.size_bytes;
    const uint32_t holder = result.holder(i);
    if (holder != LeakScanResult::kNobody && (holder & LeakScanResult::kRoot) == 0) {
      leak.holder = LeakHolder::kBlock;
      leak.holder_stack = tracker.origin_of(result.blocks[holder].site).stack;
    } else if (holder != LeakScanResult::kNobody) {
      name_root(look, holder & ~LeakScanResult::kRoot, leak);
    }
    sums.add(leak);
  }
  tables_.writer().add(look.check);
  for (const LeakRecord& leak : sums.take()) {
    tables_.writer().add(leak);
  }
}

}  // namespace flarestack
