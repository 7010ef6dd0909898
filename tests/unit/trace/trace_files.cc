// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/trace/trace_files.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "trace/writer.h"

namespace flarestack {
namespace {

int payload_rank(const TraceRecord& record) {
  if (std::holds_alternative<StringRecord>(record)) return 1;
  if (std::holds_alternative<ModuleRecord>(record)) return 2;
  if (std::holds_alternative<FrameRecord>(record)) return 3;
  if (std::holds_alternative<StackRecord>(record)) return 4;
  if (std::holds_alternative<SampleRecord>(record)) return 5;
  if (std::holds_alternative<AllocationRecord>(record)) return 6;
  if (std::holds_alternative<HeapSliceRecord>(record)) return 7;
  if (std::holds_alternative<MemoryRecord>(record)) return 8;
  if (std::holds_alternative<RegionTotalsRecord>(record)) return 9;
  if (std::holds_alternative<RegionSpanRecord>(record)) return 10;
  if (std::holds_alternative<RegionValueRecord>(record)) return 11;
  if (std::holds_alternative<LeakCheckRecord>(record) || std::holds_alternative<LeakRecord>(record) ||
      std::holds_alternative<TimeoutRecord>(record) || std::holds_alternative<TimeoutStackRecord>(record))
    return 12;
  if (std::holds_alternative<EndRecord>(record)) return 13;
  return 0;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  path_ = (std::filesystem::temp_directory_path() / "flarestack-trace-XXXXXX").string();
  REQUIRE(::mkdtemp(path_.data()) != nullptr);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<TraceRecord> small_recording() {
  std::vector<TraceRecord> records;
  records.push_back(SessionRecord{.command = {"./work", "--fast", ""},
                                  .working_directory = "/home/user",
                                  .host = "host",
                                  .kernel = "6.1.0",
                                  .version = "0.1.0",
                                  .start_realtime_ns = 1'700'000'000'123'456'789,
                                  .clock = ClockKind::kPerfTaskClock,
                                  .requested_hz = 1000,
                                  .wall_clock = true});
  records.push_back(ProcessRecord{
      {1}, {}, ProcessOrigin::kLaunch, 4711, "/usr/bin/work", {"./work", "--fast"}, 5, SamplingWay::kAgent, 0, ""});
  records.push_back(ThreadRecord{{1}, {1}, 4711, "work", 5});
  records.push_back(StringRecord{{1}, "do_syscall_64"});
  records.push_back(StringRecord{{2}, ""});
  records.push_back(ModuleRecord{{1}, "/usr/bin/work", {0xDE, 0xAD, 0x00, 0xEF}});
  records.push_back(ModuleRecord{{2}, "[vdso]", {}});
  records.push_back(FrameRecord{{1}, FrameKind::kNative, AddressKind::kReturnAddress, {1}, {0x1139}, {}});
  records.push_back(StackRecord{{1}, {}, {1}});
  records.push_back(FrameRecord{{2}, FrameKind::kNative, AddressKind::kInstruction, {2}, {0x1204}, {}});
  records.push_back(StackRecord{{2}, {1}, {2}});
  records.push_back(FrameRecord{{3}, FrameKind::kKernel, AddressKind::kInstruction, {}, {0}, {1}});
  records.push_back(StackRecord{{3}, {1}, {3}});
  records.push_back(SampleRecord{{1}, {2}, SampleMetric::kCpu, 0, 1'000'000'000, 12, 12'000'017});
  records.push_back(SampleRecord{{1}, {3}, SampleMetric::kCpu, 0, 1'000'000'000, 0, 3'500'000});
  records.push_back(
      ProcessRecord{{2}, {1}, ProcessOrigin::kExec, 4711, "/usr/bin/next", {"next"}, 70, SamplingWay::kAgent, 0, ""});
  records.push_back(ProcessEndRecord{{1}, ExitKind::kReplacedByExec, 0, 70, 16});
  records.push_back(ThreadRecord{{2}, {2}, 4711, "next", 70});
  records.push_back(StackRecord{{4}, {3}, {1}});
  records.push_back(SampleRecord{{2}, {4}, SampleMetric::kOffCpu, 1'000'000'000, 1'000'000'000, 3, 2'999'999});
  records.push_back(UnrecordedRecord{4712, {2}, "sudo id", "it is setuid"});
  records.push_back(ProcessEndRecord{{2}, ExitKind::kSignaled, 11, 90, 20});
  records.push_back(CounterRecord{{2}, "samples", 15});
  records.push_back(EndRecord{91});
  return records;
}

std::vector<TraceRecord> heap_recording() {
  std::vector<TraceRecord> records = small_recording();
  std::get<SessionRecord>(records.front()).heap = HeapMode::kSampled;
  std::get<SessionRecord>(records.front()).heap_sample_bytes = 524'288;
  const TraceRecord end = records.back();
  records.pop_back();
  AllocationRecord freed{{1}, {2}, MemoryKind::kHeap, 5, 0, 1'000'000'000};  // all at once, none live at the peak
  freed.allocations = freed.deallocations = freed.temporary = freed.lifetimes[0] = 1000;
  freed.allocated_bytes = freed.deallocated_bytes = 24'000;
  records.push_back(freed);
  AllocationRecord kept{{1}, {3}, MemoryKind::kHeap, 12, 0, 1'000'000'000};  // none, all live at the peak
  kept.allocations = 7;
  kept.peak_blocks = 7;
  kept.allocated_bytes = 14'341;
  kept.peak_bytes = 14'341;
  records.push_back(kept);
  AllocationRecord late{{2}, {4}, MemoryKind::kMapped, 20, 1'000'000'000, 2'000'000'000};
  late.allocations = 3;
  late.allocated_bytes = 3'000'000;
  late.deallocations = 5;
  late.deallocated_bytes = 4'000'000;
  late.temporary = 1;
  late.lifetimes = {1, 0, 0, 0, 1, 1, 1, 1};
  late.peak_bytes = -500'000;
  late.peak_blocks = -1;
  late.samples = 3;
  late.variance_allocations = 17;
  late.variance_kib2 = 8000;
  records.push_back(late);
  records.push_back(HeapSliceRecord{{1}, 0, 1'000'000'000, 40'000, 30, 999, 14'341, 7});
  records.push_back(HeapSliceRecord{{2}, 1'000'000'000, 2'000'000'000, 1'000, 1, 1'500'000'000, 0, 0});
  records.push_back(MemoryRecord{
      {1}, 10'000'000, 9'000'000, 8'000'000, 1'000'000, 200'000, 7'000'000, 300'000, 500'000, 40'000, 1234, 5});
  records.push_back(MemoryRecord{{2}, 20'000'000, 9'000'001});
  records.push_back(NoteRecord{{2}, "mallocx could not be hooked: its entry is 3 bytes long"});
  records.push_back(NoteRecord{{}, ""});
  records.push_back(end);
  return records;
}

std::vector<TraceRecord> leak_recording() {
  std::vector<TraceRecord> records = heap_recording();
  const TraceRecord end = records.back();
  records.pop_back();
  // In the chunk that defines the stack they name.
  records.push_back(StackRecord{{5}, {4}, {2}});
  records.push_back(LeakCheckRecord{
      {1}, 1, LeakCheckCause::kExit, 88, 1'200'000, 9, 14'341, 1'048'576, "the process ended while it was looked at"});
  LeakRecord lost{
      {1}, 1, LeakVerdict::kDefinitelyLost, false, {1}, {5}, 2, 96, 24, 72, 3, 50, LeakHolder::kNone, {}, {}, {}, {}};
  records.push_back(lost);
  LeakRecord behind{{1}, 1,  LeakVerdict::kIndirectlyLost, true, {1}, {3}, 5,  5000, 1000, 1000,
                    4,   40, LeakHolder::kBlock,           {},   {},  {},  {5}};
  records.push_back(behind);
  LeakRecord held{{1}, 1, LeakVerdict::kStillReachable, false, {1},      {2}, 1, 0, 0, 0,
                  5,   5, LeakHolder::kModuleData,      {1},   {0x4010}, {},  {}};
  records.push_back(held);
  held.verdict = LeakVerdict::kPossiblyLost;
  held.holder = LeakHolder::kStack;
  held.holder_thread = {1};
  records.push_back(held);
  records.push_back(LeakCheckRecord{{2}, 7, LeakCheckCause::kOnDemand, 90, 0, 0, 0, 0, ""});
  records.push_back(end);
  return records;
}

std::vector<TraceRecord> outside_records() {
  constexpr uint32_t kId = std::numeric_limits<uint32_t>::max();
  const std::string odd("\0\xFF\n\xC0\x80", 5);
  SessionRecord session;
  session.clock = ClockKind::kSnapshots;
  session.requested_hz = 1000;
  std::vector<TraceRecord> records = {session};
  records.push_back(ProcessRecord{
      {1}, {}, ProcessOrigin::kAttach, 4711, "/usr/bin/work", {"work"}, 5, SamplingWay::kSnapshots, 16384, "it is Go"});
  records.push_back(
      ProcessRecord{{kId}, {1}, ProcessOrigin::kFork, 4712, "", {}, 6, SamplingWay::kPerfRings, kId, odd});
  return records;
}

std::vector<TraceRecord> region_records() {
  constexpr uint32_t kId = std::numeric_limits<uint32_t>::max();
  constexpr uint64_t kU64 = std::numeric_limits<uint64_t>::max();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  const std::string odd("\0\xFF\n\xC0\x80", 5);
  std::vector<TraceRecord> records = {RegionRecord{{1}, {}, RegionKind::kRegion, "load"},
                                      RegionRecord{{2}, {1}, RegionKind::kTag, "rows"},
                                      RegionRecord{{kId}, {kId - 1}, RegionKind::kCounter, odd},
                                      SampleRecord{{1}, {2}, SampleMetric::kCpu, 0, 10, 3, 3000, {1}},
                                      SampleRecord{{1}, {2}, SampleMetric::kCpu, 0, 10, 3, 3001, {}},
                                      SampleRecord{{1}, {2}, SampleMetric::kCpu, 0, 10, 0, 7, {kId}}};
  AllocationRecord allocation;
  allocation.kind = MemoryKind::kPool;
  allocation.allocations = 3;
  allocation.region = {7};
  records.push_back(allocation);
  for (const auto& [id, number, time] : {std::tuple{kId, kU64, kMin},
                                         {0U, uint64_t{0}, kMax},
                                         {1U, kU64 / 2, int64_t{-1}},
                                         {kId - 1, uint64_t{1}, kMax - 1}}) {
    records.push_back(RegionTotalsRecord{
        {id}, {kId - id}, number, ~number, number, ~number, number, ~number, number, ~number, number, ~number});
    records.push_back(RegionSpanRecord{{id}, {kId - id}, time, ~time, number, ~number});
    records.push_back(RegionValueRecord{{id}, {kId - id}, number, time, ~time, time, ~time});
    records.push_back(TimeoutRecord{time, number, odd});
    for (uint8_t state = 0; state <= static_cast<uint8_t>(ThreadState::kOther); ++state)
      records.push_back(TimeoutStackRecord{{id}, {kId - id}, static_cast<ThreadState>(state), id == 0});
  }
  return records;
}

std::vector<TraceRecord> extreme_leak_records() {
  constexpr uint32_t kId = std::numeric_limits<uint32_t>::max();
  constexpr uint64_t kU64 = std::numeric_limits<uint64_t>::max();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  const std::string odd("\0\xFF\n\xC0\x80", 5);
  std::vector<TraceRecord> records;
  for (const auto& [id, number, time] : {std::tuple{kId, kU64, kMin},
                                         {0U, uint64_t{0}, kMax},
                                         {1U, kU64 / 2, int64_t{-1}},
                                         {kId - 1, kU64 - 1, kMax - 1}}) {
    for (const auto cause :
         {LeakCheckCause::kExit, LeakCheckCause::kFatalSignal, LeakCheckCause::kDetach, LeakCheckCause::kOnDemand}) {
      records.push_back(LeakCheckRecord{{id}, kId - id, cause, time, number, ~number, number, ~number, odd});
    }
    for (const auto verdict : {LeakVerdict::kDefinitelyLost, LeakVerdict::kIndirectlyLost, LeakVerdict::kPossiblyLost,
                               LeakVerdict::kStillReachable}) {
      for (uint8_t holder = 0; holder <= static_cast<uint8_t>(LeakHolder::kBlock); ++holder) {
        records.push_back(LeakRecord{{id},
                                     kId - id,
                                     verdict,
                                     id == 0,
                                     {kId - id},
                                     {id},
                                     number,
                                     ~number,
                                     number,
                                     ~number,
                                     time,
                                     ~time,
                                     static_cast<LeakHolder>(holder),
                                     {id},
                                     {number},
                                     {kId - id},
                                     {id}});
      }
    }
  }
  records.push_back(LeakCheckRecord{});
  records.push_back(LeakRecord{});
  SessionRecord session;
  session.leak_checks = LeakChecks::kAtEnd;
  records.push_back(session);
  return records;
}

std::vector<TraceRecord> extreme_heap_records() {
  constexpr uint32_t kId = std::numeric_limits<uint32_t>::max();
  constexpr uint64_t kU64 = std::numeric_limits<uint64_t>::max();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  std::vector<TraceRecord> records;
  SessionRecord session;
  session.heap = HeapMode::kExact;
  session.heap_sample_bytes = kU64;
  records.push_back(session);
  records.push_back(NoteRecord{{kId}, std::string("\0\xFF\n", 3)});
  for (const auto& [id, number, time] : {std::tuple{kId, kU64, kMin},
                                         {0U, uint64_t{0}, kMax},
                                         {1U, kU64 / 2, kMin + 1},
                                         {kId, uint64_t{1}, int64_t{-1}},
                                         {kId - 1, kU64 - 1, int64_t{0}}}) {
    AllocationRecord record{{id}, {kId - id}, MemoryKind::kMapped, static_cast<uint8_t>(number), time, ~time};
    record.allocations = record.deallocated_bytes = record.samples = record.variance_kib2 = number;
    record.allocated_bytes = record.deallocations = record.temporary = record.variance_allocations = ~number;
    record.lifetimes = {number, ~number, number, ~number, number, ~number, number, ~number};
    record.peak_bytes = time;
    record.peak_blocks = ~time;
    records.push_back(record);
    records.push_back(AllocationRecord{{kId - id}, {id}, MemoryKind::kHeap, 255, ~time, time});
    records.push_back(HeapSliceRecord{{id}, time, ~time, number, ~number, ~time, ~number, number});
    records.push_back(
        MemoryRecord{{id}, time, number, ~number, number, ~number, number, ~number, number, ~number, number, ~number});
  }
  return records;
}

std::vector<TraceRecord> imported_records() {
  constexpr uint32_t kId = std::numeric_limits<uint32_t>::max();
  SessionRecord session;
  session.heap = HeapMode::kImported;
  session.heap_sample_bytes = 524'288;
  session.imported_from = std::string("perf\0script\xFF", 12);
  std::vector<TraceRecord> records = {session};
  for (const auto& [id, outer] :
       {std::pair{1U, 0U}, {2U, 1U}, {3U, 1U}, {7U, 3U}, {kId, 1U}, {5U, kId}, {kId - 1, kId}}) {
    FrameRecord frame{{id}, FrameKind::kSymbolized, AddressKind::kReturnAddress, {4}, {0}, {id}};
    frame.file = {outer};
    frame.line = kId;
    frame.function_line = kId - outer;
    frame.inlined_into = {outer};
    records.push_back(frame);
  }
  return records;
}

std::vector<TraceRecord> extreme_records() {
  constexpr uint32_t kId = std::numeric_limits<uint32_t>::max();
  constexpr uint64_t kU64 = std::numeric_limits<uint64_t>::max();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int32_t kMin32 = std::numeric_limits<int32_t>::min();
  constexpr int32_t kMax32 = std::numeric_limits<int32_t>::max();
  const std::string odd("\0\xFF\n\xC0\x80", 5);
  const std::string large(3'000, 'x');
  std::vector<TraceRecord> records;
  records.push_back(SessionRecord{{odd, large}, odd, odd, odd, odd, kMin, ClockKind::kPosixCpuTimer, kId, false});
  records.push_back(SessionRecord{{}, "", "", "", "", kMax, ClockKind::kNone, 0, true});
  records.push_back(ProcessRecord{
      {kId}, {kId}, ProcessOrigin::kAttach, kMin32, odd, {"", odd, ""}, kMin, SamplingWay::kAgent, 0, ""});
  records.push_back(ProcessRecord{{0}, {0}, ProcessOrigin::kFork, kMax32, "", {}, kMax, SamplingWay::kAgent, 0, ""});
  records.push_back(ProcessEndRecord{{kId}, ExitKind::kStillRunning, kMin32, kMin, kU64});
  records.push_back(ProcessEndRecord{});
  records.push_back(ThreadRecord{{kId}, {kId}, kMin32, large, kMin});
  records.push_back(ThreadRecord{{0}, {0}, kMax32, "", kMax});
  records.push_back(CounterRecord{{kId}, odd, kU64});
  records.push_back(CounterRecord{});
  records.push_back(UnrecordedRecord{kMin32, {kId}, odd, large});
  records.push_back(UnrecordedRecord{});
  for (const uint32_t id : {kId, 0U, 1U, kId - 1}) {
    records.push_back(StringRecord{{id}, id == 1 ? large : odd});
    records.push_back(ModuleRecord{{id}, id == 0 ? "" : odd, std::vector<uint8_t>(id == 1 ? 300 : 0, 0xFF)});
    for (const uint64_t offset : {uint64_t{0}, kU64, uint64_t{1} << 63, uint64_t{1}}) {
      records.push_back(FrameRecord{{id}, FrameKind::kMarker, AddressKind::kInstruction, {kId - id}, {offset}, {id}});
      records.push_back(FrameRecord{{kId - id}, FrameKind::kJit, AddressKind::kReturnAddress, {id}, {~offset}, {0}});
      records.push_back(SampleRecord{{id}, {kId - id}, SampleMetric::kOffCpu, kMin, kMax, offset, ~offset});
      records.push_back(SampleRecord{{0}, {id}, SampleMetric::kCpu, kMax, kMin, ~offset, offset});
    }
    records.push_back(StackRecord{{id}, {kId}, {id}});
    records.push_back(StackRecord{{kId - id}, {0}, {kId - id}});
  }
  records.push_back(EndRecord{kMin});
  records.push_back(EndRecord{kMax});
  return records;
}

void write_trace(const std::string& path, const std::vector<TraceRecord>& records, const std::vector<size_t>& cuts) {
  Result<TraceWriter> writer = TraceWriter::create(path);
  REQUIRE(writer.ok());
  for (size_t i = 0; i < records.size(); ++i) {
    if (std::count(cuts.begin(), cuts.end(), i) != 0) REQUIRE(writer->flush().ok());
    writer->add(records[i]);
  }
  REQUIRE(writer->flush().ok());
  REQUIRE(writer->bytes_written() == std::filesystem::file_size(path));
}

void write_bytes(const std::string& path, const std::string& bytes) { REQUIRE(write_file(path, bytes).ok()); }

std::string read_bytes(const std::string& path) {
  Result<std::string> bytes = read_file(path);
  REQUIRE(bytes.ok());
  return *bytes;
}

WholeTrace read_trace(const std::string& path) {
  Result<TraceReader> reader = TraceReader::open(path);
  REQUIRE(reader.ok());
  WholeTrace whole;
  while (std::optional<TraceRecord> record = reader->next()) whole.records.push_back(std::move(*record));
  whole.damage = reader->damage();
  return whole;
}

std::vector<TraceRecord> in_payload_order(std::vector<TraceRecord> records) {
  std::stable_sort(records.begin(), records.end(),
                   [](const TraceRecord& a, const TraceRecord& b) { return payload_rank(a) < payload_rank(b); });
  return records;
}

}  // namespace flarestack
