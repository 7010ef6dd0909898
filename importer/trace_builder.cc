// SPDX-License-Identifier: Apache-2.0
#include "importer/trace_builder.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace flarestack {
namespace {

constexpr uint64_t kMostUnits = uint64_t{1} << 59;  // readers take no more of a record

uint64_t added(uint64_t sum, uint64_t more) { return std::min(sum, kMostUnits) + std::min(more, kMostUnits - 1); }

uint64_t scaled(uint64_t units, double factor) {
  return factor == 1 ? std::min(units, kMostUnits)
                     : static_cast<uint64_t>(std::min(static_cast<double>(units) * factor, 5e17) + 0.5);
}

}  // namespace

StringId TraceBuilder::string(std::string_view text) {
  const auto found = strings_.find(text);
  if (found != strings_.end()) return found->second;
  const StringId id{static_cast<uint32_t>(strings_.size() + 1)};
  strings_.emplace(text, id);
  text_bytes_ += text.size();
  writer_.add(StringRecord{id, std::string(text)});
  return id;
}

ModuleId TraceBuilder::module(std::string_view path, std::span<const uint8_t> build_id) {
  if (path.empty()) return {};
  std::string key(path);
  key.push_back('\0');
  key.append(build_id.begin(), build_id.end());
  const auto [entry, is_new] = modules_.try_emplace(key, ModuleId{static_cast<uint32_t>(modules_.size() + 1)});
  if (is_new) {
    text_bytes_ += key.size();
    writer_.add(ModuleRecord{entry->second, std::string(path), {build_id.begin(), build_id.end()}});
  }
  return entry->second;
}

FrameId TraceBuilder::frame(FrameRecord record) {
  const FrameKey key{uint64_t{record.name.value} << 32 | record.file.value,
                     uint64_t{record.line} << 32 | record.function_line,
                     uint64_t{record.module.value} << 32 | record.inlined_into.value, record.kind};
  const auto [entry, is_new] = frames_.try_emplace(key, FrameId{static_cast<uint32_t>(frames_.size() + 1)});
  if (is_new) {
    record.id = entry->second;
    inline_depths_.push_back(
        static_cast<uint8_t>(record.inlined_into ? inline_depths_[record.inlined_into.value] + 1 : 0));
    writer_.add(record);
  }
  return entry->second;
}

void TraceBuilder::add_address(std::span<FrameRecord> frames, std::vector<FrameId>& leaf_first) {
  const size_t behind = leaf_first.size();
  FrameId outer;
  for (size_t i = frames.size(); i > 0; --i) {
    if (outer && inline_depths_[outer.value] == kMaxInlineDepth) leaf_first.push_back(std::exchange(outer, FrameId{}));
    frames[i - 1].inlined_into = outer;
    outer = frame(frames[i - 1]);
  }
  if (outer) leaf_first.push_back(outer);
  std::reverse(leaf_first.begin() + static_cast<ptrdiff_t>(behind), leaf_first.end());
}

StackId TraceBuilder::stack(StackId parent, FrameId frame) {
  const uint64_t key = uint64_t{parent.value} << 32 | frame.value;
  const auto [entry, is_new] = stacks_.try_emplace(key, StackId{static_cast<uint32_t>(stacks_.size() + 1)});
  if (is_new) writer_.add(StackRecord{entry->second, parent, frame});
  return entry->second;
}

StackId TraceBuilder::stack_of(std::span<const FrameId> leaf_first) {
  StackId node;
  for (size_t i = leaf_first.size(); i > 0; --i) node = stack(node, leaf_first[i - 1]);
  return node;
}

ProcessId TraceBuilder::process(int32_t pid, std::string_view name, int64_t time_ns) {
  const std::pair<int32_t, std::string> key(pid, pid > 0 ? "" : name);
  const auto [entry, is_new] = process_ids_.try_emplace(key, ProcessId{static_cast<uint32_t>(processes_.size() + 1)});
  if (is_new) {
    ProcessRecord record;
    record.id = entry->second;
    record.pid = pid;
    record.executable = name;
    record.start_ns = std::max<int64_t>(time_ns, 0);
    processes_.push_back(std::move(record));
  }
  return entry->second;
}

