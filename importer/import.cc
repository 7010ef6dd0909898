// SPDX-License-Identifier: Apache-2.0
#include "importer/import.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/pprof_fields.h"
#include "importer/collapsed_line.h"
#include "importer/perf_script_line.h"
#include "trace/writer.h"

namespace flarestack {
namespace {

struct FormatReader {
  ImportFormat format;
  const char* name;
  Result<uint64_t> (*read)(InputReader&, TraceBuilder&, const ImportOptions&);
};
constexpr std::array<FormatReader, 3> kReaders = {{{ImportFormat::kPerfScript, "perf-script", import_perf_script},
                                                   {ImportFormat::kCollapsed, "collapsed", import_collapsed},
                                                   {ImportFormat::kPprof, "pprof", import_pprof}}};

const FormatReader& reader_of(ImportFormat format) { return kReaders.at(static_cast<size_t>(format)); }

bool is_binary(std::string_view bytes) {
  return std::any_of(bytes.begin(), bytes.end(), [](char each) {
    const auto byte = static_cast<unsigned char>(each);
    return byte < ' ' && each != '\n' && each != '\t' && each != '\r';
  });
}

// With the tag of one of a Profile's fields, whichever a writer puts first.
bool begins_profile(char first) {
  constexpr uint32_t kVarint = 0;
  constexpr uint32_t kLengthDelimited = 2;
  const uint32_t tag = static_cast<unsigned char>(first);
  const uint32_t field = tag >> 3;
  if (field == pprof::kComment) return (tag & 7) == kVarint || (tag & 7) == kLengthDelimited;
  const bool is_message_or_text = field <= pprof::kStringTable || field == pprof::kPeriodType;
  return field >= pprof::kSampleType && field <= pprof::kDefaultSampleType &&
         (tag & 7) == (is_message_or_text ? kLengthDelimited : kVarint);
}

}  // namespace

const char* import_format_name(ImportFormat format) { return reader_of(format).name; }

std::optional<ImportFormat> import_format_of_name(std::string_view name) {
  for (const FormatReader& each : kReaders) {
    if (name == each.name) return each.format;
  }
  return std::nullopt;
}

SessionRecord imported_session(std::string_view from) {
  SessionRecord session;
  session.version = FLARESTACK_VERSION;
  session.imported_from = from;
  return session;
}

Error too_much_to_import() {
  return Error{
      fmt::format("up to here there are more than {} different stacks, frames or names, or more than {} GiB of "
                  "names; import a part of it",
                  TraceBuilder::kMaxIds, TraceBuilder::kMaxTextBytes >> 30)};
}

Result<ImportFormat> guess_import_format(std::string_view bytes) {
  constexpr const char* kChoices =
      "`flarestack import` reads the text of perf script, collapsed stacks and pprof's profiles";
  if (bytes.empty()) return Error{"it is empty"};
  if (bytes.starts_with("\x89"
                        "FLARE"))
    return Error{"it is a trace of flarestack already"};
  if (bytes.starts_with("PERFILE2"))
    return Error{"it is perf's own file: `perf script -F +pid -i FILE | flarestack import -` reads it"};
  if (is_binary(bytes.substr(0, 4096))) {
    if (begins_profile(bytes.front())) return ImportFormat::kPprof;
    return Error{fmt::format("it is in no format that is known; {}", kChoices)};
  }
  uint64_t number = 0;
  for (size_t begin = 0; begin < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', begin), bytes.size());
    std::string_view line = bytes.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (parse_perf_sample_line(line, false)) return ImportFormat::kPerfScript;
    if (line.front() == '#') continue;
    if (parse_collapsed_line(line)) return ImportFormat::kCollapsed;
    return Error{fmt::format("line {} is neither a sample of perf script nor a collapsed stack; {}", number, kChoices)};
  }
  return Error{fmt::format("there is nothing in it; {}", kChoices)};
}

Result<ImportOutcome> import_file(const std::string& name, InputReader& input, const std::string& output,
                                  const ImportOptions& options) {
  ImportOutcome outcome;
  if (options.format) {
    outcome.format = *options.format;
  } else {
    const Result<ImportFormat> guessed = guess_import_format(input.peek());
    if (const Result<void> error = input.error(); !error.ok())
      return Error{fmt::format("{}: {}", name, error.error().message)};
    if (!guessed.ok()) return Error{fmt::format("{}: {}", name, guessed.error().message)};
    outcome.format = *guessed;
  }
  Result<FileBeside> file = FileBeside::create(output, 0600);
  if (!file.ok()) return file.error();
  Result<TraceWriter> writer = TraceWriter::create(file->path());
  if (!writer.ok()) return writer.error();
  TraceBuilder builder(*writer);
  const Result<uint64_t> samples = reader_of(outcome.format).read(input, builder, options);
  if (writer->failed()) {
    // The writer's own words are about a recording that goes on.
    const std::string why = samples.ok() ? "" : samples.error().message.substr(0, samples.error().message.find(';'));
    return Error{fmt::format("{} could not be written: {}", output, why)};
  }
  if (!samples.ok()) return Error{fmt::format("{}: {}", name, samples.error().message)};
  if (const Result<void> kept = file->keep(); !kept.ok()) return kept.error();
  outcome.samples = *samples;
  return outcome;
}

}  // namespace flarestack
