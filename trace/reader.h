// SPDX-License-Identifier: Apache-2.0
// TraceReader: reads a trace file chunk by chunk, whatever has happened to it. Offline side; one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "trace/records.h"

namespace flarestack {

// What of a file could not be read. All zero and `ended` for a good trace.
struct TraceDamage {
  bool ended = false;            // the EndRecord was seen; otherwise the recorder was stopped before it finished
  uint64_t damaged_chunks = 0;   // checksum or contents wrong; skipped
  uint64_t skipped_bytes = 0;    // between readable chunks, and behind the last one
  uint64_t unknown_records = 0;  // of a newer version; skipped
  bool any() const { return !ended || damaged_chunks != 0 || skipped_bytes != 0; }
};

class TraceReader {
 public:
  // Error: the file cannot be opened, is empty, is no trace, or is of a newer major version.
  static Result<TraceReader> open(const std::string& path);
  TraceReader(TraceReader&&) noexcept;
  TraceReader& operator=(TraceReader&&) noexcept;
  ~TraceReader();

  // The trace is still being written: next() waits for nothing, but what it finds no whole chunk of at the end may yet
  // become one. After none it may be called again; what is no chunk is damage only when another one follows it.
  void follow();

  // The next record in file order, none at the end. A damaged chunk is skipped, and counted in damage(): the reader
  // looks for the next chunk by its magic. Never fails.
  std::optional<TraceRecord> next();
  // Complete once next() has returned none.
  const TraceDamage& damage() const;
  // What a chunk that is appended behind all others has for its sequence; complete once next() has returned none.
  uint32_t next_sequence() const;
  // Of the chunk that the last record came from; for `info --records`.
  uint64_t chunk_offset() const;

 private:
  struct State;
  explicit TraceReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace flarestack
