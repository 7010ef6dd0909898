// SPDX-License-Identifier: Apache-2.0
// Makes a trace of what another tool recorded: the text of `perf script`, collapsed stacks, pprof's profiles. Each
// format has a reader of its own; what they share is below. Offline side.
//
// A trace says what the input says and no more: what is unknown (samples lost, exits, which process a thread is of)
// stays unknown, and what had to be assumed is a note of the trace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "importer/input_reader.h"
#include "importer/trace_builder.h"

namespace flarestack {

enum class ImportFormat : uint8_t { kPerfScript, kCollapsed, kPprof };
const char* import_format_name(ImportFormat format);  // "perf-script", "collapsed", "pprof", as --format takes them
std::optional<ImportFormat> import_format_of_name(std::string_view name);

struct ImportOptions {
  std::optional<ImportFormat> format;    // none: guessed from the input
  std::string event;                     // of perf script: the one to import; of pprof: the sample type. Empty: chosen
  std::optional<uint64_t> ns_per_count;  // what a count is worth where the input does not say
};

struct ImportOutcome {
  ImportFormat format = ImportFormat::kPerfScript;
  uint64_t samples = 0;  // lines, or records, that a stack and its weights were taken from
};

// Reads `input`, called `name` in errors, into a trace at `output`, which is there only when all went well. Error: one
// sentence with the line where the input is none of these formats.
Result<ImportOutcome> import_file(const std::string& name, InputReader& input, const std::string& output,
                                  const ImportOptions& options);

// What the first bytes of an input are. Error: why they are nothing that can be imported.
Result<ImportFormat> guess_import_format(std::string_view first_bytes);

// One for each format. Error: without the input's name, "line 12: ..." where it has lines.
Result<uint64_t> import_perf_script(InputReader& input, TraceBuilder& builder, const ImportOptions& options);
Result<uint64_t> import_collapsed(InputReader& input, TraceBuilder& builder, const ImportOptions& options);
Result<uint64_t> import_pprof(InputReader& input, TraceBuilder& builder, const ImportOptions& options);

// What they all begin with.
SessionRecord imported_session(std::string_view from);
// What is too much for one trace.
Error too_much_to_import();

}  // namespace flarestack
