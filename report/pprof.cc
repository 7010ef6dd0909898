// SPDX-License-Identifier: Apache-2.0
#include "report/pprof.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "base/pprof_fields.h"
#include "report/packed.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

using protozero::pbf_writer;

constexpr size_t kMostValues = 9;
using Values = std::array<uint64_t, kMostValues>;

struct ValueName {
  const char* type;
  const char* unit;
};

// In the order of the values of a sample.
std::vector<ValueName> value_names(const Profile& profile) {
  const Metric metric = profile.options.metric;
  std::vector<ValueName> names = {{"samples", "count"}, {"cpu", "nanoseconds"}};
  if (metric == Metric::kWall) names.push_back({"wall", "nanoseconds"});
  if (!is_heap_metric(metric)) return names;
  names = {{"alloc_objects", "count"},    {"alloc_space", "bytes"},  {"inuse_objects", "count"},
           {"inuse_space", "bytes"},      {"peak_objects", "count"}, {"peak_space", "bytes"},
           {"temporary_objects", "count"}};
  if (!profile.recording.leak_checks.empty()) {
    names.push_back({"leaked_objects", "count"});
    names.push_back({"leaked_space", "bytes"});
  }
  return names;
}

const char* default_type(Metric metric) {
  switch (metric) {
    case Metric::kCpu:
      return "cpu";
    case Metric::kWall:
      return "wall";
    case Metric::kAllocated:
      return "alloc_space";
    case Metric::kAllocations:
      return "alloc_objects";
    case Metric::kPeak:
      return "peak_space";
    case Metric::kLive:
      return "inuse_space";
    case Metric::kTemporary:
      return "temporary_objects";
    case Metric::kLeaked:
      return "leaked_space";
  }
  return "";
}

// What samples are told apart by.
struct SampleKey {
  uint32_t stack = kLostIndex;
  uint32_t location = 0;  // the only one, where there is no such stack
  uint32_t thread = kLostIndex;
  uint32_t sort = 0;  // time: waiting or not; heap: the size class
  auto operator<=>(const SampleKey&) const = default;
};

class PprofWriter {
 public:
  explicit PprofWriter(const Profile& profile)
      : profile_(profile), recording_(profile.recording), location_of_frame_(recording_.frames.size(), 0) {
    text("");
    place_modules();
  }

  std::string write() {
    const std::vector<ValueName> names = value_names(profile_);
    for (const ValueName& name : names) put_value_type(pprof::kSampleType, name.type, name.unit);
    std::map<SampleKey, Values> samples;
    if (is_heap_metric(profile_.options.metric)) {
      for (const HeapCell& cell : profile_.heap.cells) add_cell(cell, samples);
    } else {
      for (const ProfileSample& sample : profile_.samples) add_sample(sample, samples);
    }
    for (const auto& [key, values] : samples) put_sample(key, std::span(values).first(names.size()));
    put_mappings();
    put_head();
    for (const std::string_view each : texts_) message_.add_bytes(pprof::kStringTable, each.data(), each.size());
    return std::move(bytes_);
  }

 private:
  struct Placed {
    uint64_t start = 0;
    uint64_t limit = 0;
    uint32_t mapping = 0;  // id; 0: no location is in it
  };

  int64_t text(std::string_view content) {
    const auto [entry, added] = text_index_.try_emplace(std::string(content), static_cast<int64_t>(texts_.size()));
    if (added) texts_.push_back(entry->first);
    return entry->second;
  }

  // Modules lie behind each other, in pages, as far as the recorded frames reach.
  void place_modules() {
    constexpr uint64_t kPage = 4096;
    constexpr uint64_t kMostBytes = uint64_t{1} << 40;  // of a sane module
    modules_.resize(recording_.modules.size());
    for (const RecordedFrame& frame : recording_.frames) {
      if (frame.module >= modules_.size() || frame.kind != FrameKind::kNative) continue;
      uint64_t& limit = modules_[frame.module].limit;
      if (frame.offset.value < kMostBytes) limit = std::max(limit, frame.offset.value + 1);
    }
    uint64_t start = uint64_t{1} << 40;
    for (Placed& each : modules_) {
      each.start = start;
      each.limit = start + (each.limit / kPage + 1) * kPage;
      start = each.limit + kPage;
    }
  }

  void add_sample(const ProfileSample& sample, std::map<SampleKey, Values>& samples) const {
    SampleKey key{sample.stack, 0, sample.thread, sample.is_waiting ? 1U : 0U};
    if (key.stack >= recording_.stacks.size()) key.location = sample.location;
    Values& values = samples[key];
    values[0] += sample.count;
    if (!sample.is_waiting) values[1] += sample.value;
    values[2] += sample.value;
  }
  void add_cell(const HeapCell& cell, std::map<SampleKey, Values>& samples) const {
    if (cell.kind != MemoryKind::kHeap) return;
    SampleKey key{cell.stack, 0, cell.thread, cell.size_class};
    if (key.stack >= recording_.stacks.size()) key.location = cell.location;
    const Values more = {cell.allocations, cell.allocated_bytes, cell.live_blocks,   cell.live_bytes,  cell.peak_blocks,
                         cell.peak_bytes,  cell.temporary,       cell.leaked_blocks, cell.leaked_bytes};
    Values& values = samples[key];
    for (size_t i = 0; i < values.size(); ++i) values[i] += more[i];
  }

