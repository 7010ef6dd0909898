// SPDX-License-Identifier: Apache-2.0
// LeakScan: which live blocks of a stopped process can still be reached, as Valgrind's memcheck decides it (Valgrind
// 3.19, memcheck/mc_leakcheck.c). What it knows of the process it is told, and memory it reads through a function.
// Recorder side.
//
// A word at an address that is a multiple of 8, in a root or in a block that is reached, points to a block if it is the
// address of any of its bytes (of 0 bytes: its address). A pointer to the first byte, or one that a heuristic takes for
// that, makes a block reachable; any other makes it possibly lost, and so what only it leads to. All others are lost:
// in ascending order of addresses each leads what it reaches, by any pointer, which is then lost indirectly, earlier
// leaders and what they lead included.
//
// Marking goes by chunks of the target's memory, which several threads take. A chunk is read as a whole when the first
// of its blocks is reached, and what may be pointers in it is kept: where each block's are is known from then on, and a
// thread follows them depth first. What there is no room to keep is read when it is reached, by one call for blocks
// that lie near each other. States only ever grow, so the order is of no matter. Memory: 65 bytes a block and 8 MiB, a
// 64th of the heap's extent, and 2 MiB a thread, at most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "profiler/huge_pages.h"
#include "profiler/leak_mark.h"
#include "trace/records.h"

namespace flarestack {

// Without initialisers: millions of them are made at once, and filled in by several threads.
struct ScannedBlock {
  uint64_t address;
  uint64_t size_bytes;
  uint32_t site;   // whatever the caller likes
  uint32_t birth;  // as well
};
using ScannedBlocks = HugeVector<ScannedBlock>;

// [start, end), in which pointers count as well.
struct ScanRoot {
  uint64_t start = 0;
  uint64_t end = 0;
  // Data of glibc, whose lists of free memory have the addresses of chunk headers, and a header begins in the last 8
  // bytes of the block before it (malloc/malloc.c, "Chunk format"): such pointers count for nothing.
  bool has_chunk_headers = false;
};

struct LeakScanInput {
  ScannedBlocks blocks;  // ascending by address, disjoint
  std::vector<ScanRoot> roots;
  std::vector<uint64_t> registers;
  // Copies the process's memory; returns how many bytes from the first on could be copied. Called by several threads.
  std::function<size_t(uint64_t address, void* to, size_t size_bytes)> read;
  // Whether a file is mapped there, and whether that is code: for the heuristic of multiple inheritance.
  std::function<bool(uint64_t address)> is_file;
  std::function<bool(uint64_t address)> is_code;
  unsigned threads = 1;
  std::optional<size_t> link_room;  // how many pointers to keep, if not what the number of blocks makes of it
};

struct LeakScanResult {
  static constexpr uint32_t kNobody = UINT32_MAX;
  static constexpr uint32_t kRoot = 1U << 31;
  ScannedBlocks blocks;        // the input's
  HugeVector<uint64_t> marks;  // of each, as LeakMark
  LeakVerdict verdict(size_t block) const;
  // The block that was found to hold it, or kRoot and an index in root_words. Of one that is lost indirectly: the lost
  // block that leads to it, once settle_leaders() was called. kNobody: of one that is definitely lost.
  uint32_t holder(size_t block) const;
  // A leader that was found to be led later on takes along what it led.
  void settle_leaders();
  // Where the word was; the first ones are the registers, and hold their number in LeakScanInput::registers.
  std::vector<uint64_t> root_words;
  uint64_t root_bytes = 0;        // that were read
  uint64_t unreadable_bytes = 0;  // of roots and blocks
};

LeakScanResult scan_for_leaks(LeakScanInput input);

}  // namespace flarestack
