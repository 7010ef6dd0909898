// SPDX-License-Identifier: Apache-2.0
#include "profiler/target_process.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "profiler/module_log.h"
#include "unwind/unwinder.h"
#include "wire/records.h"
#include "wire/ring.h"

namespace flarestack {
namespace {

constexpr uint64_t kNamesIntervalNs = 200'000'000;
constexpr uint64_t kGenerationsNs = 500'000'000;

std::string thread_comm(int32_t pid, int32_t tid) {
  std::ifstream file(fmt::format("/proc/{}/task/{}/comm", pid, tid));
  std::string name;
  std::getline(file, name);
  return name;
}

bool thread_exists(int32_t pid, int32_t tid) {
  struct stat status {};
  return stat(fmt::format("/proc/{}/task/{}", pid, tid).c_str(), &status) == 0;
}

}  // namespace

TargetProcess::TargetProcess(TargetIdentity identity, SessionRegion region, RecordingTables& tables, TimeOrigin origin,
                             uint64_t earlier_cpu_ns)
    : identity_(identity),
      tids_(identity.pid),
      region_(std::move(region)),
      tables_(tables),
      origin_(origin),
      period_ns_(region_.view().page().sample_period_ns),
      kernel_tick_ns_(kernel_tick_ns()),
      frames_(identity.id, tables, modules_),
      regions_(region_.view(), tables),
      heap_(HeapRings::Parts{region_.view(), identity_.id, &tables_.writer(), &frames_, origin_,
                             [this](uint32_t slot) { return slots_[slot].thread; }, &regions_}),
      memory_(identity.pid),
      earlier_cpu_ns_(earlier_cpu_ns),
      accounted_cpu_ns_(earlier_cpu_ns),
      blocked_(blocked_target()) {
  if (records_heap() && identity_.is_attached) {
    earlier_memory_ = memory_before_attach();
  }
}

void TargetProcess::switch_off() { region_.view().page().off.store(1, std::memory_order_relaxed); }

size_t TargetProcess::drain(bool ended) {
  const SessionView view = region_.view();
  const uint64_t now_ns = monotonic_now_ns();
  view.page().heartbeat_ns.store(now_ns, std::memory_order_relaxed);
  const bool refresh = now_ns - last_names_ns_ > kNamesIntervalNs;
  size_t records = 0;
  // Module events were written before the samples that name their generation, and samples are read only up to the heads
  // seen before the log is read: so no sample is met before its modules.
  std::array<SlotState, kSlotCount> states{};
  std::array<uint64_t, kSlotCount> heads{};
  const uint32_t slot_count = std::min(view.page().slot_limit.load(std::memory_order_acquire), kSlotCount);
  for (uint32_t i = 0; i < slot_count; ++i) {
    states[i] = view.slot(i).state.load(std::memory_order_acquire);
    heads[i] = view.slot(i).head.load(std::memory_order_acquire);
  }
  HeapRings::Limits heap_limits;
  heap_.begin_look(ended, heap_limits);
  for (uint32_t i = 0; i < slot_count; ++i) {
    heap_.look_at(i, ended, heap_limits);
    // A thread that has begun since then may have written events that are now below the limits.
    states[i] = view.slot(i).state.load(std::memory_order_acquire);
  }
  drain_modules();
  for (uint32_t i = 0; i < slot_count; ++i) {
    if (!slots_[i].live && (states[i] == SlotState::kLive || states[i] == SlotState::kEnding)) {
      begin_thread(i);
      account_startup();  // before the first sample, which is of later CPU time
    }
  }
  if (records_heap() && !ended && memory_.is_due(origin_.now())) {
    look_at_memory();
  }
  const HeapRings::Left left = heap_.drain(slot_count, heap_limits);
  heap_held_up_ = left == HeapRings::Left::kMuch;
  heap_left_over_ = left != HeapRings::Left::kNothing;
  blocked_.take_samples();
  for (uint32_t i = 0; i < slot_count; ++i) {
    if (states[i] != SlotState::kLive && states[i] != SlotState::kEnding) {
      continue;
    }
    SlotHeader& header = view.slot(i);
    records += drain_slot(i, heads[i]);
    const bool look = refresh || states[i] == SlotState::kEnding;
    // What it wrote since then is drained next time.
    if (look && (slots_[i].gone || !thread_exists(identity_.pid, slots_[i].tid)) &&
        header.head.load(std::memory_order_acquire) == heads[i] && heap_.is_drained(i)) {
      heap_.forget_thread(i);
      name_from_slot(slots_[i], header);  // it may have named itself since
      take_counts(i);
      blocked_.forget(i);
      thread_ids_.erase(slots_[i].tid);
      slots_[i] = Slot{};
      // The next thread writes where this one began, so that few pages of a ring are ever touched.
      for (std::atomic<uint64_t>* position : {&header.head, &header.tail, &header.heap_head, &header.heap_tail}) {
        position->store(0, std::memory_order_relaxed);
      }
      header.state.store(SlotState::kFree, std::memory_order_release);
    }
  }
  // What is in the rings now was written after the previous drain, by a thread that may have taken its list of modules
  // earlier: as long before as a thread may be kept from running.
  if (!heap_left_over_ && now_ns - last_forgotten_ns_ > kGenerationsNs) {
    last_forgotten_ns_ = now_ns;
    modules_.forget_before(earlier_generations_[0]);
    earlier_generations_ = {earlier_generations_[1], last_generation_};
  }
  if (!ended) {
    look_for_blocked_threads();
  }
  if (refresh) {
    last_names_ns_ = now_ns;
    refresh_names();
    find_unsampled_threads();
    regions_.write(origin_.now(), false);
  }
  return records;
}

void TargetProcess::take_counts(uint32_t index) {
  SlotHeader& header = region_.view().slot(index);
  dropped_ += header.dropped_samples.exchange(0, std::memory_order_relaxed);
  bad_stacks_ += header.bad_stacks.exchange(0, std::memory_order_relaxed);
}

void TargetProcess::drain_modules() {
  const ModuleLogResult result = drain_module_log(region_.view(), tables_, modules_);
  damaged_ += result.damaged_records;
  last_generation_ = std::max(last_generation_, result.last_generation);
}

void TargetProcess::begin_thread(uint32_t index) {
  SlotHeader& header = region_.view().slot(index);
  Slot& slot = slots_[index];
  slot = Slot{};
  slot.live = true;
  const auto own_tid = static_cast<int32_t>(header.tid.load(std::memory_order_relaxed));
  slot.tid = tids_.ours(own_tid);
  if (slot.tid == 0) {
    slot.gone = true;
    slot.tid = own_tid;
  }
  ++threads_;
  perf_threads_ += header.clock == SampleClock::kPerfTaskClock ? 1 : 0;
  slot.thread = thread_of(slot.tid);
  if (header.stack_high != 0) {
    thread_pointers_.insert(header.stack_high);  // where a thread's stack ends
  }
  name_from_slot(slot, header);
}

void TargetProcess::name_from_slot(Slot& slot, const SlotHeader& header) {
  char name[sizeof(header.name) + 1] = {};
  std::memcpy(name, header.name, sizeof(header.name));
  if (name[0] != '\0' && slot.name != name) {
    slot.name = name;
    describe_thread(slot.thread, slot.tid, slot.name);
  }
}

ThreadId TargetProcess::thread_of(int32_t tid) {
  auto [entry, added] = thread_ids_.try_emplace(tid);
  if (added) {
    entry->second = tables_.next_thread();
    if (!first_thread_) {
      first_thread_ = entry->second;
    }
    describe_thread(entry->second, tid, thread_comm(identity_.pid, tid));
  }
  return entry->second;
}

void TargetProcess::describe_thread(ThreadId thread, int32_t tid, const std::string& name) {
  ThreadRecord record;
  record.id = thread;
  record.process = identity_.id;
  record.tid = tid;
  record.name = name;
  record.start_ns = origin_.now();
  tables_.writer().add(record);
}

void TargetProcess::refresh_names() {
  for (Slot& slot : slots_) {
    if (slot.live) {
      const std::string name = thread_comm(identity_.pid, slot.tid);
      if (!name.empty() && name != slot.name) {
        slot.name = name;
        describe_thread(slot.thread, slot.tid, name);
      }
    }
  }
}

// A thread that has no slot at two looks in a row was not merely starting.
void TargetProcess::find_unsampled_threads() {
  std::set<int32_t> with_slot;
  for (uint32_t i = 0; i < kSlotCount; ++i) {
    if (region_.view().slot(i).state.load(std::memory_order_relaxed) != SlotState::kFree) {
      with_slot.insert(tids_.ours(static_cast<int32_t>(region_.view().slot(i).tid.load(std::memory_order_relaxed))));
    }
  }
  std::set<int32_t> without_slot;
  std::error_code error;
  for (std::filesystem::directory_iterator task(fmt::format("/proc/{}/task", identity_.pid), error), end; task != end;
       task.increment(error)) {
    const int32_t tid = std::atoi(task->path().filename().c_str());
    if (!with_slot.contains(tid)) {
      without_slot.insert(tid);
      if (without_slot_before_.contains(tid)) {
        unsampled_tids_.insert(tid);
      }
    }
  }
  // One that was looked at while the process was entered has its slot by now.
  std::erase_if(unsampled_tids_, [&](int32_t tid) { return with_slot.contains(tid); });
  without_slot_before_ = std::move(without_slot);
}

size_t TargetProcess::drain_slot(uint32_t index, uint64_t head) {
  const SessionView view = region_.view();
  SlotHeader& header = view.slot(index);
  RingReader ring(view.ring(index), kRingBytes, header.head, header.tail);
  size_t records = 0;
  std::vector<uint64_t> words;
  // What is there now and no more: a target that never stops writing must not keep us here.
  for (size_t left = ring.available(); left != 0 && ring.position() != head; left -= words.size()) {
    const RecordHeader record = RecordHeader::unpack(ring.peek(0));
    if (record.words == 0 || record.words > left || record.words > kMaxRecordWords) {
      skip_damage(index, ring);
      break;
    }
    words.resize(record.words);
    for (uint32_t i = 0; i < record.words; ++i) {
      words[i] = ring.peek(i);
    }
    ring.consume(record.words);
    ++records;
    if (record.kind == RecordKind::kSample && record.words >= kSampleHeaderWords) {
      take_sample(index, words);
    } else if (record.kind == RecordKind::kKernelTicks && record.words == kKernelTicksWords) {
      const uint64_t ticks = blocked_.settle(index, words[1], words[2] & UINT32_MAX);
      add_kernel_time(slots_[index], past_time(words[1]), ticks, static_cast<uint32_t>(words[2] >> 32));
    } else {
      ++damaged_;
    }
  }
  if (ring.damaged()) {
    skip_damage(index, ring);
  }
  return records;
}

void TargetProcess::skip_damage(uint32_t index, RingReader& ring) {
  ++damaged_;
  ring.skip_to_head();
  // What the next sample refers to as its previous stack is not known any more.
  slots_[index].stack.clear();
}

int64_t TargetProcess::past_time(uint64_t monotonic_ns) const {
  return std::clamp<int64_t>(origin_.since(monotonic_ns), 0, origin_.now());
}

void TargetProcess::take_sample(uint32_t index, const std::vector<uint64_t>& words) {
  Slot& slot = slots_[index];
  const RecordHeader record = RecordHeader::unpack(words[0]);
  const int64_t time_ns = past_time(words[1]);
  const auto kept = static_cast<uint32_t>(words[2]);
  const uint64_t ticks = blocked_.settle(index, words[1], 1 + (words[2] >> 32));
  const auto frames_elided = static_cast<uint32_t>(words[3]);
  const auto region_node = static_cast<uint32_t>(words[3] >> 32);
  if (!slot.stack.keep(kept, words.size() - kSampleHeaderWords)) {
    ++damaged_;
    return;
  }
  frames_.set_time(time_ns);
  slot.stack.follow_time(frames_, record.generation, frames_elided != 0);
  for (size_t i = kSampleHeaderWords; i < words.size(); ++i) {
    slot.stack.push(frames_, words[i], record.generation, frames_elided != 0);
  }
  if (ticks == 0) {
    slot.sampled = true;
    return;  // samples from outside tell of that time
  }
  const uint64_t missed_ticks = ticks - 1;
  ++samples_;
  heuristic_ += (record.flags & kSampleHeuristic) != 0 ? 1 : 0;
  truncated_ += (record.flags & kSampleTruncated) != 0 ? 1 : 0;
  elided_ += frames_elided != 0 ? 1 : 0;
  StackId stack = slot.stack.leaf();
  if (stack && frames_.is_agent(slot.stack.leaf_frame(), record.generation)) {
    stack = tables_.stack(stack, tables_.named_frame(FrameKind::kMarker, "[flarestack]"));  // what recording costs
  }
  uint64_t weight_ns = period_ns_;
  if (region_.view().slot(index).clock == SampleClock::kPerfTaskClock) {
    add_kernel_time(slot, time_ns, missed_ticks, region_node);
  } else {
    overrun_ticks_ += missed_ticks;
    weight_ns = posix_weight_ns(slot, missed_ticks);
  }
  slot.sampled = true;
  tables_.add_weight(slot.thread, stack, SampleMetric::kCpu, time_ns, 1, weight_ns, regions_.region_of(region_node));
  accounted_cpu_ns_ += weight_ns;
}

void TargetProcess::sample_off_cpu() {
  if (off_cpu_ == nullptr) {
    OffCpuSampler::Target target;
    target.pid = identity_.pid;
    target.tables = &tables_;
    target.modules = &modules_;
    target.thread_of = [this](int32_t tid) { return thread_of(tid); };
    target.push_frame = [this](StackId parent, FrameAddress frame) {
      return frames_.child(parent, frame.bits(), last_generation_);
    };
    off_cpu_ = std::make_unique<OffCpuSampler>(std::move(target));
  }
  drain_modules();
  frames_.set_time(origin_.now());
  off_cpu_->pass(origin_.now());
}

void TargetProcess::finish(KernelAccount account) {
  drain(true);
  heap_.leave_regions();
  if (records_heap()) {
    heap_.end_slice(true);
  }
  regions_.write(origin_.now(), true);
  if (off_cpu_ != nullptr) {
    off_cpu_->finish(origin_.now());
  }
  blocked_.finish();
  for (uint32_t i = 0; i < kSlotCount; ++i) {
    if (slots_[i].live) {
      take_counts(i);
    }
  }
  account_remainder(account);
}

Counters TargetProcess::counters() const {
  const SessionPage& page = region_.view().page();
  Counters counters = {{"samples", samples_},
                       {"samples_dropped", dropped_},
                       {"stacks_heuristic", heuristic_ + blocked_.heuristic()},
                       {"stacks_truncated", truncated_ + blocked_.truncated()},
                       {"stacks_elided", elided_},
                       {"kernel_ticks", kernel_ticks_},
                       {"overrun_ticks", overrun_ticks_},
                       {"damaged_records", damaged_},
                       {"off_cpu_samples", off_cpu_ != nullptr ? off_cpu_->samples() : 0},
                       {"off_cpu_stacks_heuristic", off_cpu_ != nullptr ? off_cpu_->heuristic() : 0},
                       {"off_cpu_stacks_truncated", off_cpu_ != nullptr ? off_cpu_->truncated() : 0},
                       {"threads", threads_},
                       {"threads_perf_clock", perf_threads_},
                       {"threads_blocking_signal", blocked_.threads()},
                       {"outside_samples", blocked_.samples()},
                       {"outside_samples_lost", blocked_.lost()},
                       {"threads_without_agent", unsampled_tids_.size()},
                       {"threads_without_slot", page.threads_without_slot.load(std::memory_order_relaxed)},
                       {"threads_without_timer", page.threads_without_timer.load(std::memory_order_relaxed)},
                       {"forks_unrecorded", page.forks_unrecorded.load(std::memory_order_relaxed)},
                       {"module_events_lost", page.module_events_lost.load(std::memory_order_relaxed)},
                       {"sandboxed", page.sandboxed.load(std::memory_order_relaxed)},
                       {"module_hook_missing", page.module_hook_missing.load(std::memory_order_relaxed)},
                       {"regions_lost", page.regions_lost.load(std::memory_order_relaxed)},
                       {"regions_unbalanced", page.regions_unbalanced.load(std::memory_order_relaxed)},
                       {"regions_unfinished", regions_.unfinished()},
                       {"region_spans_merged", regions_.spans_merged()},
                       {"paused_ticks", page.paused_ticks.load(std::memory_order_relaxed)}};
  if (records_heap()) {
    heap_.add_counters(counters);
  }
  return counters;
}

}  // namespace flarestack
