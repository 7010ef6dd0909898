// SPDX-License-Identifier: Apache-2.0
#include "model/recording.h"

#include <algorithm>
#include <iterator>

namespace flarestack {
namespace {

constexpr int64_t kMaxTimeNs = int64_t{1} << 60;  // 36 years: sums of a few of them do not overflow

constexpr uint64_t kMaxCount = uint64_t{1} << 60;

bool sensible_count(uint64_t count) { return count < kMaxCount; }
bool sensible_difference(int64_t difference) {
  return difference > -static_cast<int64_t>(kMaxCount) && difference < static_cast<int64_t>(kMaxCount);
}

bool sensible(const AllocationRecord& record) {
  return record.size_class <= 64 && sensible_count(record.allocations) && sensible_count(record.allocated_bytes) &&
         sensible_count(record.deallocations) && sensible_count(record.deallocated_bytes) &&
         sensible_count(record.temporary) && sensible_count(record.samples) &&
         sensible_count(record.variance_allocations) && sensible_count(record.variance_kib2) &&
         std::all_of(record.lifetimes.begin(), record.lifetimes.end(), sensible_count) &&
         sensible_difference(record.peak_bytes) && sensible_difference(record.peak_blocks);
}

bool sensible(const HeapSliceRecord& record) {
  return sensible_count(record.peak_bytes) && sensible_count(record.peak_blocks) && sensible_count(record.live_bytes) &&
         sensible_count(record.live_blocks);
}

bool sensible(const MemoryRecord& record) {
  const uint64_t values[] = {record.rss_bytes,    record.pss_bytes,    record.allocator_bytes, record.stack_bytes,
                             record.file_bytes,   record.mapped_bytes, record.own_bytes,       record.heap_live_bytes,
                             record.minor_faults, record.major_faults};
  return std::all_of(std::begin(values), std::end(values), sensible_count);
}

std::string base_name(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos || slash + 1 == path.size()) return path;
  return path.substr(slash + 1);
}

}  // namespace

std::string Process::name() const {
  if (!executable.empty()) return base_name(executable);
  if (!arguments.empty()) return base_name(arguments.front());
  return pid != 0 ? "pid " + std::to_string(pid) : "[lost]";
}

std::string Module::name() const { return base_name(path); }

uint64_t Recording::counter(const std::string& name) const {
  const auto found = counters.find(name);
  return found == counters.end() ? 0 : found->second;
}

AllocationDetail Recording::detail_of(const RecordedAllocation& allocation) const {
  if (allocation.detail < allocation_details.size()) return allocation_details[allocation.detail];
  AllocationDetail detail;
  detail.lifetimes[0] = allocation.deallocations;
  return detail;
}

void RecordingBuilder::add(const TraceRecord& record) {
  std::visit([this](const auto& value) { add_record(value); }, record);
}

Recording RecordingBuilder::finish(const TraceDamage& damage) {
  recording_.damage = damage;
  return std::move(recording_);
}

void RecordingBuilder::drop_measurements() {
  recording_.samples.clear();
  recording_.allocations.clear();
  recording_.pool_allocations.clear();
  recording_.allocation_details.clear();
  recording_.heap_slices.clear();
  recording_.memory.clear();
}

void RecordingBuilder::IdIndex::set(uint32_t id, uint32_t index) {
  constexpr size_t kSlack = size_t{1} << 20;
  if (id < dense_.size()) {
    dense_[id] = index;
  } else if (id < 2 * dense_.size() + kSlack) {
    if (id >= dense_.capacity()) dense_.reserve(2 * size_t{id} + 64);
    dense_.resize(size_t{id} + 1, kLostIndex);
    dense_[id] = index;
  } else {
    sparse_[id] = index;
  }
}

uint32_t RecordingBuilder::IdIndex::find(uint32_t id) const {
  if (id < dense_.size() && dense_[id] != kLostIndex) return dense_[id];
  const auto found = sparse_.find(id);
  return found == sparse_.end() ? kLostIndex : found->second;
}

void RecordingBuilder::add_record(const SessionRecord& record) { recording_.session = record; }

void RecordingBuilder::add_record(const StringRecord& record) {
  strings_.set(record.id.value, static_cast<uint32_t>(recording_.strings.size()));
  recording_.strings.push_back(record.text);
}

