// SPDX-License-Identifier: Apache-2.0
#include "profiler/recording_tables.h"

#include <algorithm>
#include <tuple>

namespace flarestack {
namespace {

constexpr int64_t kSlicesPerWindow = 100;
constexpr uint32_t kWindowsPerDoubling = 128;
constexpr size_t kMostRegions = 0xffff;    // what a key has room for
constexpr uint32_t kEpochMask = 0xffffff;  // what a key has room for: 46 hours of slices of 10 ms

// Of a key of an unknown frame.
uint32_t process_of(uint64_t key_high) { return static_cast<uint32_t>(key_high >> 8); }

}  // namespace

StringId RecordingTables::string(std::string_view text) {
  const auto [entry, added] =
      strings_.try_emplace(std::string(text), StringId{static_cast<uint32_t>(strings_.size() + 1)});
  if (added) {
    writer_.add(StringRecord{entry->second, entry->first});
  }
  return entry->second;
}

ModuleId RecordingTables::module(const std::string& path, const std::vector<uint8_t>& build_id) {
  std::string key = path;
  key.push_back('\0');
  key.append(build_id.begin(), build_id.end());
  const auto [entry, added] =
      modules_.try_emplace(std::move(key), ModuleId{static_cast<uint32_t>(modules_.size() + 1)});
  if (added) {
    writer_.add(ModuleRecord{entry->second, path, build_id});
  }
  return entry->second;
}

ModuleId RecordingTables::module_by_build_id(const std::string& path, const std::vector<uint8_t>& build_id) {
  std::string suffix(1, '\0');
  suffix.append(build_id.begin(), build_id.end());
  for (const auto& [key, id] : modules_) {
    if (!build_id.empty() && key.ends_with(suffix)) {
      return id;
    }
  }
  return module(path, build_id);
}

FrameId RecordingTables::add_frame(FrameRecord record) {
  record.id = {++last_frame_};
  writer_.add(record);
  return record.id;
}

FrameId RecordingTables::native_frame(ModuleId module, ModuleOffset offset, AddressKind kind) {
  const Key key{uint64_t{module.value} << 8 | static_cast<uint64_t>(kind), offset.value};
  const auto [entry, added] = frames_.try_emplace(key);
  if (added) {
    FrameRecord record;
    record.address_kind = kind;
    record.module = module;
    record.offset = offset;
    entry->second = add_frame(record);
  }
  return entry->second;
}

FrameId RecordingTables::unknown_frame(ProcessId process, RuntimeAddress address, AddressKind kind, CodeTime when) {
  const Key key{uint64_t{when.epoch & kEpochMask} << 40 | uint64_t{process.value} << 8 | static_cast<uint64_t>(kind),
                address.value};
  const auto [entry, added] = unknown_.try_emplace(key);
  if (added) {
    entry->second.record.address_kind = kind;
    entry->second.record.offset = {address.value};
    entry->second.record.id = add_frame(entry->second.record);
    entry->second.time_ns = when.time_ns;
  }
  return entry->second.record.id;
}

FrameId RecordingTables::named_frame(FrameKind kind, std::string_view name) {
  const Key key{uint64_t{1} << 63 | static_cast<uint64_t>(kind), string(name).value};
  const auto [entry, added] = frames_.try_emplace(key);
  if (added) {
    FrameRecord record;
    record.kind = kind;
    record.name = string(name);
    entry->second = add_frame(record);
  }
  return entry->second;
}

void RecordingTables::locate_unknown_frames(ProcessId process, const std::function<Place(RuntimeAddress)>& place_of) {
  for (auto& [key, unknown] : unknown_) {
    FrameRecord& record = unknown.record;
    if (process_of(key.high) != process.value || record.module) {
      continue;
    }
    const RuntimeAddress lookup = FrameAddress({record.offset.value}, record.address_kind).lookup();
    if (const Place place = place_of(lookup); place.module) {
      record.module = place.module;
      // A return address is looked up before itself; the frame keeps the address.
      record.offset = {place.offset.value + (record.offset.value - lookup.value)};
      writer_.add(record);
    }
  }
}

void RecordingTables::name_unknown_frames(ProcessId process, const Namer& name_them) {
  std::vector<UnknownFrame> frames;
  std::vector<FrameRecord*> records;
  for (auto& [key, unknown] : unknown_) {
    if (process_of(key.high) == process.value && !unknown.record.module) {
      const FrameAddress address({unknown.record.offset.value}, unknown.record.address_kind);
      frames.push_back({address.lookup(), unknown.time_ns});
      records.push_back(&unknown.record);
    }
  }
  const std::vector<JitPlace> places = name_them(frames);
  for (size_t i = 0; i < places.size() && i < records.size(); ++i) {
    if (!places[i].name.empty()) {
      records[i]->kind = FrameKind::kJit;
      records[i]->name = string(places[i].name);
      records[i]->file = places[i].file.empty() ? StringId{} : string(places[i].file);
      records[i]->line = places[i].line;
      writer_.add(*records[i]);
    }
  }
}

StackId RecordingTables::stack(StackId parent, FrameId frame) {
  const uint64_t key = uint64_t{parent.value} << 32 | frame.value;
  const auto [entry, added] = stacks_.try_emplace(key, StackId{static_cast<uint32_t>(stacks_.size() + 1)});
  if (added) {
    writer_.add(StackRecord{entry->second, parent, frame});
  }
  return entry->second;
}

RegionId RecordingTables::region(RegionId parent, RegionKind kind, const std::string& name) {
  const auto found = regions_.find({parent, kind, name});
  if (found != regions_.end()) {
    return found->second;
  }
  if (region_names_.size() > kMostRegions) {
    return {};
  }
  const RegionId id{static_cast<uint32_t>(region_names_.size())};
  regions_.emplace(std::tuple(parent, kind, name), id);
  region_names_.push_back(name);
  writer_.add(RegionRecord{id, parent, kind, name});
  return id;
}

void RecordingTables::add_counters(ProcessId process, const std::map<std::string, uint64_t>& counters) {
  for (const auto& [name, value] : counters) {
    uint64_t& told = counters_[process][name];
    if (value > told) {
      writer_.add(CounterRecord{process, name, value - told});
      told = value;
    }
  }
}

void RecordingTables::end_process(const ProcessEndRecord& end, const std::map<std::string, uint64_t>& counters) {
  add_counters(end.id, counters);
  counters_.erase(end.id);
  writer_.add(end);
}

void RecordingTables::add_weight(ThreadId thread, StackId stack, SampleMetric metric, int64_t time_ns, uint64_t count,
                                 uint64_t weight_ns, RegionId region) {
  // A sample may be older than the window (drained late); it keeps its own time.
  const auto slice = static_cast<uint64_t>(std::max<int64_t>(time_ns, 0) / slice_length_ns_);
  const Key key{uint64_t{thread.value} << 32 | stack.value,
                slice << 24 | uint64_t{region.value} << 8 | static_cast<uint64_t>(metric)};
  Weight& weight = weights_[key];
  weight.count += count;
  weight.weight_ns += weight_ns;
}

Result<void> RecordingTables::flush_window(int64_t now_ns) {
  if (now_ns - window_start_ns_ < slice_length_ns_ * kSlicesPerWindow) {
    return {};
  }
  return flush();
}

Result<void> RecordingTables::flush() {
  window_start_ns_ += slice_length_ns_ * kSlicesPerWindow;
  Result<void> flushed = flush_so_far();
  if (++windows_ % kWindowsPerDoubling == 0) {
    slice_length_ns_ *= 2;
  }
  return flushed;
}

Result<void> RecordingTables::flush_so_far() {
  std::vector<SampleRecord> samples;
  samples.reserve(weights_.size());
  for (const auto& [key, weight] : weights_) {
    SampleRecord sample;
    sample.thread = {static_cast<uint32_t>(key.high >> 32)};
    sample.stack = {static_cast<uint32_t>(key.high)};
    sample.metric = static_cast<SampleMetric>(key.low & 0xff);
    sample.slice_start_ns = static_cast<int64_t>(key.low >> 24) * slice_length_ns_;
    sample.region = {static_cast<uint32_t>(key.low >> 8 & 0xffff)};
    sample.slice_length_ns = slice_length_ns_;
    sample.count = weight.count;
    sample.weight_ns = weight.weight_ns;
    samples.push_back(sample);
  }
  weights_.clear();
  std::sort(samples.begin(), samples.end(), [](const SampleRecord& a, const SampleRecord& b) {
    return std::tie(a.slice_start_ns, a.thread, a.stack, a.metric, a.region) <
           std::tie(b.slice_start_ns, b.thread, b.stack, b.metric, b.region);
  });
  for (const SampleRecord& sample : samples) {
    writer_.add(sample);
  }
  return writer_.flush();
}

}  // namespace flarestack
