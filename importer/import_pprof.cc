// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <charconv>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "importer/import.h"
#include "importer/pprof_profile.h"
#include "importer/pprof_values.h"

namespace flarestack {
namespace {

constexpr size_t kMaxProfileBytes = size_t{256} << 20;
constexpr uint32_t kCpuEvent = 0;
constexpr uint32_t kOtherEvent = 1;

std::vector<uint8_t> bytes_of_hex(std::string_view hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    uint8_t byte = 0;
    const auto [end, failure] = std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    if (failure != std::errc() || end != hex.data() + i + 2) return {};
    bytes.push_back(byte);
  }
  return hex.size() % 2 == 0 ? bytes : std::vector<uint8_t>();
}

std::string base_name(std::string_view path) { return std::string(path.substr(path.find_last_of('/') + 1)); }

// The frames of a profile's locations, each made when a sample first meets it.
class PprofFrames {
 public:
  PprofFrames(const PprofProfile& profile, TraceBuilder& builder)
      : profile_(profile), builder_(builder), frames_(profile.location_count()) {}

  void add(const PprofLocation& location, std::vector<FrameId>& leaf_first) {
    std::vector<FrameId>& frames = frames_[profile_.location_number(&location)];
    if (frames.empty()) frames = make(location);
    leaf_first.insert(leaf_first.end(), frames.begin(), frames.end());
  }

 private:
  std::vector<FrameId> make(const PprofLocation& location) {
    const PprofMapping* mapping = profile_.mapping(location.mapping);
    const ModuleId module = mapping == nullptr || mapping->file.empty()
                                ? ModuleId{}
                                : builder_.module(mapping->file, bytes_of_hex(mapping->build_id));
    std::vector<FrameRecord> frames;  // innermost first
    for (const PprofLine& line : profile_.lines(location)) {
      const PprofFunction* function = profile_.function(line.function);
      FrameRecord frame = named(function == nullptr ? "" : function->name, mapping);
      frame.module = module;
      if (function != nullptr && !function->file.empty()) {
        frame.file = builder_.string(function->file);
        frame.line = line.line;
        frame.function_line = function->start_line;
      }
      frames.push_back(frame);
    }
    if (frames.empty()) {
      frames.push_back(named(place_name(location, mapping), mapping));
      frames.back().module = module;
    }
    std::vector<FrameId> ids;
    builder_.add_address(frames, ids);
    return ids;
  }
  FrameRecord named(std::string_view name, const PprofMapping* mapping) {
    if (name.empty()) name = "[unknown]";
    FrameRecord frame;
    const bool of_kernel = name == "[kernel]" || (mapping != nullptr && mapping->file.starts_with("[kernel"));
    const bool is_marker = mapping == nullptr && name.starts_with('[') && name.ends_with(']') && name != "[unknown]";
    frame.kind = of_kernel ? FrameKind::kKernel : is_marker ? FrameKind::kMarker : FrameKind::kSymbolized;
    frame.name = builder_.string(name);
    return frame;
  }
  // Where no symbol is known: "module+0x1234", by the offset in its file.
  static std::string place_name(const PprofLocation& location, const PprofMapping* mapping) {
    if (mapping == nullptr || mapping->file.empty() || location.address < mapping->start) return "";
    return fmt::format("{}+{:#x}", base_name(mapping->file), location.address - mapping->start + mapping->offset);
  }

  const PprofProfile& profile_;
  TraceBuilder& builder_;
  std::vector<std::vector<FrameId>> frames_;  // by number of location, leaf first; empty: not made yet
};

// What labels say of a sample, as flarestack, Datadog's profilers and others name them.
struct SampleLabels {
  int32_t pid = 0;
  int32_t tid = 0;
  std::string process;
  std::string thread;
  uint64_t block_bytes = 0;  // of a heap: the size of a block

  explicit SampleLabels(const PprofSample& sample) {
    for (const PprofLabel& label : sample.labels) {
      if (label.key == "pid" || label.key == "process_id") pid = number(label);
      if (label.key == "tid" || label.key == "thread id" || label.key == "thread_id") tid = number(label);
      if (label.key == "process" || label.key == "process name") process = label.text;
      if (label.key == "thread" || label.key == "thread name" || label.key == "thread_name") thread = label.text;
      if (label.key == "bytes" && label.number > 0) block_bytes = static_cast<uint64_t>(label.number);
    }
  }
  static int32_t number(const PprofLabel& label) {
    int64_t value = label.number;
    if (!label.text.empty()) std::from_chars(label.text.data(), label.text.data() + label.text.size(), value);
    return value > 0 && value <= INT32_MAX ? static_cast<int32_t>(value) : 0;
  }
};

class PprofReader {
 public:
  PprofReader(const PprofProfile& profile, const PprofValues& values, TraceBuilder& builder)
      : profile_(profile),
        values_(values),
        builder_(builder),
        frames_(profile, builder),
        duration_ns_(std::clamp<int64_t>(profile.duration_ns, 0, int64_t{1} << 58)) {}

  Result<uint64_t> read() {
    begin();
    const Result<void> read = profile_.for_each_sample([this](const PprofSample& sample) { return take(sample); });
    return read.ok() ? finish() : Result<uint64_t>(read.error());
  }

 private:
  void begin() {
    SessionRecord session = imported_session("pprof");
    session.start_realtime_ns = profile_.time_ns;
    session.wall_clock = values_.other.has_value();
    if (values_.has_heap()) {
      session.heap = HeapMode::kImported;
      if (profile_.period_type.unit == "bytes" && profile_.period > 1)
        session.heap_sample_bytes = static_cast<uint64_t>(profile_.period);
    }
    builder_.begin(session);
    builder_.set_whole_time(duration_ns_);
  }

