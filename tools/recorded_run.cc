// SPDX-License-Identifier: Apache-2.0
#include "tools/recorded_run.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/timed_run.h"

namespace flarestack {
namespace {

// What the recorder says at its end: a word and a text.
constexpr std::string_view kFailed = "failed ";
constexpr std::string_view kNotRecorded = "nothing ";  // then the status and the problem, as of:
constexpr std::string_view kRecorded = "recorded ";

[[noreturn]] void run_recorder(const RecordOptions& options, int said) {
  const Result<Fd> nothing = open_file("/dev/null", O_RDWR);
  for (int standard = 0; nothing.ok() && standard < 3; ++standard) dup2(nothing->get(), standard);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL);
  const Result<RecordOutcome> outcome = record(options);
  const std::string text = outcome.ok() ? fmt::format("{}{} {}", outcome->recorded ? kRecorded : kNotRecorded,
                                                      outcome->exit_status, outcome->problem)
                                        : std::string(kFailed) + outcome.error().message;
  static_cast<void>(write_all(said, text, "").ok());  // whoever listened is gone
  _exit(0);
}

}  // namespace

Result<RecordOutcome> recorded_run(const RecordOptions& options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("make a pipe");
  const Fd heard(ends[0]);
  Fd said(ends[1]);
  const int child = fork();
  if (child < 0) return errno_error("start a recorder");
  if (child == 0) run_recorder(options, said.get());
  said.reset();
  int status = 0;
  bool told = false;
  // What it says is less than a pipe holds, so it ends without being read. SIGTERM means the program that it runs.
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    if (InterruptGuard::interrupted() && !told) told = kill(child, SIGTERM) == 0;
  }
  const Result<std::string> text = read_all(heard.get(), "read from the recorder");
  if (!text.ok()) return text.error();
  if (text->starts_with(kFailed)) return Error{text->substr(kFailed.size())};
  RecordOutcome outcome;
  outcome.recorded = text->starts_with(kRecorded);
  if (!outcome.recorded && !text->starts_with(kNotRecorded)) return Error{"the recorder was killed"};
  const std::string rest = text->substr(outcome.recorded ? kRecorded.size() : kNotRecorded.size());
  outcome.exit_status = std::atoi(rest.c_str());
  outcome.problem = rest.substr(rest.find(' ') + 1);
  outcome.trace_path = options.output_path;
  return outcome;
}

}  // namespace flarestack
