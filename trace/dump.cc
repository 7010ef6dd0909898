// SPDX-License-Identifier: Apache-2.0
#include "trace/dump.h"

#include <array>
#include <optional>
#include <variant>
#include <vector>

#include <fmt/format.h>

namespace flarestack {
namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      result += '\\';
      result += letter;
    } else if (letter == '\n') {
      result += "\\n";
    } else if (byte >= 0x20 && byte < 0x7F) {
      result += letter;
    } else {
      result += fmt::format("\\x{:02X}", byte);
    }
  }
  return result + '"';
}

std::string quoted_list(const std::vector<std::string>& texts) {
  std::string result = "[";
  for (const std::string& text : texts) {
    if (result.size() > 1) result += ' ';
    result += quoted(text);
  }
  return result + ']';
}

// The reader gives out no value that these do not name.
template <typename Enum, size_t Count>
std::string_view name_of(Enum value, const std::array<std::string_view, Count>& names) {
  return names.at(static_cast<size_t>(value));
}

constexpr std::array<std::string_view, 3> kSamplingWays = {"agent", "perf_rings", "snapshots"};
constexpr std::array<std::string_view, 4> kClocks = {"none", "perf_task_clock", "posix_cpu_timer", "snapshots"};
constexpr std::array<std::string_view, 4> kOrigins = {"launch", "fork", "exec", "attach"};
constexpr std::array<std::string_view, 5> kExits = {"unknown", "exited", "signaled", "replaced_by_exec",
                                                    "still_running"};
constexpr std::array<std::string_view, 6> kBundledKinds = {"module",        "debug_file", "supplementary",
                                                           "split_package", "split_unit", "source"};
constexpr std::array<std::string_view, 6> kFrameKinds = {"native",      "kernel", "jit",
                                                         "interpreter", "marker", "symbolized"};
constexpr std::array<std::string_view, 2> kAddressKinds = {"return", "instruction"};
constexpr std::array<std::string_view, 2> kMetrics = {"cpu", "off_cpu"};
constexpr std::array<std::string_view, 4> kHeapModes = {"none", "exact", "sampled", "imported"};
constexpr std::array<std::string_view, 3> kLeakChecks = {"not_said", "none", "at_end"};
constexpr std::array<std::string_view, 3> kMemoryKinds = {"heap", "mapped", "pool"};
constexpr std::array<std::string_view, 3> kRegionKinds = {"region", "tag", "counter"};
constexpr std::array<std::string_view, 5> kThreadStates = {"running", "sleeping", "blocked", "stopped", "other"};

// Only of what was in one.
std::string region_part(RegionId region) { return region ? fmt::format(" region={}", region.value) : std::string(); }

std::string line_of(const SessionRecord& record) {
  return fmt::format(
      "session command={} working_directory={} host={} kernel={} version={} start_realtime_ns={} clock={} "
      "requested_hz={} wall_clock={} heap={} heap_sample_bytes={} leak_checks={}",
      quoted_list(record.command), quoted(record.working_directory), quoted(record.host), quoted(record.kernel),
      quoted(record.version), record.start_realtime_ns, name_of(record.clock, kClocks), record.requested_hz,
      record.wall_clock ? "yes" : "no", name_of(record.heap, kHeapModes), record.heap_sample_bytes,
      name_of(record.leak_checks, kLeakChecks));
}

std::string line_of(const StringRecord& record) {
  return fmt::format("string id={} text={}", record.id.value, quoted(record.text));
}

std::string line_of(const ProcessRecord& record) {
  std::string line = fmt::format("process id={} parent={} origin={} pid={} executable={} arguments={} start_ns={}",
                                 record.id.value, record.parent.value, name_of(record.origin, kOrigins), record.pid,
                                 quoted(record.executable), quoted_list(record.arguments), record.start_ns);
  if (record.sampling != SamplingWay::kAgent || !record.no_agent_reason.empty()) {
    line += fmt::format(" sampling={} stack_copy_bytes={} no_agent_reason={}", name_of(record.sampling, kSamplingWays),
                        record.stack_copy_bytes, quoted(record.no_agent_reason));
  }
  return line;
}

std::string line_of(const ProcessEndRecord& record) {
  return fmt::format("process_end id={} kind={} code={} end_ns={} cpu_ns={}", record.id.value,
                     name_of(record.kind, kExits), record.code, record.end_ns, record.cpu_ns);
}

