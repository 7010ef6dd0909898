// SPDX-License-Identifier: Apache-2.0
// The scan over a memory made up here, and over random graphs against the definitions of memcheck's manual, worked out
// the slow way.
#include "profiler/leak_scan.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <set>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

constexpr uint64_t kHeap = 0x7f0000000000;
constexpr uint64_t kRoots = 0x10000;
constexpr uint64_t kCode = 0x400000;
constexpr uint64_t kTable = 0x600000;

// A process's memory, by words; what is not in it cannot be read.
struct Memory {
  std::map<uint64_t, uint64_t> words;
  LeakScanInput input;

  void block(uint64_t address, uint64_t size_bytes) {
    input.blocks.push_back({address, size_bytes, 0, 0});
    for (uint64_t at = address / 8 * 8; at < address + size_bytes; at += 8) {
      words.try_emplace(at, 0);
    }
  }
  void root(std::vector<uint64_t> values) {
    const uint64_t start = kRoots + input.roots.size() * 0x1000;
    for (size_t i = 0; i < values.size(); ++i) {
      words[start + i * 8] = values[i];
    }
    input.roots.push_back({start, start + values.size() * 8});
  }
  size_t read(uint64_t address, void* to, size_t size_bytes) const {
    size_t done = 0;
    while (done < size_bytes) {
      const auto word = words.find((address + done) / 8 * 8);
      if (word == words.end()) {
        break;
      }
      const size_t offset = (address + done) % 8;
      const size_t part = std::min(size_bytes - done, 8 - offset);
      std::memcpy(static_cast<char*>(to) + done, reinterpret_cast<const char*>(&word->second) + offset, part);
      done += part;
    }
    return done;
  }
  LeakScanResult scan(unsigned threads = 1) {
    std::sort(input.blocks.begin(), input.blocks.end(),
              [](const ScannedBlock& a, const ScannedBlock& b) { return a.address < b.address; });
    input.read = [this](uint64_t address, void* to, size_t size) { return read(address, to, size); };
    input.is_code = [](uint64_t address) { return address >= kCode && address < kCode + 0x1000; };
    input.is_file = [](uint64_t address) {
      return (address >= kCode && address < kCode + 0x1000) || (address >= kTable && address < kTable + 0x1000);
    };
    input.threads = threads;
    LeakScanResult result = scan_for_leaks(input);
    result.settle_leaders();
    return result;
  }
  LeakVerdict verdict(uint64_t address) {
    const LeakScanResult result = scan();
    for (size_t i = 0; i < result.blocks.size(); ++i) {
      if (result.blocks[i].address == address) {
        return result.verdict(i);
      }
    }
    FAIL("no such block");
    return {};
  }
};

std::vector<LeakVerdict> verdicts_of(const LeakScanResult& result) {
  std::vector<LeakVerdict> verdicts;
  for (size_t i = 0; i < result.blocks.size(); ++i) {
    verdicts.push_back(result.verdict(i));
  }
  return verdicts;
}

std::vector<uint32_t> holders_of(const LeakScanResult& result) {
  std::vector<uint32_t> holders;
  for (size_t i = 0; i < result.blocks.size(); ++i) {
    holders.push_back(result.holder(i));
  }
  return holders;
}

constexpr auto kLost = LeakVerdict::kDefinitelyLost;
constexpr auto kIndirect = LeakVerdict::kIndirectlyLost;
constexpr auto kPossible = LeakVerdict::kPossiblyLost;
constexpr auto kReachable = LeakVerdict::kStillReachable;

}  // namespace

TEST_CASE("a scan of nothing") {
  Memory memory;
  CHECK(memory.scan().marks.empty());
  memory.root({kHeap});
  CHECK(memory.scan().marks.empty());
}

TEST_CASE("what points to a block decides on it") {
  Memory memory;
  memory.block(kHeap, 64);
  SECTION("nothing") { CHECK(memory.verdict(kHeap) == kLost); }
  SECTION("its start, in a root") {
    memory.root({5, kHeap});
    const LeakScanResult result = memory.scan();
    CHECK(result.verdict(0) == kReachable);
    REQUIRE(result.holder(0) == LeakScanResult::kRoot);
    CHECK(result.root_words.at(0) == kRoots + 8);
    CHECK(result.root_bytes == 16);
    CHECK(result.unreadable_bytes == 0);
  }
  SECTION("its middle") {
    memory.root({kHeap + 32});
    CHECK(memory.verdict(kHeap) == kPossible);
  }
  SECTION("its last byte") {
    memory.root({kHeap + 63});
    CHECK(memory.verdict(kHeap) == kPossible);
  }
  SECTION("one past its end, and one before it") {
    memory.root({kHeap + 64, kHeap - 1});
    CHECK(memory.verdict(kHeap) == kLost);
  }
  SECTION("a register") {
    memory.input.registers = {1, kHeap};
    const LeakScanResult result = memory.scan();
    CHECK(result.verdict(0) == kReachable);
    REQUIRE(result.holder(0) == (LeakScanResult::kRoot | 1));
    CHECK(result.root_words.at(1) == 1);
  }
  SECTION("a word that is not aligned") {
    memory.root({kHeap << 32, kHeap >> 32});
    CHECK(memory.verdict(kHeap) == kLost);
  }
  SECTION("itself") {
    memory.words[kHeap + 8] = kHeap;
    CHECK(memory.verdict(kHeap) == kLost);
  }
  SECTION("its middle first and its start later") {
    memory.root({kHeap + 1, kHeap});
    CHECK(memory.verdict(kHeap) == kReachable);
  }
}

