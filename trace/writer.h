// SPDX-License-Identifier: Apache-2.0
// TraceWriter: appends records to a trace file as checksummed, compressed chunks. Created by the recorder; one thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "trace/records.h"

namespace flarestack {

class TraceWriter {
 public:
  // Creates `path` (mode 0600, truncated if it exists) and writes the file header. Error: it cannot be created.
  static Result<TraceWriter> create(const std::string& path);
  TraceWriter(TraceWriter&&) noexcept;
  TraceWriter& operator=(TraceWriter&&) noexcept;
  ~TraceWriter();  // does not flush: what was not flushed is not in the file

  // Buffers a record. Chunks are cut at flush(), or when the buffer has grown past 1 MiB.
  void add(const TraceRecord& record);

  // Writes what is buffered as one chunk, so that a reader sees all records added before. Error (disk full, I/O): the
  // file is cut back to the last whole chunk where possible, the buffered records are dropped, and `failed()` stays
  // true; later add() and flush() are no-ops. The recording itself goes on.
  Result<void> flush();
  bool failed() const;
  uint64_t bytes_written() const;

 private:
  struct State;
  explicit TraceWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace flarestack
