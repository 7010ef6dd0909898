// SPDX-License-Identifier: Apache-2.0
#include "importer/import.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"
#include "tools/command.h"

namespace flarestack {

CommandBody declare_import(CLI::App& app) {
  struct Options {
    std::string input;
    std::string output;
    std::string format;
    std::string event;
    std::string period;
  };
  auto options = std::make_shared<Options>();
  app.add_option("FILE", options->input,
                 "the text of `perf script`, collapsed stacks, or a profile of pprof; \"-\" is stdin")
      ->required();
  app.add_option("-o,--output", options->output, "the trace to make (default: FILE's name with .flare behind it)");
  app.add_option("--format", options->format, "what FILE is (default: seen from its contents)")
      ->check(CLI::IsMember({"perf-script", "collapsed", "pprof"}));
  app.add_option("--event", options->event,
                 "the event, or pprof's sample type, to import (default: time where there is one)");
  app.add_option("--period", options->period,
                 "what a sample is worth where FILE counts no time, such as 10ms for stacks sampled at 100 Hz");
  return [options]() -> Result<int> {
    ImportOptions import;
    import.format = import_format_of_name(options->format);
    import.event = options->event;
    if (!options->period.empty()) {
      const Result<uint64_t> period = parse_duration(options->period);
      if (!period.ok()) {
        return Error{"--period: " + period.error().message};
      }
      import.ns_per_count = *period;
    }
    const bool is_stdin = options->input == "-";
    std::string output = options->output;
    if (output.empty()) {
      output = is_stdin ? "imported.flare" : std::filesystem::path(options->input).filename().string() + ".flare";
    }
    Result<InputReader> input = InputReader::open(options->input);
    if (!input.ok()) {
      return input.error();
    }
    const Result<ImportOutcome> outcome =
        import_file(is_stdin ? "standard input" : options->input, *input, output, import);
    if (!outcome.ok()) {
      return outcome.error();
    }
    const Result<void> told = write_output(
        "", fmt::format("{} samples of {} are now in {}; next: flarestack report {}\n", format_count(outcome->samples),
                        import_format_name(outcome->format), output, output));
    return told.ok() ? Result<int>(kExitGood) : Result<int>(told.error());
  };
}

}  // namespace flarestack