TEST_CASE("a block of 0 bytes has an address") {
  Memory memory;
  memory.block(kHeap, 0);
  memory.block(kHeap + 32, 0);
  memory.root({kHeap});
  CHECK(memory.verdict(kHeap) == kReachable);
  CHECK(memory.verdict(kHeap + 32) == kLost);
}

TEST_CASE("blocks pass on how they are reached") {
  Memory memory;
  memory.block(kHeap, 64);
  memory.block(kHeap + 0x100, 64);
  memory.block(kHeap + 0x200, 64);
  memory.words[kHeap] = kHeap + 0x100;
  memory.words[kHeap + 0x100 + 56] = kHeap + 0x200;
  SECTION("reachable") {
    memory.root({kHeap});
    const LeakScanResult result = memory.scan();
    CHECK(verdicts_of(result) == std::vector{kReachable, kReachable, kReachable});
    CHECK(result.holder(2) == 1);
  }
  SECTION("possibly") {
    memory.root({kHeap + 8});
    CHECK(verdicts_of(memory.scan()) == std::vector{kPossible, kPossible, kPossible});
  }
  SECTION("possibly, and from its middle on for sure") {
    memory.root({kHeap + 8, kHeap + 0x100});
    CHECK(verdicts_of(memory.scan()) == std::vector{kPossible, kReachable, kReachable});
  }
  SECTION("not at all") {
    const LeakScanResult result = memory.scan();
    CHECK(verdicts_of(result) == std::vector{kLost, kIndirect, kIndirect});
    CHECK(holders_of(result) == std::vector<uint32_t>{LeakScanResult::kNobody, 0, 0});
  }
  SECTION("a leader that is met later takes all") {
    memory.words[kHeap] = 0;
    memory.words[kHeap + 0x200] = kHeap + 0x100;  // 1 -> 2 -> 1, 1 leads
    memory.block(kHeap + 0x300, 16);
    memory.words[kHeap + 0x300] = kHeap + 0x110;
    memory.root({kHeap});
    const LeakScanResult result = memory.scan();
    CHECK(verdicts_of(result) == std::vector{kReachable, kIndirect, kIndirect, kLost});
    CHECK(result.holder(1) == 3);
    CHECK(result.holder(2) == 3);
  }
}

TEST_CASE("memory that cannot be read is counted, and the rest is read") {
  Memory memory;
  memory.block(kHeap, 4096 * 3);
  memory.block(kHeap + 0x10000, 16);
  memory.words.erase(kHeap + 4096);
  memory.words[kHeap + 8] = kHeap + 0x10000;
  memory.root({kHeap});
  memory.input.roots.push_back({0x9000, 0xa000});
  const LeakScanResult result = memory.scan();
  CHECK(verdicts_of(result) == std::vector{kReachable, kReachable});
  CHECK(result.unreadable_bytes == 4096 * 2 + 4096);
}

TEST_CASE("heuristics") {
  Memory memory;
  memory.block(kHeap, 64);
  SECTION("a string of before C++11") {
    memory.words[kHeap] = 10;
    memory.words[kHeap + 8] = 64 - 24 - 1;
    memory.root({kHeap + 24});
    CHECK(memory.verdict(kHeap) == kReachable);
    memory.words[kHeap] = 40;
    CHECK(memory.verdict(kHeap) == kPossible);
  }
  SECTION("a length") {
    memory.words[kHeap] = 56;
    memory.root({kHeap + 8});
    CHECK(memory.verdict(kHeap) == kReachable);
  }
  SECTION("an array's number of elements") {
    memory.root({kHeap + 8});
    for (const auto& [count, expected] :
         {std::pair{uint64_t{7}, kReachable}, {14, kReachable}, {9, kPossible}, {0, kPossible}}) {
      memory.words[kHeap] = count;
      CHECK(memory.verdict(kHeap) == expected);
    }
  }
  SECTION("a second base class") {
    memory.words[kHeap] = kTable;
    memory.words[kHeap + 16] = kTable + 0x100;
    for (const uint64_t table : {kTable, kTable + 0x100}) {
      for (uint64_t i = 0; i < 20; ++i) {
        memory.words[table + i * 8] = i < 2 ? kCode + i * 16 : 0;
      }
    }
    memory.root({kHeap + 16});
    CHECK(memory.verdict(kHeap) == kReachable);
    memory.words[kTable + 8] = 77;
    CHECK(memory.verdict(kHeap) == kPossible);
  }
  SECTION("none of a block that is only possibly there") {
    memory.words[kHeap] = 56;
    memory.block(kHeap + 0x100, 16);
    memory.words[kHeap + 0x100] = kHeap + 8;
    memory.root({kHeap + 0x101});
    CHECK(memory.verdict(kHeap) == kPossible);
  }
}

