// SPDX-License-Identifier: Apache-2.0
// What the tests of trace/ share: a temporary folder, sample records of every kind, and reading a file to its end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "trace/dump.h"
#include "trace/reader.h"
#include "trace/records.h"

namespace flarestack {

// A folder under $TMPDIR, removed with what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct WholeTrace {
  std::vector<TraceRecord> records;
  TraceDamage damage;
};

// At least one record of every kind but those of memory, as a small recording would hold them, the end last.
std::vector<TraceRecord> small_recording();
// The same with records of memory.
std::vector<TraceRecord> heap_recording();
// That with leak checks, too.
std::vector<TraceRecord> leak_recording();
// Every field of every kind at its largest and smallest; those of the heap and of leaks apart, since kept files hold
// the others.
std::vector<TraceRecord> extreme_records();
// Frames that another tool symbolized, and a session that was imported.
std::vector<TraceRecord> imported_records();
std::vector<TraceRecord> extreme_heap_records();
std::vector<TraceRecord> extreme_leak_records();
// Processes that are sampled from outside.
std::vector<TraceRecord> outside_records();
// What the program told of itself, and what it was doing when its time ran out; at their largest and smallest.
std::vector<TraceRecord> region_records();
// Writes a trace; a chunk is cut before each of the record numbers in `cuts`. Fails the test on an error.
void write_trace(const std::string& path, const std::vector<TraceRecord>& records,
                 const std::vector<size_t>& cuts = {});
void write_bytes(const std::string& path, const std::string& bytes);
std::string read_bytes(const std::string& path);
// Fails the test if the file cannot be opened.
WholeTrace read_trace(const std::string& path);
// The sequence that the records of a payload are given out in (docs/trace-format.md).
std::vector<TraceRecord> in_payload_order(std::vector<TraceRecord> records);

}  // namespace flarestack

// So that a failed comparison shows the records.
template <>
struct Catch::StringMaker<flarestack::TraceRecord> {
  static std::string convert(const flarestack::TraceRecord& record) { return flarestack::describe(record); }
};