std::string line_of(const ThreadRecord& record) {
  return fmt::format("thread id={} process={} tid={} name={} start_ns={}", record.id.value, record.process.value,
                     record.tid, quoted(record.name), record.start_ns);
}

std::string line_of(const ModuleRecord& record) {
  std::string build_id;
  for (const uint8_t byte : record.build_id) build_id += fmt::format("{:02x}", byte);
  return fmt::format("module id={} path={} build_id={}", record.id.value, quoted(record.path),
                     build_id.empty() ? "none" : build_id);
}

std::string line_of(const FrameRecord& record) {
  std::string line = fmt::format("frame id={} kind={} address={} module={} offset={:#x} name={}", record.id.value,
                                 name_of(record.kind, kFrameKinds), name_of(record.address_kind, kAddressKinds),
                                 record.module.value, record.offset.value, record.name.value);
  if (record.file) line += fmt::format(" file={} line={}", record.file.value, record.line);
  if (record.function_line != 0) line += fmt::format(" function_line={}", record.function_line);
  if (record.inlined_into) line += fmt::format(" inlined_into={}", record.inlined_into.value);
  return line;
}

std::string line_of(const StackRecord& record) {
  return fmt::format("stack id={} parent={} frame={}", record.id.value, record.parent.value, record.frame.value);
}

std::string line_of(const SampleRecord& record) {
  return fmt::format("sample thread={} stack={} metric={} slice_start_ns={} slice_length_ns={} count={} weight_ns={}{}",
                     record.thread.value, record.stack.value, name_of(record.metric, kMetrics), record.slice_start_ns,
                     record.slice_length_ns, record.count, record.weight_ns, region_part(record.region));
}

std::string line_of(const AllocationRecord& record) {
  return fmt::format(
      "allocation thread={} stack={} kind={} size_class={} slice_start_ns={} slice_length_ns={} allocations={} "
      "allocated_bytes={} deallocations={} deallocated_bytes={} temporary={} lifetimes=[{}] peak_bytes={} "
      "peak_blocks={} samples={} variance_allocations={} variance_kib2={}{}",
      record.thread.value, record.stack.value, name_of(record.kind, kMemoryKinds), record.size_class,
      record.slice_start_ns, record.slice_length_ns, record.allocations, record.allocated_bytes, record.deallocations,
      record.deallocated_bytes, record.temporary, fmt::join(record.lifetimes, " "), record.peak_bytes,
      record.peak_blocks, record.samples, record.variance_allocations, record.variance_kib2,
      region_part(record.region));
}

std::string line_of(const HeapSliceRecord& record) {
  return fmt::format(
      "heap_slice process={} slice_start_ns={} slice_length_ns={} peak_bytes={} peak_blocks={} peak_time_ns={} "
      "live_bytes={} live_blocks={}",
      record.process.value, record.slice_start_ns, record.slice_length_ns, record.peak_bytes, record.peak_blocks,
      record.peak_time_ns, record.live_bytes, record.live_blocks);
}

std::string line_of(const MemoryRecord& record) {
  return fmt::format(
      "memory process={} time_ns={} rss_bytes={} pss_bytes={} allocator_bytes={} stack_bytes={} file_bytes={} "
      "mapped_bytes={} own_bytes={} heap_live_bytes={} minor_faults={} major_faults={}",
      record.process.value, record.time_ns, record.rss_bytes, record.pss_bytes, record.allocator_bytes,
      record.stack_bytes, record.file_bytes, record.mapped_bytes, record.own_bytes, record.heap_live_bytes,
      record.minor_faults, record.major_faults);
}

std::string line_of(const LeakCheckRecord& record) {
  return fmt::format(
      "leak_check process={} number={} cause={} time_ns={} pause_ns={} blocks={} bytes={} root_bytes={} problem={}",
      record.process.value, record.number, static_cast<int>(record.cause), record.time_ns, record.pause_ns,
      record.blocks, record.bytes, record.root_bytes, quoted(record.problem));
}

