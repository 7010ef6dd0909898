// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/text.h"
#include "tools/live_recorder.h"
#include "tools/live_viewer.h"
#include "tools/recording.h"
#include "tools/terminal_screen.h"

namespace flarestack {
namespace {

struct TopOptions {
  RecordingOptions recording;
  std::string interval = "1s";
  bool batch = false;
  LiveViewOptions view;
  std::string format = "text";
};

// The trace, where it was not asked for, is gone with the view.
class TemporaryTrace {
 public:
  static Result<TemporaryTrace> create() {
    const char* folder = std::getenv("TMPDIR");
    std::string path = std::string(folder != nullptr && *folder != '\0' ? folder : "/tmp") + "/flarestack.top.XXXXXX";
    const Fd file(mkstemp(path.data()));
    if (!file) return errno_error("make a file in " + path.substr(0, path.rfind('/')) + " for the trace");
    return TemporaryTrace(std::move(path));
  }
  TemporaryTrace(TemporaryTrace&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ~TemporaryTrace() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryTrace(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<int> run_top(TopOptions& options) {
  RecordOptions& record = options.recording.record;
  if (const Result<void> settled = settle_options(options.recording); !settled.ok()) return settled.error();
  const bool on_terminal = !options.batch && options.view.refreshes == 0 && options.format == "text" && isatty(1) != 0;
  if (const std::string problem = on_terminal ? TerminalScreen::problem() : ""; !problem.empty())
    return Error{fmt::format("no view on this terminal: {}; --batch prints text instead", problem)};
  const Result<uint64_t> interval = parse_duration(options.interval);
  if (!interval.ok()) return interval.error();

  std::optional<TemporaryTrace> temporary;
  if (record.output_path.empty()) {
    Result<TemporaryTrace> created = TemporaryTrace::create();
    if (!created.ok()) return created.error();
    record.output_path = created->path();
    temporary.emplace(std::move(*created));
  }
  record.live_interval_ns = *interval;
  record.leak_check = false;  // which would stop the process for it
  Result<LiveRecorder> recorder = LiveRecorder::start(record, temporary.has_value());
  if (!recorder.ok()) return recorder.error();

  LiveViewOptions& view = options.view;
  view.trace_path = record.output_path;
  view.interval_ns = *interval;
  view.recording = recorder->descriptor();
  view.ends_with_recording = false;
  view.quit_text = "ends top and the recording, as Ctrl-C does; the process goes on";
  view.json = options.format == "json";
  const Result<LiveViewEnd> end = on_terminal ? view_on_terminal(view) : view_as_text(view);
  const std::string problems = recorder->stop();
  if (!end.ok()) return end.error();
  if (!problems.empty()) return Error{problems};
  return kExitGood;
}

}  // namespace

CommandBody declare_top(CLI::App& app) {
  auto options = std::make_shared<TopOptions>();
  RecordingOptions& recording = options->recording;
  app.add_option("PID", recording.record.attach_pid, "the process")->required()->check(CLI::PositiveNumber);
  app.add_option("--interval", options->interval, "between two refreshes; \"now\" is five of them, and 5s at least")
      ->check(check_interval)
      ->capture_default_str();
  app.add_flag("--batch", options->batch, "print text instead of drawing, as without a terminal");
  app.add_option("-n,--refreshes", options->view.refreshes, "print so many refreshes as text, then end")
      ->check(CLI::PositiveNumber);
  app.add_option("--top", options->view.top, "of printed text: at most so many rows a table")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--format", options->format, "text, or json: one line of JSON a refresh")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("-o,--output", recording.record.output_path, "keep the trace in this file");
  declare_sampling_options(app, recording);
  return [options] { return run_top(*options); };
}

}  // namespace flarestack
