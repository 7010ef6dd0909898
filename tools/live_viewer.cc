// SPDX-License-Identifier: Apache-2.0
#include "tools/live_viewer.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/terminal.h"
#include "model/live_trace.h"
#include "report/live_json.h"
#include "report/live_screen.h"
#include "tools/live_facts.h"
#include "tools/terminal_screen.h"

namespace flarestack {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kLeastWindowNs = 5'000'000'000;
constexpr int64_t kRefreshesPerWindow = 5;

int64_t window_for(const LiveViewOptions& options) {
  return std::max(kLeastWindowNs, kRefreshesPerWindow * static_cast<int64_t>(options.interval_ns));
}

// Signals as something to wait for. Children, who read symbols, have them blocked as well.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH}) sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, &before_);
    descriptor_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Signals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  int descriptor() const { return descriptor_.get(); }
  // 0: there is none.
  int take() const {
    signalfd_siginfo info{};
    return read(descriptor_.get(), &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t before_;
  Fd descriptor_;
};

// Sleeps until `until`, or until one of the descriptors has something.
void wait_for(std::vector<int> descriptors, Clock::time_point until) {
  std::vector<pollfd> polled;
  for (const int each : descriptors) polled.push_back({each, POLLIN, 0});
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  poll(polled.data(), polled.size(), static_cast<int>(std::clamp<int64_t>(left, 0, 60'000)));
}

bool is_hung_up(int descriptor) {
  pollfd polled{descriptor, POLLIN, 0};
  return descriptor >= 0 && poll(&polled, 1, 0) > 0 && (polled.revents & (POLLHUP | POLLERR)) != 0;
}

class TerminalView {
 public:
  TerminalView(const LiveViewOptions& options, LiveTrace trace, TerminalScreen screen)
      : options_(options), trace_(std::move(trace)), screen_(std::move(screen)) {
    text_.quit = options.quit_text;
  }

  LiveViewEnd run() {
    screen_.draw({{{ScreenStyle::kNote, "Reading names; those of a large program take a moment."}}});
    for (;;) {
      const Clock::time_point next = Clock::now() + std::chrono::nanoseconds(options_.interval_ns);
      const bool is_over = is_hung_up(options_.recording);  // before reading: then all is in the trace
      if (!state_.paused) look();
      if (is_over && options_.ends_with_recording) return LiveViewEnd::kRecordingOver;
      draw();
      while (Clock::now() < next) {
        std::vector<int> descriptors = {signals_.descriptor(), screen_.descriptor()};
        if (!is_over) descriptors.push_back(options_.recording);
        wait_for(descriptors, next);
        if (take_signals() || take_keys()) return LiveViewEnd::kQuit;
        if (!is_over && is_hung_up(options_.recording)) break;
      }
    }
  }

 private:
  void look() {
    trace_.read();
    view_ = trace_.view();
    add_live_facts(view_);
  }

  void draw() {
    const ScreenSize size = screen_.size();
    text_.detail.clear();
    const std::optional<uint32_t> selected = state_.selected[state_.tab_index()];
    if (state_.detail && selected && state_.tab == LiveTab::kFunctions)
      text_.detail = function_detail(trace_.profile().tree(), trace_.profile().functions(), *selected, size);
    if (state_.detail && selected && state_.tab == LiveTab::kSites)
      text_.detail = site_detail(trace_.profile().path_of_site(*selected), size);
    LiveScreen made = live_screen(view_, state_, text_, size);
    rows_ = std::move(made.rows);
    screen_.draw(made.lines);
  }

  // Whether to end.
  bool take_signals() {
    for (int signal = signals_.take(); signal != 0; signal = signals_.take()) {
      const bool is_interrupt = signal == SIGINT || signal == SIGQUIT;
      if (signal == SIGTERM || signal == SIGHUP || (is_interrupt && options_.ends_by_interrupt)) return true;
      if (signal == SIGTSTP) {
        screen_.leave();
        raise(SIGSTOP);
        screen_.take_new_size();
      }
      if (signal == SIGWINCH) screen_.take_new_size();
      draw();
    }
    return false;
  }

  bool take_keys() {
    bool pressed = false;
    while (const std::optional<int> key = screen_.read_key()) {
      pressed = true;
      const bool was_paused = state_.paused;
      const LiveAction action = press(state_, *key, rows_);
      if (action == LiveAction::kQuit) return true;
      if (action == LiveAction::kReset) trace_.profile().reset();
      if (action == LiveAction::kReset || (was_paused && !state_.paused)) look();
      rows_ = live_screen(view_, state_, text_, screen_.size()).rows;  // what the next key is about
    }
    if (pressed) draw();
    return false;
  }

  const LiveViewOptions& options_;
  LiveTrace trace_;
  TerminalScreen screen_;
  Signals signals_;
  LiveView view_;
  LiveState state_;
  LiveScreenText text_;
  LiveRows rows_;
};

}  // namespace

Result<LiveViewEnd> view_on_terminal(const LiveViewOptions& options) {
  Result<LiveTrace> trace = LiveTrace::open(options.trace_path, window_for(options));
  if (!trace.ok()) return trace.error();
  Result<TerminalScreen> screen = TerminalScreen::open();
  if (!screen.ok()) return screen.error();
  return TerminalView(options, std::move(*trace), std::move(*screen)).run();
}

Result<LiveViewEnd> view_as_text(const LiveViewOptions& options) {
  Result<LiveTrace> trace = LiveTrace::open(options.trace_path, window_for(options));
  if (!trace.ok()) return trace.error();
  const Signals signals;
  const size_t width = std::clamp<size_t>(terminal_width(1).value_or(100), 60, 200);
  for (uint64_t i = 0; options.refreshes == 0 || i < options.refreshes; ++i) {
    const Clock::time_point next = Clock::now() + std::chrono::nanoseconds(options.interval_ns);
    bool is_over = is_hung_up(options.recording);
    while (!is_over && Clock::now() < next) {
      wait_for({signals.descriptor(), options.recording}, next);
      const int signal = signals.take();
      if (signal == SIGTSTP) {
        raise(SIGSTOP);
      } else if (signal != 0 && signal != SIGWINCH) {
        return LiveViewEnd::kQuit;
      }
      is_over = is_hung_up(options.recording);
    }
    trace->read();
    LiveView view = trace->view();
    add_live_facts(view);
    const std::string text =
        options.json ? live_json(view, options.top) : (i == 0 ? "" : "\n") + live_text(view, options.top, width);
    if (const Result<void> written = write_all(1, text, "write to stdout"); !written.ok()) return written.error();
    if (is_over) return LiveViewEnd::kRecordingOver;
  }
  return LiveViewEnd::kQuit;
}

}  // namespace flarestack
