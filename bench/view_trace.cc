// SPDX-License-Identifier: Apache-2.0
// view_trace FILE: a trace as the page of a whole recording has to stand it: 1 000 000 sample records over 200 000 call
// paths of up to 30 frames, 16 threads and 100 slices, 100 000 allocation records over the same paths, heap and memory
// over time. Frames have names of their own, so that no module is looked for.
#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

#include <fmt/format.h>

#include "trace/writer.h"

namespace flarestack {
namespace {

constexpr uint32_t kFrames = 60'000;
constexpr uint32_t kFunctions = 8'000;
constexpr uint32_t kPaths = 200'000;
constexpr uint32_t kSamples = 1'000'000;
constexpr uint32_t kAllocations = 100'000;
constexpr uint32_t kThreads = 16;
constexpr uint32_t kDepth = 30;
constexpr int64_t kSliceNs = 1'000'000'000;
constexpr uint32_t kSlices = 100;

void add_frames(TraceWriter& trace) {
  for (uint32_t i = 1; i <= kFunctions; ++i) {
    trace.add(StringRecord{
        {i}, fmt::format("engine::module_{}::Component{}<int>::step_{}(State const&)", i % 37, i % 400, i)});
    trace.add(StringRecord{{kFunctions + i}, fmt::format("/src/engine/module_{}/component_{}.cc", i % 37, i % 400)});
  }
  for (uint32_t i = 1; i <= kFrames; ++i) {
    const uint32_t function = 1 + i % kFunctions;
    trace.add(FrameRecord{{i},
                          FrameKind::kJit,
                          AddressKind::kReturnAddress,
                          {},
                          {},
                          {function},
                          {kFunctions + function},
                          1 + i / kFunctions * 7 + function % 90});
  }
}

// A path goes on from an earlier one, mostly from a near one, and is cut off at kDepth.
void add_paths(TraceWriter& trace, std::mt19937& random) {
  std::vector<uint32_t> depth{0};
  for (uint32_t i = 1; i <= kPaths; ++i) {
    uint32_t parent = i < 50 ? i - 1 : i - 1 - std::min(i - 1, static_cast<uint32_t>(random() % 40));
    if (depth[parent] >= kDepth) parent = 1 + static_cast<uint32_t>(random() % 20);
    depth.push_back(depth[parent] + 1);
    trace.add(StackRecord{{i}, {parent}, {1 + static_cast<uint32_t>(random() % kFrames)}});
  }
}

void add_samples(TraceWriter& trace, std::mt19937& random) {
  for (uint32_t i = 0; i < kSamples; ++i) {
    const int64_t slice = i / (kSamples / kSlices);
    trace.add(SampleRecord{{1 + static_cast<uint32_t>(random() % kThreads)},
                           {1 + static_cast<uint32_t>(random() % kPaths)},
                           SampleMetric::kCpu,
                           slice * kSliceNs,
                           kSliceNs,
                           1,
                           1'000'000});
  }
}

void add_heap(TraceWriter& trace, std::mt19937& random) {
  uint64_t live = 0;
  for (uint32_t slice = 0; slice < kSlices; ++slice) {
    const int64_t start_ns = slice * kSliceNs;
    for (uint32_t i = 0; i < kAllocations / kSlices; ++i) {
      AllocationRecord record;
      record.thread = {1 + static_cast<uint32_t>(random() % kThreads)};
      record.stack = {1 + static_cast<uint32_t>(random() % kPaths)};
      record.size_class = 7;
      record.slice_start_ns = start_ns;
      record.slice_length_ns = kSliceNs;
      record.allocations = 1 + random() % 20;
      record.allocated_bytes = record.allocations * 100;
      record.deallocations = record.allocations - 1;
      record.deallocated_bytes = record.deallocations * 100;
      record.lifetimes[1] = record.deallocations;
      record.peak_bytes = 100;
      record.peak_blocks = 1;
      live += 100;
      trace.add(record);
    }
    trace.add(HeapSliceRecord{{1}, start_ns, kSliceNs, live, live / 100, start_ns + kSliceNs - 1, live, live / 100});
    trace.add(
        MemoryRecord{.process = {1}, .time_ns = start_ns, .rss_bytes = live + (8U << 20), .heap_live_bytes = live});
  }
}

int write_trace(const char* path) {
  Result<TraceWriter> trace = TraceWriter::create(path);
  if (!trace.ok()) {
    fmt::print(stderr, "view_trace: {}\n", trace.error().message);
    return 1;
  }
  std::mt19937 random(42);
  SessionRecord session;
  session.command = {"engine", "--frames", "100000"};
  session.version = "bench";
  session.clock = ClockKind::kPerfTaskClock;
  session.requested_hz = 1000;
  session.heap = HeapMode::kExact;
  trace->add(session);
  trace->add(ProcessRecord{
      {1}, {}, ProcessOrigin::kLaunch, 100, "/usr/bin/engine", {"engine"}, 0, SamplingWay::kAgent, 0, ""});
  for (uint32_t i = 1; i <= kThreads; ++i)
    trace->add(ThreadRecord{{i}, {1}, static_cast<int32_t>(100 + i), fmt::format("worker-{}", i), 0});
  add_frames(*trace);
  add_paths(*trace, random);
  add_samples(*trace, random);
  add_heap(*trace, random);
  trace->add(ProcessEndRecord{{1}, ExitKind::kExited, 0, kSlices * kSliceNs, uint64_t{kSamples} * 1'000'000});
  trace->add(EndRecord{kSlices * kSliceNs});
  const Result<void> flushed = trace->flush();
  if (!flushed.ok()) fmt::print(stderr, "view_trace: {}\n", flushed.error().message);
  return flushed.ok() ? 0 : 1;
}

}  // namespace
}  // namespace flarestack

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: view_trace FILE\n");
    return 2;
  }
  return flarestack::write_trace(argv[1]);
}