  void put_value_type(uint32_t field, std::string_view type, std::string_view unit) {
    pbf_writer value(message_, field);
    value.add_int64(pprof::kValueType, text(type));
    value.add_int64(pprof::kValueUnit, text(unit));
  }

  void put_sample(const SampleKey& key, std::span<const uint64_t> values) {
    if (std::all_of(values.begin(), values.end(), [](uint64_t value) { return value == 0; })) return;
    std::vector<uint64_t> locations;  // leaf first
    uint32_t stack = key.stack;
    for (; stack < recording_.stacks.size(); stack = recording_.stacks[stack].parent) {
      const uint32_t frame = recording_.stacks[stack].frame;
      locations.push_back(frame < location_of_frame_.size() ? frame_location(frame) : lost_location());
    }
    if (locations.empty()) {
      locations.push_back(special_location(key.location));
    } else if (stack == kLostIndex) {
      locations.push_back(lost_location());
    }
    pbf_writer sample(message_, pprof::kSample);
    sample.add_packed_uint64(pprof::kSampleLocations, locations.begin(), locations.end());
    sample.add_packed_int64(pprof::kSampleValues, values.begin(), values.end());
    put_labels(sample, key, values);
  }
  void put_labels(pbf_writer& sample, const SampleKey& key, std::span<const uint64_t> values) {
    const auto add = [&](std::string_view name, std::string_view content, uint64_t number, std::string_view unit) {
      if (content.empty() && number == 0) return;
      pbf_writer label(sample, pprof::kSampleLabel);
      label.add_int64(pprof::kLabelKey, text(name));
      if (!content.empty()) label.add_int64(pprof::kLabelText, text(content));
      if (content.empty()) label.add_int64(pprof::kLabelNumber, static_cast<int64_t>(number));
      if (!unit.empty()) label.add_int64(pprof::kLabelUnit, text(unit));
    };
    if (key.thread < recording_.threads.size()) {
      const Thread& thread = recording_.threads[key.thread];
      add("thread", printable(thread.name), 0, "");
      add("tid", "", static_cast<uint32_t>(std::max(thread.tid, 0)), "");
      if (thread.process < recording_.processes.size()) {
        const Process& process = recording_.processes[thread.process];
        add("process", printable(process.name()), 0, "");
        add("pid", "", static_cast<uint32_t>(std::max(process.pid, 0)), "");
      }
    }
    // The average size of the blocks, as Go has the one size of each of its samples.
    if (is_heap_metric(profile_.options.metric) && values[0] != 0) add("bytes", "", values[1] / values[0], "bytes");
  }

  uint64_t frame_location(uint32_t frame) {
    uint64_t& id = location_of_frame_[frame];
    if (id != 0) return id;
    const RecordedFrame& recorded = recording_.frames[frame];
    const LocationRange range = profile_.frame_locations[frame];
    uint32_t mapping = 0;
    uint64_t address = 0;
    if (recorded.module < modules_.size()) {
      Placed& module = modules_[recorded.module];
      if (module.mapping == 0) module.mapping = ++last_mapping_;
      mapping = module.mapping;
      if (recorded.kind == FrameKind::kNative)
        address = std::min(module.start + recorded.offset.value, module.limit - 1);
    } else if (recorded.kind == FrameKind::kNative) {
      address = recorded.offset.value;
    }
    return id = put_location(range, mapping, address);
  }
  uint64_t special_location(uint32_t location) {
    uint64_t& id = special_locations_[location];
    if (id == 0) id = put_location({location, location + 1}, 0, 0);
    return id;
  }
  // What a frame stands for whose definition was lost.
  uint64_t lost_location() {
    const auto found = std::find_if(profile_.locations.begin(), profile_.locations.end(), [&](const Location& each) {
      return each.type == FrameType::kMarker && profile_.functions[each.function].name == "[lost]";
    });
    return special_location(static_cast<uint32_t>(found - profile_.locations.begin()));
  }
  uint64_t put_location(LocationRange range, uint32_t mapping, uint64_t address) {
    std::vector<std::pair<uint64_t, uint32_t>> lines;
    for (uint32_t i = range.begin; i < range.end; ++i)
      lines.emplace_back(function_id(profile_.locations[i]), profile_.locations[i].line);
    pbf_writer location(message_, pprof::kLocation);
    location.add_uint64(pprof::kLocationId, ++last_location_);
    if (mapping != 0) location.add_uint64(pprof::kLocationMapping, mapping);
    if (address != 0) location.add_uint64(pprof::kLocationAddress, address);
    for (const auto& [function, number] : lines) {
      pbf_writer line(location, pprof::kLocationLine);
      line.add_uint64(pprof::kLineFunction, function);
      if (number != 0) line.add_int64(pprof::kLineNumber, number);
    }
    return last_location_;
  }
  // A function whose lines are in several files is one for each of them: pprof has the file with the function.
  uint64_t function_id(const Location& location) {
    uint64_t& id = function_ids_[{location.function, location.file}];
    if (id != 0) return id;
    const Function& function = profile_.functions[location.function];
    const std::string& file = location.file != 0 ? profile_.files[location.file] : function.file;
    pbf_writer message(message_, pprof::kFunction);
    message.add_uint64(pprof::kFunctionId, id = ++last_function_);
    // No system name: pprof would take an equal one for mangled, and leave out what is in parentheses.
    message.add_int64(pprof::kFunctionName, text(printable(function.name)));
    if (!file.empty()) message.add_int64(pprof::kFunctionFile, text(printable(file)));
    if (file == function.file && function.line != 0) message.add_int64(pprof::kFunctionStartLine, function.line);
    return id;
  }

