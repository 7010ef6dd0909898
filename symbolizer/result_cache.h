// SPDX-License-Identifier: Apache-2.0
// ResultCache: resolved locations of one module on disk, by build id, so that a second report reads no symbol table and
// no DWARF. Offline side; one thread an object, any number of processes a directory.
//
// One file a module, `DIRECTORY/symbols-1/BUILD_ID`, replaced as a whole by rename: a reader sees an old one or a new
// one; of two writers at once one wins, and what the other one found is found again. A file with a wrong checksum,
// version or build id counts as absent. All integers little-endian; LEB128 ("uleb") within the payload.
//
//   +---------+---------+--------------+--------------------------------------------------------------+
//   | magic 8 | XXH3 8  | length 8     | payload: build id, witnesses, summary, LocationTable          |
//   +---------+---------+--------------+--------------------------------------------------------------+
//
// For example a payload with one location, 0x10 -> "main" at a.c:3, ends in: 02 (strings) 04 "main" 03 "a.c", 01
// (locations) 10 (offset, as distance) 01 (frames) 00 (name) 01 (file) 03 (line) 00 (inlined) 10 (function).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "symbolizer/location_table.h"
#include "symbolizer/symbolizer.h"

namespace flarestack {

// A file that a result depends on: the module, its debug file, or a place where a debug file may appear later.
struct CacheWitness {
  std::string path;
  bool exists = false;
  int64_t modified_ns = 0;
  uint64_t size_bytes = 0;
  static CacheWitness of(std::string path);  // as the file is now
  // True if a result that was found when the file was as *this is still the best there is. A file that has gone since
  // makes no difference: what it said about its build id stays true.
  bool holds() const;
};

struct CachedModule {
  std::vector<CacheWitness> witnesses;
  ModuleSymbols symbols;  // without the id
  LocationTable locations;
  std::vector<uint8_t> payload;  // what `locations` borrows, if it was loaded
};

class ResultCache {
 public:
  static constexpr uint64_t kMaxFileBytes = 64u << 20;
  static constexpr uint64_t kMaxDirectoryBytes = 512u << 20;

  // Nothing is created before the first store(). An empty directory: a cache that has nothing and keeps nothing.
  explicit ResultCache(std::string directory, uint64_t max_directory_bytes = kMaxDirectoryBytes);

  // What is known of the module; none if there is nothing, or it is out of date.
  std::optional<CachedModule> load(std::span<const uint8_t> build_id) const;
  // Replaces what is known. Failures (a read-only or full disk) leave the cache as it was: it is only a cache. Removes
  // the files not used for longest until the directory is within its bound.
  void store(std::span<const uint8_t> build_id, const CachedModule& module) const;

 private:
  std::string path(std::span<const uint8_t> build_id) const;
  void trim() const;

  std::string directory_;  // with the version; empty: none
  uint64_t max_directory_bytes_;
};

// The payload's bytes, and back; none: malformed. Public for the fuzzer.
std::string encode_cached_module(std::span<const uint8_t> build_id, const CachedModule& module);
std::optional<CachedModule> decode_cached_module(std::span<const uint8_t> build_id, std::vector<uint8_t> payload);

}  // namespace flarestack
