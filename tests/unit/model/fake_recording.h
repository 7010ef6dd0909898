// SPDX-License-Identifier: Apache-2.0
// Recordings in a few lines, for the tests of model/ and report/: stacks are written as lists of names, root first.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/profile.h"

namespace flarestack {

// A builder that can hand on what it is given.
struct FakeBuilder : RecordingBuilder {
  void add(const TraceRecord& record) {
    RecordingBuilder::add(record);
    if (also) also(record);
  }
  std::function<void(const TraceRecord&)> also;
};

// Functions are named "module!function", "module!outer >> inlined" for inlined code, "[marker]", "[kernel]" or
// "jit:name".
class FakeRecording {
 public:
  FakeRecording() {
    session.command = {"./game", "--level", "the 1st"};
    session.working_directory = "/home/ada";
    session.host = "engine";
    session.kernel = "6.1.0";
    session.version = "0.1.0";
    session.start_realtime_ns = 1'700'000'000'000'000'000;
    session.clock = ClockKind::kPerfTaskClock;
    session.requested_hz = 1000;
    builder.add(session);
  }
  // The heap is recorded as well.
  void heap(HeapMode mode = HeapMode::kExact, uint64_t sample_bytes = 0) {
    session.heap = mode;
    session.heap_sample_bytes = sample_bytes;
    builder.add(session);
  }
  void process(uint32_t id, int32_t pid, const std::string& executable, uint32_t parent = 0, int64_t start_ns = 0) {
    builder.add(ProcessRecord{{id},
                              {parent},
                              parent == 0 ? ProcessOrigin::kLaunch : ProcessOrigin::kFork,
                              pid,
                              executable,
                              {executable, "--level", "the 1st"},
                              start_ns != 0 ? start_ns : id * 1'000'000});
  }
  void end_process(uint32_t id, ExitKind kind, int32_t code, uint64_t cpu_ns) {
    builder.add(ProcessEndRecord{{id}, kind, code, 90'000'000, cpu_ns});
  }
  void thread(uint32_t id, uint32_t process, int32_t tid, const std::string& name) {
    builder.add(ThreadRecord{{id}, {process}, tid, name, 0});
  }
  struct At {
    int64_t start_ns = 0;
    int64_t length_ns = 100'000'000;
  };
  void sample(uint32_t thread_id, const std::vector<std::string>& names, uint64_t weight_ms, At at) {
    const bool derived = names.back() == "[kernel]" || names.back() == "[startup]";
    builder.add(SampleRecord{{thread_id},
                             stack(names),
                             SampleMetric::kCpu,
                             at.start_ns,
                             at.length_ns,
                             derived ? 0 : weight_ms,
                             weight_ms * 1'000'000});
  }
  void sample(uint32_t thread_id, const std::vector<std::string>& names, uint64_t weight_ms) {
    sample(thread_id, names, weight_ms, At());
  }
  // Off the CPU, and seen so a hundred times.
  void wait(uint32_t thread_id, const std::vector<std::string>& names, uint64_t weight_ms) {
    builder.add(
        SampleRecord{{thread_id}, stack(names), SampleMetric::kOffCpu, 0, 100'000'000, 100, weight_ms * 1'000'000});
  }
  // So many blocks of `size_bytes` allocated, and freed within a millisecond, by default in the whole recording.
  static AllocationRecord blocks(uint64_t size_bytes, uint64_t allocations, uint64_t deallocations, At at) {
    AllocationRecord record;
    while (record.size_class < 64 && size_bytes >> record.size_class != 0) ++record.size_class;
    record.slice_start_ns = at.start_ns;
    record.slice_length_ns = at.length_ns;
    record.allocations = allocations;
    record.allocated_bytes = size_bytes * allocations;
    record.deallocations = record.lifetimes[0] = deallocations;
    record.deallocated_bytes = size_bytes * deallocations;
    return record;
  }
  static AllocationRecord blocks(uint64_t size_bytes, uint64_t allocations, uint64_t deallocations) {
    return blocks(size_bytes, allocations, deallocations, At());
  }
  void allocation(uint32_t thread_id, const std::vector<std::string>& names, AllocationRecord record) {
    record.thread = {thread_id};
    record.stack = stack(names);
    builder.add(record);
  }
  StackId stack(const std::vector<std::string>& names) {
    StackId parent;
    for (const std::string& name : names) {
      const auto [entry, added] = stacks_.try_emplace({parent.value, name}, static_cast<uint32_t>(stacks_.size() + 1));
      if (added) builder.add(StackRecord{{entry->second}, parent, frame(name)});
      parent = {entry->second};
    }
    return parent;
  }
  FrameId frame(const std::string& name) {
    const auto [entry, added] = frames_.try_emplace(name, static_cast<uint32_t>(frames_.size() + 1));
    const FrameId id{entry->second};
    if (!added) return id;
    FrameRecord record;
    record.id = id;
    const size_t bang = name.find('!');
    if (bang != std::string::npos) {
      record.module = module(name.substr(0, bang));
      record.offset = {id.value * uint64_t{0x100} + 1};
    } else {
      const bool jit = name.starts_with("jit:");
      record.kind = name == "[kernel]" ? FrameKind::kKernel : jit ? FrameKind::kJit : FrameKind::kMarker;
      record.name = {id.value};
      builder.add(StringRecord{record.name, jit ? name.substr(4) : name});
    }
    builder.add(record);
    names_[record.offset.value - 1] = name;
    return id;
  }
  ModuleId module(const std::string& name) {
    const auto [entry, added] = modules_.try_emplace(name, static_cast<uint32_t>(modules_.size() + 1));
    if (added) builder.add(ModuleRecord{{entry->second}, "/usr/lib/" + name, {1, 2, 3}});
    return {entry->second};
  }
  // Ends the recording after 100 ms.
  Recording finish() {
    builder.add(EndRecord{100'000'000});
    TraceDamage damage;
    damage.ended = true;
    return builder.finish(damage);
  }
  // Answers as a symbolizer would: line 10 * number of the query's offset, entry of the function at line 1.
  SymbolSource symbols() {
    return [this](const std::vector<SymbolModule>& asked, std::span<const SymbolQuery> queries) {
      queries_asked += queries.size();
      SymbolAnswer answer;
      for (const SymbolModule& each : asked) answer.modules.push_back(module_symbols(each));
      for (const SymbolQuery& query : queries) answer.frames.push_back(frames_at(query.lookup.value));
      return answer;
    };
  }
  SessionRecord session;
  FakeBuilder builder;
  size_t queries_asked = 0;
  std::map<std::string, ModuleSymbols> problems;  // by path

