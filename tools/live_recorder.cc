// SPDX-License-Identifier: Apache-2.0
#include "tools/live_recorder.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/fd.h"

namespace flarestack {
namespace {

constexpr char kStarted = '+';  // each line begins with what it is
constexpr char kProblem = '!';

Result<std::pair<Fd, Fd>> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("make a pipe");
  return std::pair{Fd(ends[0]), Fd(ends[1])};
}

void say(int descriptor, char kind, std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  static_cast<void>(write_all(descriptor, kind + text + "\n", "").ok());  // whoever listened is gone
}

// The child. Out of the process group, so that Ctrl-C and Ctrl-Z are not for it.
[[noreturn]] void run_recorder(RecordOptions& options, int reader_pid, bool removes_trace, int said) {
  setpgid(0, 0);
  std::signal(SIGPIPE, SIG_IGN);  // it may have nobody left to speak to
  const Result<Fd> nothing = open_file("/dev/null", O_RDWR);
  for (int standard = 0; nothing.ok() && standard < 3; ++standard) dup2(nothing->get(), standard);
  options.on_started = [said] { say(said, kStarted, ""); };
  const Result<RecordOutcome> outcome = record(options);
  if (!outcome.ok()) {
    say(said, kProblem, outcome.error().message);
  } else if (!outcome->problem.empty()) {
    say(said, kProblem, outcome->problem);
  }
  // Else whoever reads it does so.
  if (removes_trace && getppid() != reader_pid) unlink(options.output_path.c_str());
  _exit(0);
}

// One line without its end; empty: there is no more.
std::string read_line(int descriptor) {
  std::string line;
  char next = 0;
  for (;;) {
    const ssize_t got = read(descriptor, &next, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || next == '\n') return line;
    line += next;
  }
}

}  // namespace

Result<LiveRecorder> LiveRecorder::start(RecordOptions options, bool removes_trace) {
  Result<std::pair<Fd, Fd>> stop = make_pipe();
  Result<std::pair<Fd, Fd>> said = make_pipe();
  if (!stop.ok() || !said.ok()) return stop.ok() ? said.error() : stop.error();
  const int reader_pid = getpid();
  const int child = fork();
  if (child < 0) return errno_error("start a recorder");
  if (child == 0) {
    stop->second.reset();
    said->first.reset();
    options.stop_descriptor = stop->first.get();
    run_recorder(options, reader_pid, removes_trace, said->second.get());
  }
  setpgid(child, child);
  said->second.reset();
  LiveRecorder recorder(child, std::move(stop->second), std::move(said->first));
  const std::string first = read_line(recorder.descriptor());
  if (first.empty() || first[0] != kStarted) {
    const std::string rest = recorder.stop();
    if (first.size() > 1) return Error{first.substr(1)};
    return Error{rest.empty() ? "the recorder has ended" : rest};
  }
  return recorder;
}

std::string LiveRecorder::stop() {
  stop_.reset();
  std::string problems;
  for (std::string line = read_line(said_.get()); !line.empty(); line = read_line(said_.get()))
    problems += (problems.empty() ? "" : "; ") + line.substr(1);
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    problems += problems.empty() ? "" : "; ";
    problems += "the recorder was killed; the process goes on, and is recorded no more";
  }
  return problems;
}

}  // namespace flarestack