  Result<void> take(const PprofSample& sample) {
    if (builder_.full()) return too_much_to_import();
    ++samples_;
    if (std::any_of(sample.values.begin(), sample.values.end(), [](int64_t value) { return value < 0; })) {
      ++negative_;
      return {};
    }
    leaf_first_.clear();
    for (const uint64_t id : sample.locations) {
      const PprofLocation* location = profile_.location(id);
      if (location == nullptr) return Error{fmt::format("there is no location {}", id)};
      frames_.add(*location, leaf_first_);
    }
    const StackId stack = builder_.stack_of(leaf_first_);
    const SampleLabels labels(sample);
    const ProcessId process = builder_.process(labels.pid, labels.process, 0);
    const ThreadId thread = builder_.thread(process, labels.tid, labels.thread, 0);
    add_time(sample, thread, stack);
    if (values_.has_heap()) add_heap(sample, labels, process, thread, stack);
    return {};
  }

  void add_time(const PprofSample& sample, ThreadId thread, StackId stack) {
    const uint64_t cpu = value(sample, values_.cpu);
    uint64_t other = value(sample, values_.other);
    uint64_t count = value(sample, values_.count);
    if (values_.other_includes_cpu && values_.cpu) {
      const double cpu_part = static_cast<double>(cpu) * values_.cpu_ns / values_.other_ns;
      other -= std::min(other, static_cast<uint64_t>(cpu_part + 0.5));
    }
    if (values_.cpu && (cpu != 0 || (count != 0 && other == 0)))
      builder_.add_weight(kCpuEvent, thread, stack, 0, std::exchange(count, 0), cpu);
    if (other != 0) builder_.add_weight(kOtherEvent, thread, stack, 0, count, other);
  }

  void add_heap(const PprofSample& sample, const SampleLabels& labels, ProcessId process, ThreadId thread,
                StackId stack) {
    AllocationRecord record;
    record.thread = thread;
    record.stack = stack;
    record.slice_length_ns = duration_ns_;
    const uint64_t live_blocks = value(sample, values_.inuse_objects);
    const uint64_t live_bytes = value(sample, values_.inuse_space);
    // Estimates of what was allocated and of what is left need not agree; a trace has no more live than allocated.
    record.allocations = std::max(value(sample, values_.alloc_objects), live_blocks);
    record.allocated_bytes = std::max(value(sample, values_.alloc_space), live_bytes);
    record.deallocations = record.allocations - live_blocks;
    record.deallocated_bytes = record.allocated_bytes - live_bytes;
    record.temporary = value(sample, values_.temporary_objects);
    record.peak_blocks = static_cast<int64_t>(value(sample, values_.peak_objects));
    record.peak_bytes = static_cast<int64_t>(value(sample, values_.peak_space));
    const uint64_t block_bytes = labels.block_bytes != 0   ? labels.block_bytes
                                 : record.allocations != 0 ? record.allocated_bytes / record.allocations
                                                           : 0;
    record.size_class = static_cast<uint8_t>(std::bit_width(block_bytes));
    if (record.allocations == 0 && record.allocated_bytes == 0 && record.peak_bytes == 0 && record.peak_blocks == 0)
      return;
    builder_.add_allocation(record);
    HeapSliceRecord& slice = heap_[process];
    slice.peak_bytes += static_cast<uint64_t>(record.peak_bytes);
    slice.peak_blocks += static_cast<uint64_t>(record.peak_blocks);
    slice.live_bytes += live_bytes;
    slice.live_blocks += live_blocks;
  }

  Result<uint64_t> finish() {
    if (samples_ == 0) return Error{"there is no sample in it"};
    for (auto& [process, slice] : heap_) {
      slice.process = process;
      slice.slice_length_ns = duration_ns_;
      if (values_.has_peak()) builder_.writer().add(slice);
    }
    const TraceBuilder::EventMeaning meanings[] = {{kCpuEvent, SampleMetric::kCpu, values_.cpu_ns, false},
                                                   {kOtherEvent, SampleMetric::kOffCpu, values_.other_ns, false}};
    builder_.write_weights(meanings);
    for (const std::string_view comment : profile_.comments) builder_.note(printable_name(comment));
    if (!values_.note.empty()) builder_.note(values_.note);
    if (!values_.left_out.empty()) builder_.note("values of these types were left out: " + values_.left_out);
    if (negative_ != 0)
      builder_.note(
          fmt::format("{} samples with a negative value were left out: the profile is a difference", negative_));
    if (const Result<void> ended = builder_.end(duration_ns_); !ended.ok()) return ended.error();
    return samples_;
  }

  // Not above what a trace's readers take.
  static uint64_t value(const PprofSample& sample, std::optional<size_t> type) {
    return type ? std::min<uint64_t>(static_cast<uint64_t>(sample.values[*type]), uint64_t{1} << 58) : 0;
  }

  const PprofProfile& profile_;
  const PprofValues& values_;
  TraceBuilder& builder_;
  PprofFrames frames_;
  int64_t duration_ns_;
  std::vector<FrameId> leaf_first_;
  std::map<ProcessId, HeapSliceRecord> heap_;
  uint64_t samples_ = 0;
  uint64_t negative_ = 0;
};

}  // namespace

Result<uint64_t> import_pprof(InputReader& input, TraceBuilder& builder, const ImportOptions& options) {
  const Result<std::string> bytes = input.read_rest(kMaxProfileBytes);
  if (!bytes.ok()) return bytes.error();
  const Result<PprofProfile> profile = PprofProfile::parse(*bytes);
  if (!profile.ok()) return profile.error();
  const Result<PprofValues> values = pprof_values(*profile, options);
  if (!values.ok()) return values.error();
  return PprofReader(*profile, *values, builder).read();
}

}  // namespace flarestack
