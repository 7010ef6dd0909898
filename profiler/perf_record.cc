// SPDX-License-Identifier: Apache-2.0
#include "profiler/perf_record.h"

#include <cstring>

namespace flarestack {
namespace {

constexpr uint64_t kHeaderBytes = sizeof(perf_event_header);
// Of a sample: identifier, ip, pid and tid, time, then the call chain.
constexpr uint64_t kSampleIdAt = 8, kSampleTidAt = 24, kSampleTimeAt = 32, kSampleChainAt = 40;
constexpr uint64_t kMaxChain = 8192;

constexpr uint64_t bit_count(uint64_t bits) { return static_cast<uint64_t>(__builtin_popcountll(bits)); }

// DWARF numbers of the registers in kPerfUserRegisters, in its order.
constexpr uint8_t kDwarfNumbers[] = {0, 3, 2, 1, 4, 5, 6, 7, 16, 8, 9, 10, 11, 12, 13, 14, 15};
static_assert(sizeof(kDwarfNumbers) == bit_count(kPerfUserRegisters));

void split_chain(std::span<const uint64_t> chain, OutsideSample& sample) {
  size_t begin = 0;
  uint64_t context = 0;
  for (size_t i = 0; i <= chain.size(); ++i) {
    const bool is_context = i < chain.size() && chain[i] >= static_cast<uint64_t>(PERF_CONTEXT_MAX);
    if (!is_context && i < chain.size()) {
      continue;
    }
    const std::span<const uint64_t> part = chain.subspan(begin, i - begin);
    if (context == static_cast<uint64_t>(PERF_CONTEXT_KERNEL)) {
      sample.kernel_chain = part;
    } else if (context == static_cast<uint64_t>(PERF_CONTEXT_USER)) {
      sample.user_chain = part;
    }
    if (is_context) {
      context = chain[i];
      begin = i + 1;
    }
  }
}

}  // namespace

PerfBytes::PerfBytes(const std::byte* bytes) : bytes_(bytes) { std::memcpy(&header_, bytes, kHeaderBytes); }

template <typename Value>
Value PerfBytes::at(uint64_t offset) const {
  Value value{};
  if (offset + sizeof(Value) <= header_.size) {
    std::memcpy(&value, bytes_ + offset, sizeof(Value));
  }
  return value;
}

std::string_view PerfBytes::text_at(uint64_t offset) const {
  if (offset + kTrailerBytes >= header_.size) {
    return {};
  }
  const auto* text = reinterpret_cast<const char*>(bytes_ + offset);
  return {text, strnlen(text, header_.size - kTrailerBytes - offset)};
}

uint64_t PerfBytes::time_monotonic_ns() const {
  return header_.type == PERF_RECORD_SAMPLE ? at<uint64_t>(kSampleTimeAt) : at<uint64_t>(header_.size - 16U);
}

bool PerfBytes::parse(PerfRecord& record, uint64_t& event_id) const {
  record = PerfRecord();
  if (header_.size < kHeaderBytes + kTrailerBytes) {
    return false;
  }
  record.time_monotonic_ns = time_monotonic_ns();
  event_id = header_.type == PERF_RECORD_SAMPLE ? at<uint64_t>(kSampleIdAt) : at<uint64_t>(header_.size - 8U);
  // Where most records begin; those of forks and exits have the parent's numbers in between.
  record.pid = at<int32_t>(kHeaderBytes);
  record.tid = at<int32_t>(kHeaderBytes + 4);
  switch (header_.type) {
    case PERF_RECORD_SAMPLE:
      return parse_sample(record);
    case PERF_RECORD_MMAP2:
      return parse_mapping(record);
    case PERF_RECORD_COMM:
      record.kind = PerfRecord::Kind::kName;
      record.is_exec = (header_.misc & PERF_RECORD_MISC_COMM_EXEC) != 0;
      record.name = text_at(kHeaderBytes + 8);
      return true;
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
      record.kind = header_.type == PERF_RECORD_FORK ? PerfRecord::Kind::kFork : PerfRecord::Kind::kExit;
      record.parent_pid = at<int32_t>(kHeaderBytes + 4);
      record.tid = at<int32_t>(kHeaderBytes + 8);
      record.parent_tid = at<int32_t>(kHeaderBytes + 12);
      return true;
    case PERF_RECORD_LOST:
    case PERF_RECORD_LOST_SAMPLES:
      record.kind = PerfRecord::Kind::kLost;
      record.lost = at<uint64_t>(kHeaderBytes + (header_.type == PERF_RECORD_LOST ? 8 : 0));
      record.pid = at<int32_t>(header_.size - kTrailerBytes);
      return true;
    case PERF_RECORD_THROTTLE:
      record.kind = PerfRecord::Kind::kThrottle;
      record.pid = at<int32_t>(header_.size - kTrailerBytes);
      return true;
    default:
      return false;
  }
}

bool PerfBytes::parse_mapping(PerfRecord& record) const {
  constexpr uint64_t kPathAt = kHeaderBytes + 64;
  record.kind = PerfRecord::Kind::kMapping;
  ProcessMaps::Mapping& mapping = record.mapping;
  mapping.start = at<uint64_t>(kHeaderBytes + 8);
  mapping.end = mapping.start + at<uint64_t>(kHeaderBytes + 16);
  mapping.file_offset = at<uint64_t>(kHeaderBytes + 24);
  mapping.inode = at<uint64_t>(kHeaderBytes + 40);
  const auto protection = at<uint32_t>(kHeaderBytes + 56);
  mapping.readable = (protection & 1) != 0;
  mapping.writable = (protection & 2) != 0;
  mapping.executable = (protection & 4) != 0;
  mapping.path = text_at(kPathAt);
  return mapping.end > mapping.start;
}

bool PerfBytes::parse_sample(PerfRecord& record) const {
  record.kind = PerfRecord::Kind::kSample;
  OutsideSample& sample = record.sample;
  sample.pid = record.pid = at<int32_t>(kSampleTidAt);
  sample.tid = record.tid = at<int32_t>(kSampleTidAt + 4);
  sample.time_monotonic_ns = record.time_monotonic_ns;
  sample.in_kernel = (header_.misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
  const auto chain_length = at<uint64_t>(kSampleChainAt);
  uint64_t offset = kSampleChainAt + 8;
  if (chain_length > kMaxChain || offset + chain_length * 8 > header_.size) {
    return false;
  }
  split_chain({reinterpret_cast<const uint64_t*>(bytes_ + offset), chain_length}, sample);
  offset += chain_length * 8;
  const auto abi = at<uint64_t>(offset);
  offset += 8;
  if (abi != PERF_SAMPLE_REGS_ABI_NONE) {
    sample.code = abi == PERF_SAMPLE_REGS_ABI_64 ? OutsideSample::Code::k64Bit : OutsideSample::Code::k32Bit;
    for (const uint8_t number : kDwarfNumbers) {
      sample.registers.value[number] = at<uint64_t>(offset);
      offset += 8;
    }
  }
  const auto copied_bytes = at<uint64_t>(offset);
  offset += 8;
  if (copied_bytes != 0) {
    const uint64_t filled_bytes = copied_bytes <= header_.size ? at<uint64_t>(offset + copied_bytes) : UINT64_MAX;
    if (filled_bytes > copied_bytes || offset + copied_bytes + 8 > header_.size) {
      return false;
    }
    sample.stack = {bytes_ + offset, filled_bytes};
  }
  return true;
}

}  // namespace flarestack