  // The program's first: pprof names the profile by it.
  void put_mappings() {
    std::vector<uint32_t> order;
    for (uint32_t i = 0; i < modules_.size(); ++i) {
      if (modules_[i].mapping != 0) order.push_back(i);
    }
    std::stable_partition(order.begin(), order.end(), [&](uint32_t index) {
      return !recording_.processes.empty() && recording_.modules[index].path == recording_.processes[0].executable;
    });
    for (const uint32_t index : order) {
      const Module& module = recording_.modules[index];
      std::string build_id;
      for (const uint8_t byte : module.build_id) build_id += fmt::format("{:02x}", byte);
      pbf_writer mapping(message_, pprof::kMapping);
      mapping.add_uint64(pprof::kMappingId, modules_[index].mapping);
      mapping.add_uint64(pprof::kMappingStart, modules_[index].start);
      mapping.add_uint64(pprof::kMappingLimit, modules_[index].limit);
      mapping.add_int64(pprof::kMappingFile, text(printable(module.path)));
      if (!build_id.empty()) mapping.add_int64(pprof::kMappingBuildId, text(build_id));
      // All that could be found out is in the profile: pprof need not look at files.
      for (const uint32_t has : {pprof::kMappingHasFunctions, pprof::kMappingHasFiles, pprof::kMappingHasLines,
                                 pprof::kMappingHasInlineFrames})
        mapping.add_bool(has, true);
    }
  }

  void put_head() {
    const SessionRecord& session = recording_.session;
    const int64_t end_ns = std::max<int64_t>(recording_.duration_ns, 0);
    const int64_t from_ns = std::clamp<int64_t>(profile_.options.from_ns.value_or(0), 0, end_ns);
    const int64_t to_ns = std::clamp<int64_t>(profile_.options.to_ns.value_or(end_ns), from_ns, end_ns);
    if (session.start_realtime_ns != 0) message_.add_int64(pprof::kTimeNanos, session.start_realtime_ns + from_ns);
    if (to_ns != from_ns) message_.add_int64(pprof::kDurationNanos, to_ns - from_ns);
    if (is_heap_metric(profile_.options.metric)) {
      put_value_type(pprof::kPeriodType, "space", "bytes");
      message_.add_int64(pprof::kPeriod, static_cast<int64_t>(std::max<uint64_t>(session.heap_sample_bytes, 1)));
    } else if (session.requested_hz != 0) {
      put_value_type(pprof::kPeriodType, "cpu", "nanoseconds");
      message_.add_int64(pprof::kPeriod, 1'000'000'000 / int64_t{session.requested_hz});
    }
    if (!session.command.empty()) put_comment("command: " + command_line(session.command));
    const std::string filters = describe_filters(profile_.options);
    if (!filters.empty()) put_comment("only: " + filters);
    message_.add_int64(pprof::kDefaultSampleType, text(default_type(profile_.options.metric)));
  }
  void put_comment(const std::string& comment) { message_.add_int64(pprof::kComment, text(printable(comment))); }

  const Profile& profile_;
  const Recording& recording_;
  std::string bytes_;
  pbf_writer message_{bytes_};
  std::vector<std::string_view> texts_;
  std::unordered_map<std::string, int64_t> text_index_;
  std::vector<Placed> modules_;
  std::vector<uint64_t> location_of_frame_;  // ids; 0: none yet
  std::map<uint32_t, uint64_t> special_locations_;
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> function_ids_;  // by function and file
  uint32_t last_mapping_ = 0;
  uint64_t last_location_ = 0;
  uint64_t last_function_ = 0;
};

}  // namespace

std::string pprof_profile(const Profile& profile) { return gzip(PprofWriter(profile).write()); }

}  // namespace flarestack