void RecordingBuilder::add_record(const ProcessRecord& record) {
  if (!sensible_time(record.start_ns)) return;
  Process process;
  process.id = record.id;
  process.parent = resolve(processes_, record.parent.value);
  process.origin = record.origin;
  process.pid = record.pid;
  process.executable = record.executable;
  process.arguments = record.arguments;
  process.start_ns = record.start_ns;
  process.sampling = record.sampling;
  process.stack_copy_bytes = record.stack_copy_bytes;
  process.no_agent_reason = record.no_agent_reason;
  processes_.set(record.id.value, static_cast<uint32_t>(recording_.processes.size()));
  recording_.processes.push_back(std::move(process));
  saw_time(record.start_ns);
}

void RecordingBuilder::add_record(const ProcessEndRecord& record) {
  if (!sensible_time(record.end_ns)) return;
  const uint32_t process = resolve(processes_, record.id.value);
  if (process < recording_.processes.size()) recording_.processes[process].end = record;
  saw_time(record.end_ns);
}

void RecordingBuilder::add_record(const ThreadRecord& record) {
  if (!sensible_time(record.start_ns)) return;
  const Thread thread{resolve(processes_, record.process.value), record.tid, record.name, record.start_ns};
  const uint32_t known = threads_.find(record.id.value);
  if (known != kLostIndex) {  // renamed
    recording_.threads[known] = thread;
    return;
  }
  threads_.set(record.id.value, static_cast<uint32_t>(recording_.threads.size()));
  recording_.threads.push_back(thread);
  saw_time(record.start_ns);
}

void RecordingBuilder::add_record(const ModuleRecord& record) {
  const auto next = static_cast<uint32_t>(recording_.modules.size());
  const auto [entry, added] = module_by_identity_.try_emplace({record.path, record.build_id}, next);
  if (added) recording_.modules.push_back({record.id, record.path, record.build_id});
  modules_.set(record.id.value, entry->second);
}

void RecordingBuilder::add_record(const FrameRecord& record) {
  RecordedFrame frame;
  frame.kind = record.kind;
  frame.address_kind = record.address_kind;
  frame.module = resolve(modules_, record.module.value);
  frame.name = resolve(strings_, record.name.value);
  frame.file = record.file ? resolve(strings_, record.file.value) : kNoIndex;
  frame.line = record.line;
  frame.function_line = record.function_line;
  frame.offset = record.offset;
  const uint32_t known = frames_.find(record.id.value);
  if (known != kLostIndex) {  // an unknown place that has been named since; stacks may be there already
    recording_.frames[known] = frame;
    return;
  }
  if (const uint32_t outer = resolve(frames_, record.inlined_into.value); outer < recording_.frames.size()) {
    frame.inline_depth = recording_.frames[outer].inline_depth + 1;
    if (frame.inline_depth <= kMaxInlineDepth) {
      frame.inlined_into = outer;
    } else {
      ++recording_.absurd_records;
      frame.inline_depth = 0;
    }
  }
  frames_.set(record.id.value, static_cast<uint32_t>(recording_.frames.size()));
  recording_.frames.push_back(frame);
}

void RecordingBuilder::add_record(const StackRecord& record) {
  const RecordedStack stack{resolve(stacks_, record.parent.value), resolve(frames_, record.frame.value)};
  stacks_.set(record.id.value, static_cast<uint32_t>(recording_.stacks.size()));
  recording_.stacks.push_back(stack);
}

void RecordingBuilder::add_record(const SampleRecord& record) {
  if (!sensible_slice(record.slice_start_ns, record.slice_length_ns)) return;
  if (!sensible_count(record.weight_ns) || !sensible_count(record.count)) {
    ++recording_.absurd_records;
    return;
  }
  RecordedSample sample;
  sample.thread = resolve(threads_, record.thread.value);
  sample.stack = resolve(stacks_, record.stack.value);
  sample.metric = record.metric;
  sample.slice_start_ns = record.slice_start_ns;
  sample.slice_length_ns = record.slice_length_ns;
  sample.count = record.count;
  sample.weight_ns = record.weight_ns;
  sample.region = resolve_region(record.region);
  recording_.samples.push_back(sample);
  saw_time(record.slice_start_ns);
}

