// SPDX-License-Identifier: Apache-2.0
#include "model/leaks.h"

#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "model/heap_growth.h"
#include "profiler/leak_request.h"
#include "report/leaks_json.h"
#include "report/leaks_suppressions.h"
#include "report/leaks_text.h"
#include "tools/command.h"
#include "tools/leak_judgement.h"
#include "tools/reading_options.h"

namespace flarestack {
namespace {

struct Options {
  ReadingOptions reading;
  int32_t now_pid = 0;
  std::vector<std::string> suppression_files;
  bool no_builtin = false;
  bool generate = false;
  std::vector<std::string> shown = {"definite", "indirect", "possible"};
  std::string fail_above;
  std::string memory;
  std::string format = "text";
  std::string output;
  size_t top = 0;
};

constexpr std::array<const char*, 4> kKinds = {"definite", "indirect", "possible", "reachable"};  // LeakVerdict

uint8_t shown_verdicts(const std::vector<std::string>& kinds) {
  uint8_t shown = 0;
  for (const std::string& kind : kinds) {
    if (kind == "all") shown = 0x0F;
    for (size_t i = 0; i < kKinds.size(); ++i) {
      if (kind == kKinds[i]) shown |= static_cast<uint8_t>(1U << i);
    }
  }
  return shown;
}

Result<uint64_t> size_option(const char* name, const std::string& text) {
  if (text.empty()) return uint64_t{0};
  const Result<uint64_t> value = parse_size(text);
  return value.ok() ? value : Result<uint64_t>(Error{std::string(name) + ": " + value.error().message});
}

// For CLI11: an empty text, or what is wrong with the value.
std::string check_size(const std::string& text) {
  const Result<uint64_t> value = parse_size(text);
  return value.ok() ? std::string() : value.error().message;
}

Result<int> run_leaks(const Options& options) {
  Suppressions suppressions;
  if (const auto status = read_suppressions(options.suppression_files, !options.no_builtin, suppressions))
    return *status;
  const Result<uint64_t> fail_above = size_option("--fail-above", options.fail_above);
  const Result<uint64_t> memory_bytes = size_option("--memory", options.memory);
  if (!fail_above.ok() || !memory_bytes.ok()) return fail_above.ok() ? memory_bytes.error() : fail_above.error();

  ReadingOptions reading = options.reading;
  if (reading.trace.empty() == (options.now_pid == 0)) {
    return Error{"give either a trace, or a running process that is being recorded with --now PID"};
  }
  if (options.now_pid != 0) {
    const Result<LeakCheckDone> done = ask_for_leak_check(options.now_pid);
    if (!done.ok()) return done.error();
    reading.trace = done->trace_path;
    reading.profile.process = std::to_string(options.now_pid);
    reading.still_recording = true;
  }
  reading.metric = metric_name(Metric::kLive);
  const Result<Profile> profile = load_chosen(reading);
  if (!profile.ok()) return profile.error();
  LeakOptions leak_options;
  leak_options.suppressions = &suppressions;
  leak_options.mangled_names = options.generate;
  const Leaks leaks = find_leaks(*profile, leak_options);
  const HeapGrowth growth =
      find_growth(*profile, *memory_bytes != 0 ? *memory_bytes : memory_of_machine(profile->recording.session.host));
  LeakReportOptions report;
  report.shown = shown_verdicts(options.shown);
  report.top = options.top;
  report.layout = layout_for(options.output);
  const std::string text = options.generate           ? leak_suppressions(*profile, leaks, report)
                           : options.format == "json" ? leaks_json(*profile, leaks, growth, suppressions, report)
                                                      : leaks_text(*profile, leaks, growth, suppressions, report);
  if (const Result<void> written = write_output(options.output, text); !written.ok()) return written.error();
  if (options.fail_above.empty() || leaks.totals.lost_bytes() <= *fail_above) return kExitGood;
  print_error(fmt::format("{} are lost, definitely or indirectly, above the {} of --fail-above",
                          format_bytes(leaks.totals.lost_bytes()), format_bytes(*fail_above)));
  return kExitFailed;
}

}  // namespace

CommandBody declare_leaks(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_filters(app, options->reading);
  app.get_option("TRACE")->required(false);
  app.add_option("--now", options->now_pid,
                 "instead of a trace: look at this process now, which is being recorded and goes on")
      ->check(CLI::PositiveNumber);
  app.add_option("--show", options->shown,
                 "the verdicts to list, with commas between: definite, indirect, possible, reachable, all")
      ->delimiter(',')
      ->expected(1)
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"definite", "indirect", "possible", "reachable", "all"}))
      ->default_str("definite,indirect,possible");
  app.add_option("--suppressions", options->suppression_files,
                 "leave out what this file names, in the syntax of LeakSanitizer or of Valgrind's memcheck; repeatable")
      ->allow_extra_args(false);
  app.add_flag("--no-builtin-suppressions", options->no_builtin,
               "also show what the C and C++ runtimes keep to themselves");
  app.add_flag_callback(
      "--print-suppressions",
      [] {
        fmt::print("{}", kBuiltinSuppressions);
        throw CLI::Success();
      },
      "print the list of what is left out by itself, and do nothing else");
  app.add_flag("--generate-suppressions", options->generate,
               "write suppressions for what would be listed, in memcheck's syntax, instead of a report");
  app.add_option("--fail-above", options->fail_above,
                 "exit with 1 if more bytes than this are lost, definitely or indirectly; 0 allows none")
      ->check(check_size);
  app.add_option("--memory", options->memory,
                 "what a process may use, such as 4GiB: tells when growth uses it up (default: this machine's, if the "
                 "recording is from here)")
      ->check(check_size);
  app.add_option("--top", options->top, "at most so many sites (0: all)")->capture_default_str();
  app.add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("-o,--output", options->output, "a file instead of stdout");
  return [options] { return run_leaks(*options); };
}

}  // namespace flarestack
