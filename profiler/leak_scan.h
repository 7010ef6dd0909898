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
// Marking goes by chunks of the target's memory, which several threads take; blocks of a chunk that lie near each other
// are read by one call. States only ever grow, so the order is of no matter. Memory: 32 bytes a block, a 64th of the
// heap's extent at most, and 2 MiB a thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "trace/records.h"

namespace flarestack {

struct ScannedBlock {
  uint64_t address = 0;
  uint64_t size_bytes = 0;
  uint32_t site = 0;   // whatever the caller likes
  uint32_t birth = 0;  // as well
};

// [start, end), in which pointers count as well.
struct ScanRoot {
  uint64_t start = 0;
  uint64_t end = 0;
  // Data of glibc, whose lists of free memory have the addresses of chunk headers, and a header begins in the last 8
  // bytes of the block before it (malloc/malloc.c, "Chunk format"): such pointers count for nothing.
  bool has_chunk_headers = false;
};

struct LeakScanInput {
  std::vector<ScannedBlock> blocks;  // ascending by address, disjoint
  std::vector<ScanRoot> roots;
  std::vector<uint64_t> registers;
  // Copies the process's memory; returns how many bytes from the first on could be copied. Called by several threads.
  std::function<size_t(uint64_t address, void* to, size_t size_bytes)> read;
  // Whether a file is mapped there, and whether that is code: for the heuristic of multiple inheritance.
  std::function<bool(uint64_t address)> is_file;
  std::function<bool(uint64_t address)> is_code;
  unsigned threads = 1;
};

struct LeakScanResult {
  static constexpr uint32_t kNobody = UINT32_MAX;
  static constexpr uint32_t kRoot = 1U << 31;
  std::vector<ScannedBlock> blocks;   // the input's
  std::vector<LeakVerdict> verdicts;  // of each
  // Of each: the block that was found to hold it, or kRoot and an index in root_words. Of one that is lost indirectly:
  // the lost block that leads to it. kNobody: of one that is definitely lost.
  std::vector<uint32_t> holders;
  // Where the word was; the first ones are the registers, and hold their number in LeakScanInput::registers.
  std::vector<uint64_t> root_words;
  uint64_t root_bytes = 0;        // that were read
  uint64_t unreadable_bytes = 0;  // of roots and blocks
};

LeakScanResult scan_for_leaks(LeakScanInput input);

}  // namespace flarestack