TEST_CASE("random graphs are judged as the definitions have it") {
  std::mt19937 random(17);
  const auto draw = [&](uint32_t below) { return std::uniform_int_distribution<uint32_t>(0, below - 1)(random); };
  for (int round = 0; round < 300; ++round) {
    Memory memory;
    const uint32_t count = 1 + draw(round % 10 == 0 ? 3000 : 60);
    const uint32_t spread = draw(3) == 0 ? 3 << 20 : 256;  // one extent, or many
    uint64_t at = kHeap;
    for (uint32_t i = 0; i < count; ++i) {
      at += 16 + draw(spread) / 16 * 16;
      const uint64_t size = draw(10) == 0 ? 0 : 1 + draw(draw(20) == 0 ? 5000 : 100);
      memory.block(at, size);
      at = (at + size + 15) / 16 * 16;
    }
    const ScannedBlocks blocks = memory.input.blocks;
    const auto pointer = [&] {
      const ScannedBlock& block = blocks[draw(count)];
      const uint64_t inside = draw(3) == 0 && block.size_bytes > 80 ? 40 + draw(40) : 0;  // no heuristic's offset
      return block.address + (draw(8) == 0 ? block.size_bytes : inside);                  // or behind it
    };
    if (spread == 256 && draw(3) != 0) {  // what is between the blocks can be read, and does not count
      for (uint64_t word = kHeap; word < at; word += 8) {
        memory.words.try_emplace(word, pointer());
      }
    }
    for (const ScannedBlock& block : blocks) {
      for (uint64_t word = block.address; word + 8 <= block.address + block.size_bytes; word += 8) {
        memory.words[word] = draw(12) == 0 ? pointer() : 0;
      }
    }
    memory.root({pointer(), 1, pointer()});

    // The slow way.
    const auto block_of = [&](uint64_t address) -> uint32_t {
      for (uint32_t i = 0; i < count; ++i) {
        if (address >= blocks[i].address && address < blocks[i].address + std::max<uint64_t>(blocks[i].size_bytes, 1)) {
          return i;
        }
      }
      return UINT32_MAX;
    };
    std::vector<std::set<std::pair<uint32_t, bool>>> edges(count + 1);  // to, start; the last one's are the roots'
    const auto add_edges = [&](uint32_t from, uint64_t start, uint64_t end) {
      for (uint64_t word = start; word + 8 <= end; word += 8) {
        if (const uint32_t to = block_of(memory.words[word]); to != UINT32_MAX) {
          edges[from].insert({to, blocks[to].address == memory.words[word]});
        }
      }
    };
    for (uint32_t i = 0; i < count; ++i) {
      add_edges(i, blocks[i].address, blocks[i].address + blocks[i].size_bytes);
    }
    add_edges(count, memory.input.roots[0].start, memory.input.roots[0].end);
    std::vector<LeakVerdict> expected(count, kLost);
    std::vector<bool> known(count + 1, false);
    const auto spread_from = [&](std::vector<uint32_t> stack, bool starts_only, LeakVerdict verdict) {
      while (!stack.empty()) {
        const uint32_t from = stack.back();
        stack.pop_back();
        for (const auto& [to, is_start] : edges[from]) {
          if (!known[to] && (is_start || !starts_only)) {
            known[to] = true;
            expected[to] = verdict;
            stack.push_back(to);
          }
        }
      }
    };
    spread_from({count}, true, kReachable);
    std::vector<uint32_t> reached = {count};
    for (uint32_t i = 0; i < count; ++i) {
      if (known[i]) reached.push_back(i);
    }
    spread_from(reached, false, kPossible);
    const std::vector<bool> alive = known;
    for (uint32_t i = 0; i < count; ++i) {
      if (!known[i]) {
        spread_from({i}, false, kIndirect);  // may come back to i itself
        expected[i] = kLost;
        known[i] = false;  // a later leader may take it
      }
    }

    if (draw(3) == 0) {  // none, or some
      memory.input.link_room = draw(2) * draw(2 * count);
    }
    const LeakScanResult result = memory.scan(1 + round % 3);
    REQUIRE(verdicts_of(result) == expected);
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t holder = result.holder(i);
      if (expected[i] == kLost) {
        REQUIRE(holder == LeakScanResult::kNobody);
      } else if (expected[i] == kIndirect) {
        REQUIRE(expected.at(holder) == kLost);
      } else {
        const uint32_t from = (holder & LeakScanResult::kRoot) != 0 ? count : holder;
        REQUIRE((from == count || alive[from]));
        REQUIRE(std::any_of(edges[from].begin(), edges[from].end(), [&](const auto& edge) { return edge.first == i; }));
      }
    }
  }
}

}  // namespace flarestack
