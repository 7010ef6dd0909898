// SPDX-License-Identifier: Apache-2.0
#include "profiler/perf_record.h"

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

// A record, word by word; its header's size is filled in.
class Bytes {
 public:
  Bytes(uint32_t type, uint16_t misc) { put(perf_event_header{type, misc, 0}); }
  template <typename Value>
  Bytes& put(Value value) {
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof(value));
    std::memcpy(&bytes_[at], &value, sizeof(value));
    return *this;
  }
  Bytes& text(const std::string& text) {
    std::string padded = text;
    padded.resize((text.size() / 8 + 1) * 8);
    for (const char c : padded) put(c);
    return *this;
  }
  Bytes& trailer() { return put(int32_t{70}).put(int32_t{71}).put(uint64_t{5000}).put(uint64_t{9}); }
  bool parse(PerfRecord& record, uint64_t& event_id) {
    const auto size = static_cast<uint16_t>(bytes_.size());
    std::memcpy(&bytes_[offsetof(perf_event_header, size)], &size, sizeof(size));
    return PerfBytes(bytes_.data()).parse(record, event_id);
  }

 private:
  std::vector<std::byte> bytes_;
};

Bytes sample_of(uint64_t chain_length, uint64_t copied_bytes, uint64_t filled_bytes) {
  Bytes bytes(PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
  bytes.put(uint64_t{9}).put(uint64_t{0xffff0000}).put(int32_t{70}).put(int32_t{71}).put(uint64_t{5000});
  bytes.put(chain_length);
  bytes.put(static_cast<uint64_t>(PERF_CONTEXT_KERNEL)).put(uint64_t{0xffff0000});
  bytes.put(static_cast<uint64_t>(PERF_CONTEXT_USER)).put(uint64_t{0x401000}).put(uint64_t{0x402000});
  bytes.put(uint64_t{PERF_SAMPLE_REGS_ABI_64});
  for (uint64_t i = 0; i < 17; ++i) bytes.put(100 + i);
  bytes.put(copied_bytes).put(uint64_t{0x1111}).put(uint64_t{0x2222}).put(filled_bytes);
  return bytes;
}

TEST_CASE("a sample has its chains, its registers by their DWARF numbers and what was copied of its stack") {
  PerfRecord record;
  uint64_t event_id = 0;
  Bytes bytes = sample_of(5, 16, 8);
  REQUIRE(bytes.parse(record, event_id));
  CHECK(event_id == 9);
  CHECK(record.kind == PerfRecord::Kind::kSample);
  CHECK((record.pid == 70 && record.tid == 71 && record.time_monotonic_ns == 5000));
  CHECK(record.sample.in_kernel);
  REQUIRE(record.sample.kernel_chain.size() == 1);
  REQUIRE(record.sample.user_chain.size() == 2);
  CHECK(record.sample.user_chain[1] == 0x402000);
  CHECK(record.sample.code == OutsideSample::Code::k64Bit);
  // In the kernel's order: ax, bx, cx, dx, si, di, bp, sp, ip, r8 to r15.
  const std::array<uint64_t, 17> expected = {100, 103, 102, 101, 104, 105, 106, 107, 109,
                                             110, 111, 112, 113, 114, 115, 116, 108};
  CHECK(record.sample.registers.value == expected);
  CHECK(record.sample.stack.size() == 8);
}

TEST_CASE("a sample whose lengths lead out of it is none") {
  PerfRecord record;
  uint64_t event_id = 0;
  for (const uint64_t chain_length : {uint64_t{6000}, uint64_t{1} << 60, UINT64_MAX}) {
    CHECK_FALSE(sample_of(chain_length, 16, 8).parse(record, event_id));
  }
  CHECK_FALSE(sample_of(5, 16, 24).parse(record, event_id));
  CHECK_FALSE(sample_of(5, 65536, 8).parse(record, event_id));
  CHECK_FALSE(sample_of(5, UINT64_MAX - 7, 8).parse(record, event_id));
}

TEST_CASE("forks, names and mappings say whose they are") {
  PerfRecord record;
  uint64_t event_id = 0;
  Bytes fork(PERF_RECORD_FORK, 0);
  fork.put(int32_t{80}).put(int32_t{70}).put(int32_t{81}).put(int32_t{71}).put(uint64_t{5000}).trailer();
  REQUIRE(fork.parse(record, event_id));
  CHECK(record.kind == PerfRecord::Kind::kFork);
  CHECK((record.pid == 80 && record.parent_pid == 70 && record.tid == 81 && record.parent_tid == 71));
  CHECK(record.time_monotonic_ns == 5000);

  Bytes name(PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
  name.put(int32_t{70}).put(int32_t{70}).text("server").trailer();
  REQUIRE(name.parse(record, event_id));
  CHECK((record.kind == PerfRecord::Kind::kName && record.is_exec && record.name == "server"));

  Bytes mapping(PERF_RECORD_MMAP2, 0);
  mapping.put(int32_t{70}).put(int32_t{70}).put(uint64_t{0x7f0000}).put(uint64_t{0x2000}).put(uint64_t{0x1000});
  mapping.put(uint64_t{0x801}).put(uint64_t{1234}).put(uint64_t{0}).put(uint32_t{5}).put(uint32_t{2});
  mapping.text("/lib/libx.so").trailer();
  REQUIRE(mapping.parse(record, event_id));
  CHECK(record.kind == PerfRecord::Kind::kMapping);
  CHECK((record.mapping.start == 0x7f0000 && record.mapping.end == 0x7f2000 && record.mapping.file_offset == 0x1000));
  CHECK((record.mapping.inode == 1234 && record.mapping.executable && !record.mapping.writable));
  CHECK(record.mapping.path == "/lib/libx.so");
}

TEST_CASE("records that were lost are counted") {
  PerfRecord record;
  uint64_t event_id = 0;
  Bytes lost(PERF_RECORD_LOST, 0);
  lost.put(uint64_t{9}).put(uint64_t{42}).trailer();
  REQUIRE(lost.parse(record, event_id));
  CHECK((record.kind == PerfRecord::Kind::kLost && record.lost == 42 && record.pid == 70));
}

}  // namespace
}  // namespace flarestack
