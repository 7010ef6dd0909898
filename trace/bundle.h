// SPDX-License-Identifier: Apache-2.0
// The files packed into a trace (docs/trace-format.md, "Bundled files"). TraceBundle reads them, BundleWriter appends
// them. Offline side.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "trace/records.h"

namespace flarestack {

// Safe to use from several threads.
class TraceBundle {
 public:
  // Of the trace `trace_path` with these records of it.
  TraceBundle(std::string trace_path, std::vector<BundledFileRecord> files);
  TraceBundle(const TraceBundle&) = delete;
  TraceBundle& operator=(const TraceBundle&) = delete;
  ~TraceBundle();

  const std::vector<BundledFileRecord>& files() const;
  // The contents in a file of their own, which has no name; unpacked once. Error: a part is missing or damaged, or the
  // whole is not what was packed.
  Result<Fd> open(const BundledFileRecord& file) const;
  // The first one of that kind and id; -1: there is none, or it is damaged.
  Fd open(BundledKind kind, std::span<const uint8_t> id) const;
  // The same of a source file, by its path as debug information has it.
  Fd open_source(const std::string& path) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class BundleWriter {
 public:
  // To append to the trace at `trace_path`. Error: it is no trace, cannot be written, or has no end yet, so that its
  // recorder may still be writing, unless `may_lack_end`.
  static Result<BundleWriter> append_to(const std::string& trace_path, bool may_lack_end);
  BundleWriter(BundleWriter&&) noexcept;
  BundleWriter& operator=(BundleWriter&&) noexcept;
  ~BundleWriter();

  // Packs what is in `file`, from its start. Contents that are in the trace already are not packed twice. False: that
  // kind, path and id is there already, with the same contents. Error: `file` cannot be read, or the trace not be
  // written; it is then as long as before this file.
  Result<bool> add(BundledKind kind, const std::string& path, std::span<const uint8_t> id, int file);
  uint64_t bytes_written() const;

 private:
  struct State;
  explicit BundleWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace flarestack