void TraceBuilder::rename(ProcessId process, std::string_view name) {
  ProcessRecord& record = processes_[process.value - 1];
  if (record.executable != name) record.executable = name;
}

ThreadId TraceBuilder::thread(ProcessId process, int32_t tid, std::string_view name, int64_t time_ns) {
  const uint64_t key = uint64_t{process.value} << 32 | static_cast<uint32_t>(tid);
  const auto [entry, is_new] = thread_ids_.try_emplace(key, ThreadId{static_cast<uint32_t>(threads_.size() + 1)});
  if (is_new) {
    threads_.push_back({entry->second, process, tid, std::string(name), std::max<int64_t>(time_ns, 0)});
  } else if (threads_[entry->second.value - 1].name != name) {
    threads_[entry->second.value - 1].name = name;
  }
  return entry->second;
}

void TraceBuilder::set_whole_time(int64_t duration_ns) {
  slice_length_ns_ = std::max<int64_t>(duration_ns, 1);
  has_times_ = duration_ns > 0;
}

void TraceBuilder::add_weight(uint32_t event, ThreadId thread, StackId stack, int64_t time_ns, uint64_t count,
                              uint64_t units) {
  const auto slice = static_cast<uint64_t>(std::max<int64_t>(time_ns, 0) / slice_length_ns_);
  has_times_ = has_times_ || time_ns != 0;
  Weight& weight = weights_[{uint64_t{thread.value} << 32 | stack.value, slice << 8 | event}];
  weight.count = added(weight.count, count);
  weight.units = added(weight.units, units);
  while (weights_.size() > kMaxWeights && slice_length_ns_ < INT64_MAX / 4) double_slices();
}

void TraceBuilder::double_slices() {
  slice_length_ns_ *= 2;
  absl::flat_hash_map<WeightKey, Weight> doubled;
  doubled.reserve(weights_.size() / 2);
  for (const auto& [key, weight] : weights_) {
    Weight& sum = doubled[{key.first, key.second >> 9 << 8 | (key.second & 0xff)}];
    sum.count = added(sum.count, weight.count);
    sum.units = added(sum.units, weight.units);
  }
  weights_ = std::move(doubled);
}

bool TraceBuilder::full() const {
  return strings_.size() >= kMaxIds || frames_.size() >= kMaxIds || stacks_.size() >= kMaxIds ||
         threads_.size() >= kMaxIds || modules_.size() >= kMaxIds || processes_.size() >= kMaxIds ||
         weights_.size() >= kMaxIds || text_bytes_ >= kMaxTextBytes;
}

void TraceBuilder::write_weights(std::span<const EventMeaning> events) {
  for (const ProcessRecord& process : processes_) writer_.add(process);
  for (const ThreadRecord& thread : threads_) writer_.add(thread);
  std::vector<SampleRecord> samples;
  for (const auto& [key, weight] : weights_) {
    const auto meaning = std::find_if(events.begin(), events.end(),
                                      [event = key.second & 0xff](const auto& each) { return each.event == event; });
    if (meaning == events.end()) continue;
    SampleRecord sample;
    sample.thread = {static_cast<uint32_t>(key.first >> 32)};
    sample.stack = {static_cast<uint32_t>(key.first)};
    sample.metric = meaning->metric;
    sample.slice_start_ns = static_cast<int64_t>(key.second >> 8) * slice_length_ns_;
    sample.slice_length_ns = has_times_ ? slice_length_ns_ : 0;
    sample.count = std::min(weight.count, kMostUnits);
    sample.weight_ns = scaled(meaning->by_count ? weight.count : weight.units, meaning->ns_per_unit);
    samples.push_back(sample);
  }
  weights_.clear();
  std::sort(samples.begin(), samples.end(), [](const SampleRecord& a, const SampleRecord& b) {
    return std::tie(a.slice_start_ns, a.thread, a.stack, a.metric) <
           std::tie(b.slice_start_ns, b.thread, b.stack, b.metric);
  });
  for (const SampleRecord& sample : samples) writer_.add(sample);
}

Result<void> TraceBuilder::end(int64_t duration_ns) {
  writer_.add(EndRecord{duration_ns});
  return writer_.flush();
}

}  // namespace flarestack