void RecordingBuilder::add_record(const AllocationRecord& record) {
  if (!sensible_slice(record.slice_start_ns, record.slice_length_ns)) return;
  if (!sensible(record)) {
    ++recording_.absurd_records;
    return;
  }
  RecordedAllocation allocation;
  allocation.thread = resolve(threads_, record.thread.value);
  allocation.stack = resolve(stacks_, record.stack.value);
  allocation.kind = record.kind;
  allocation.size_class = record.size_class;
  allocation.region = resolve_region(record.region);
  allocation.slice_start_ns = record.slice_start_ns;
  allocation.slice_length_ns = record.slice_length_ns;
  allocation.allocations = record.allocations;
  allocation.allocated_bytes = record.allocated_bytes;
  allocation.deallocations = record.deallocations;
  allocation.deallocated_bytes = record.deallocated_bytes;
  allocation.temporary = record.temporary;
  allocation.peak_bytes = record.peak_bytes;
  allocation.peak_blocks = record.peak_blocks;
  const AllocationDetail detail{record.lifetimes, record.samples, record.variance_allocations, record.variance_kib2};
  if (detail != recording_.detail_of(allocation)) {
    allocation.detail = static_cast<uint32_t>(recording_.allocation_details.size());
    recording_.allocation_details.push_back(detail);
  }
  (record.kind == MemoryKind::kPool ? recording_.pool_allocations : recording_.allocations).push_back(allocation);
  saw_time(record.slice_start_ns);
}

void RecordingBuilder::add_record(const HeapSliceRecord& record) {
  if (!sensible_slice(record.slice_start_ns, record.slice_length_ns) || !sensible_time(record.peak_time_ns)) return;
  if (!sensible(record)) {
    ++recording_.absurd_records;
    return;
  }
  recording_.heap_slices.push_back({resolve(processes_, record.process.value), record});
  saw_time(record.slice_start_ns);
}

void RecordingBuilder::add_record(const MemoryRecord& record) {
  if (!sensible_time(record.time_ns)) return;
  if (!sensible(record)) {
    ++recording_.absurd_records;
    return;
  }
  recording_.memory.push_back({resolve(processes_, record.process.value), record});
  saw_time(record.time_ns);
}

void RecordingBuilder::add_record(const LeakCheckRecord& record) {
  if (!sensible_time(record.time_ns)) return;
  recording_.leak_checks.push_back({resolve(processes_, record.process.value), record});
  saw_time(record.time_ns);
}

void RecordingBuilder::add_record(const LeakRecord& record) {
  if (!sensible_time(record.first_ns) || !sensible_time(record.last_ns)) return;
  if (!sensible_count(record.blocks) || !sensible_count(record.bytes)) {
    ++recording_.absurd_records;
    return;
  }
  recording_.leaks.push_back({resolve(processes_, record.process.value), resolve(threads_, record.thread.value),
                              resolve(stacks_, record.stack.value), resolve(modules_, record.holder_module.value),
                              resolve(threads_, record.holder_thread.value),
                              resolve(stacks_, record.holder_stack.value), record});
}

void RecordingBuilder::add_record(const NoteRecord& record) {
  recording_.notes.push_back({resolve(processes_, record.process.value), record.text});
}

void RecordingBuilder::add_record(const CounterRecord& record) {
  recording_.counters[record.name] += record.value;
  recording_.process_counters[{record.name, resolve(processes_, record.process.value)}] += record.value;
}

void RecordingBuilder::add_record(const UnrecordedRecord& record) {
  recording_.unrecorded.push_back(
      {record.pid, resolve(processes_, record.parent.value), record.command, record.reason});
}

void RecordingBuilder::add_record(const EndRecord& record) {
  if (!sensible_time(record.duration_ns)) return;
  recording_.duration_ns = record.duration_ns;
  ended_ = true;
}

uint32_t RecordingBuilder::resolve(const IdIndex& ids, uint32_t id) {
  if (id == 0) return kNoIndex;
  const uint32_t index = ids.find(id);
  if (index == kLostIndex) ++recording_.lost_definitions;
  return index;
}

bool RecordingBuilder::sensible_time(int64_t time_ns) {
  const bool sensible = time_ns > -kMaxTimeNs && time_ns < kMaxTimeNs;
  if (!sensible) ++recording_.absurd_records;
  return sensible;
}

bool RecordingBuilder::sensible_slice(int64_t start_ns, int64_t length_ns) {
  if (!sensible_time(start_ns) || !sensible_time(length_ns)) return false;
  if (length_ns < 0) ++recording_.absurd_records;
  return length_ns >= 0;
}

void RecordingBuilder::saw_time(int64_t time_ns) {
  if (!ended_ && time_ns > recording_.duration_ns) recording_.duration_ns = time_ns;
}

}  // namespace flarestack
