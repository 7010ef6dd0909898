// SPDX-License-Identifier: Apache-2.0
// Texts imported as `flarestack import` does it, and what the trace then says, for the tests of importer/.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "importer/import.h"
#include "trace/reader.h"

namespace flarestack {

// The records of a trace by id, with its stacks as text.
struct ImportedTrace {
  SessionRecord session;
  std::vector<StringRecord> strings;
  std::vector<ModuleRecord> modules;
  std::vector<FrameRecord> frames;
  std::vector<StackRecord> stacks;
  std::vector<ProcessRecord> processes;
  std::vector<ThreadRecord> threads;
  std::vector<SampleRecord> samples;
  std::vector<AllocationRecord> allocations;
  std::vector<HeapSliceRecord> heap_slices;
  std::vector<std::string> notes;
  int64_t duration_ns = -1;

  std::string string(StringId id) const { return id ? strings.at(id.value - 1).text : ""; }
  // "module!name@file:line", what is not known left out, "outer >> inlined" where it is inlined; "name_[k]" in the
  // kernel.
  std::string frame(FrameId id) const {
    const FrameRecord& record = frames.at(id.value - 1);
    std::string text = record.inlined_into ? frame(record.inlined_into) + " >> " : "";
    if (record.module) text += modules.at(record.module.value - 1).path + "!";
    text += string(record.name);
    if (record.file) text += fmt::format("@{}:{}", string(record.file), record.line);
    if (record.kind == FrameKind::kKernel) text += "_[k]";
    if (record.kind == FrameKind::kJit) text += "_[j]";
    return text;
  }
  std::string stack(StackId id) const {
    if (!id) return "";
    const StackRecord& record = stacks.at(id.value - 1);
    return record.parent ? stack(record.parent) + ";" + frame(record.frame) : frame(record.frame);
  }
  // "stack count weight", sorted.
  std::vector<std::string> lines() const {
    std::vector<std::string> result;
    for (const SampleRecord& each : samples)
      result.push_back(fmt::format("{} {} {}", stack(each.stack), each.count, each.weight_ns));
    std::sort(result.begin(), result.end());
    return result;
  }
};

inline ImportedTrace read_imported(const std::string& path) {
  ImportedTrace trace;
  Result<TraceReader> reader = TraceReader::open(path);
  REQUIRE(reader.ok());
  while (const std::optional<TraceRecord> record = reader->next()) {
    if (const auto* each = std::get_if<SessionRecord>(&*record)) trace.session = *each;
    if (const auto* each = std::get_if<StringRecord>(&*record)) trace.strings.push_back(*each);
    if (const auto* each = std::get_if<ModuleRecord>(&*record)) trace.modules.push_back(*each);
    if (const auto* each = std::get_if<FrameRecord>(&*record)) trace.frames.push_back(*each);
    if (const auto* each = std::get_if<StackRecord>(&*record)) trace.stacks.push_back(*each);
    if (const auto* each = std::get_if<ProcessRecord>(&*record)) trace.processes.push_back(*each);
    if (const auto* each = std::get_if<ThreadRecord>(&*record)) trace.threads.push_back(*each);
    if (const auto* each = std::get_if<SampleRecord>(&*record)) trace.samples.push_back(*each);
    if (const auto* each = std::get_if<AllocationRecord>(&*record)) trace.allocations.push_back(*each);
    if (const auto* each = std::get_if<HeapSliceRecord>(&*record)) trace.heap_slices.push_back(*each);
    if (const auto* each = std::get_if<NoteRecord>(&*record)) trace.notes.push_back(each->text);
    if (const auto* each = std::get_if<EndRecord>(&*record)) trace.duration_ns = each->duration_ns;
  }
  CHECK_FALSE(reader->damage().any());
  return trace;
}

class ImportFolder {
 public:
  ImportFolder() {
    path_ = (std::filesystem::temp_directory_path() / "flarestack-import-XXXXXX").string();
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
  }
  ImportFolder(const ImportFolder&) = delete;
  ImportFolder& operator=(const ImportFolder&) = delete;
  ~ImportFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::string path_;
};

inline ImportedTrace imported(std::string_view bytes, const ImportOptions& options = {}) {
  const ImportFolder folder;
  InputReader input = InputReader::of_bytes(bytes);
  const Result<ImportOutcome> outcome = import_file("FILE", input, folder.file("t.flare"), options);
  INFO((outcome.ok() ? "" : outcome.error().message));
  REQUIRE(outcome.ok());
  return read_imported(folder.file("t.flare"));
}

// The one sentence that a bad input gets; nothing is left of its trace.
inline std::string import_error(std::string_view bytes, const ImportOptions& options = {}) {
  const ImportFolder folder;
  InputReader input = InputReader::of_bytes(bytes);
  const Result<ImportOutcome> outcome = import_file("FILE", input, folder.file("t.flare"), options);
  REQUIRE_FALSE(outcome.ok());
  CHECK(folder.empty());
  CHECK(outcome.error().message.find('\n') == std::string::npos);
  return outcome.error().message;
}

inline ImportOptions as_format(ImportFormat format) {
  ImportOptions options;
  options.format = format;
  return options;
}

}  // namespace flarestack