std::string line_of(const LeakRecord& record) {
  return fmt::format(
      "leak process={} check={} verdict={} inherited={} thread={} stack={} blocks={} bytes={} smallest_bytes={} "
      "largest_bytes={} first_ns={} last_ns={} holder={} holder_module={} holder_offset={:#x} holder_thread={} "
      "holder_stack={}",
      record.process.value, record.check, static_cast<int>(record.verdict), record.inherited ? 1 : 0,
      record.thread.value, record.stack.value, record.blocks, record.bytes, record.smallest_bytes, record.largest_bytes,
      record.first_ns, record.last_ns, static_cast<int>(record.holder), record.holder_module.value,
      record.holder_offset.value, record.holder_thread.value, record.holder_stack.value);
}

std::string line_of(const NoteRecord& record) {
  return fmt::format("note process={} text={}", record.process.value, quoted(record.text));
}

std::string line_of(const CounterRecord& record) {
  return fmt::format("counter process={} name={} value={}", record.process.value, quoted(record.name), record.value);
}

std::string line_of(const UnrecordedRecord& record) {
  return fmt::format("unrecorded pid={} parent={} command={} reason={}", record.pid, record.parent.value,
                     quoted(record.command), quoted(record.reason));
}

std::string line_of(const BundledFileRecord& record) {
  std::string id;
  for (const uint8_t byte : record.id) id += fmt::format("{:02x}", byte);
  return fmt::format("bundled_file kind={} path={} id={} size_bytes={} checksum={:016x} parts={}",
                     name_of(record.kind, kBundledKinds), quoted(record.path), id.empty() ? "none" : id,
                     record.size_bytes, record.checksum, record.part_offsets.size());
}

std::string line_of(const RegionRecord& record) {
  return fmt::format("region id={} parent={} kind={} name={}", record.id.value, record.parent.value,
                     name_of(record.kind, kRegionKinds), quoted(record.name));
}

std::string line_of(const RegionTotalsRecord& record) {
  return fmt::format(
      "region_totals thread={} region={} calls={} wall_ns={} self_wall_ns={} longest_ns={} allocations={} "
      "allocated_bytes={} deallocations={} deallocated_bytes={} peak_bytes={} unfinished={}",
      record.thread.value, record.region.value, record.calls, record.wall_ns, record.self_wall_ns, record.longest_ns,
      record.allocations, record.allocated_bytes, record.deallocations, record.deallocated_bytes, record.peak_bytes,
      record.unfinished);
}

std::string line_of(const RegionSpanRecord& record) {
  return fmt::format("region_span thread={} region={} start_ns={} end_ns={} calls={} busy_ns={}", record.thread.value,
                     record.region.value, record.start_ns, record.end_ns, record.calls, record.busy_ns);
}

std::string line_of(const RegionValueRecord& record) {
  return fmt::format("region_value thread={} region={} count={} sum={} smallest={} largest={} last={}",
                     record.thread.value, record.region.value, record.count, record.sum, record.smallest,
                     record.largest, record.last);
}

std::string line_of(const TimeoutRecord& record) {
  return fmt::format("timeout time_ns={} limit_ns={} region={}", record.time_ns, record.limit_ns,
                     quoted(record.region));
}

std::string line_of(const TimeoutStackRecord& record) {
  return fmt::format("timeout_stack thread={} stack={} state={} truncated={}", record.thread.value, record.stack.value,
                     name_of(record.state, kThreadStates), record.truncated ? "yes" : "no");
}

std::string line_of(const EndRecord& record) { return fmt::format("end duration_ns={}", record.duration_ns); }

}  // namespace

std::string describe(const TraceRecord& record) {
  return std::visit([](const auto& kind) { return line_of(kind); }, record);
}

void dump_trace(TraceReader& reader, const std::function<void(std::string_view line)>& line) {
  std::optional<uint64_t> chunk_offset;
  while (const std::optional<TraceRecord> record = reader.next()) {
    if (chunk_offset != reader.chunk_offset()) {
      chunk_offset = reader.chunk_offset();
      line(fmt::format("# chunk at byte {}", *chunk_offset));
    }
    line(describe(*record));
  }
  const TraceDamage& damage = reader.damage();
  line(fmt::format("# {}, {} damaged chunks, {} bytes skipped, {} records of a newer version",
                   damage.ended ? "complete" : "no end record: the recorder was stopped before it finished",
                   damage.damaged_chunks, damage.skipped_bytes, damage.unknown_records));
}

}  // namespace flarestack