 private:
  static constexpr uint64_t kEntry = 0x1000'0000;  // function entries lie here, so that they can be told from calls

  ModuleSymbols module_symbols(const SymbolModule& module) const {
    const auto found = problems.find(module.path);
    ModuleSymbols symbols =
        found == problems.end() ? ModuleSymbols{{}, ModuleSymbols::Level::kLines, "", ""} : found->second;
    symbols.id = module.id;
    return symbols;
  }
  std::vector<SymbolFrame> frames_at(uint64_t offset) {
    const bool entry = offset >= kEntry;
    const std::string& name = names_[entry ? offset - kEntry : offset];
    std::vector<SymbolFrame> frames;
    std::string rest = name.substr(name.find('!') + 1);
    const auto line = static_cast<uint32_t>(entry ? 1 : 10 * (offset / 0x100));
    const size_t fold = rest.find(" >> ");
    if (fold != std::string::npos && !entry) {
      frames.push_back(
          {rest.substr(fold + 4), "/src/" + rest.substr(fold + 4) + ".h", line + 1, true, kEntry + offset});
    }
    rest = rest.substr(0, fold);
    // "name@7" is the function `name`, at line 7.
    const size_t at = rest.find('@');
    const std::string function = rest.substr(0, at);
    const auto own_line =
        at == std::string::npos || entry ? line : static_cast<uint32_t>(std::stoul(rest.substr(at + 1)));
    frames.push_back({function, "/src/" + function + ".cc", own_line, false, kEntry + offset});
    return frames;
  }

  std::map<std::pair<uint32_t, std::string>, uint32_t> stacks_;
  std::map<std::string, uint32_t> frames_;
  std::map<std::string, uint32_t> modules_;
  std::map<uint64_t, std::string> names_;  // by lookup offset
};

}  // namespace flarestack
