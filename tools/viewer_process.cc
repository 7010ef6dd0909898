// SPDX-License-Identifier: Apache-2.0
#include "tools/viewer_process.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "tools/live_viewer.h"
#include "tools/terminal_screen.h"

namespace flarestack {
namespace {

// What has to be redirected, in words and as a shell has it; both empty: nothing.
std::pair<std::string, std::string> on_our_terminal() {
  constexpr std::pair<const char*, const char*> kStandard[] = {
      {"stdin", "</dev/null"}, {"stdout", ">out.txt"}, {"stderr", "2>errors.txt"}};
  std::pair<std::string, std::string> found;
  for (int descriptor = 0; descriptor < 3; ++descriptor) {
    if (isatty(descriptor) == 0 || tcgetsid(descriptor) != getsid(0)) continue;
    const std::string separator = found.first.empty() ? "" : " ";
    found.first += (found.first.empty() ? "" : ", ") + std::string(kStandard[descriptor].first);
    found.second += separator + kStandard[descriptor].second;
  }
  return found;
}

void tell_on_terminal(const std::string& sentence) {
  const Result<Fd> terminal = open_file("/dev/tty", O_WRONLY);
  if (terminal.ok()) static_cast<void>(write_all(terminal->get(), "flarestack: " + sentence + "\n", "").ok());
}

[[noreturn]] void run_viewer(const std::string& trace_path, uint64_t interval_ns, int recording) {
  char started = 0;
  ssize_t got = 0;
  while ((got = read(recording, &started, 1)) < 0 && errno == EINTR) {
  }
  if (got != 1) _exit(0);  // there is nothing to show
  LiveViewOptions options;
  options.trace_path = trace_path;
  options.interval_ns = interval_ns;
  options.recording = recording;
  options.ends_by_interrupt = false;
  options.quit_text = "ends the view; program and recording go on, Ctrl-C is the program's";
  const Result<LiveViewEnd> end = view_on_terminal(options);
  if (!end.ok()) {
    tell_on_terminal("no view: " + end.error().message);
  } else if (*end == LiveViewEnd::kQuit) {
    tell_on_terminal("the view has ended, the program and its recording go on; Ctrl-C is for the program");
  } else {
    tell_on_terminal("the recording is over; `flarestack report " + trace_path + "` tells more");
  }
  _exit(0);
}

}  // namespace

std::string ViewerProcess::problem() {
  if (const auto [words, redirections] = on_our_terminal(); !words.empty()) {
    return fmt::format(
        "it draws on this terminal, which is the program's {} as well: redirect what is (such as {}), or leave "
        "--live out and run `flarestack top PID` in another terminal",
        words, redirections);
  }
  return TerminalScreen::problem();
}

Result<ViewerProcess> ViewerProcess::start(const std::string& trace_path, uint64_t interval_ns) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno_error("make a pair of sockets");
  Fd recording(ends[0]);
  Fd recorder(ends[1]);
  const int child = fork();
  if (child < 0) return errno_error("start a process for the view");
  if (child == 0) {
    recorder.reset();
    // The program's: somebody may wait for their end.
    const Result<Fd> nothing = open_file("/dev/null", O_RDWR);
    for (int standard = 0; nothing.ok() && standard < 3; ++standard) dup2(nothing->get(), standard);
    for (const int signal : {SIGINT, SIGQUIT, SIGTSTP}) std::signal(signal, SIG_IGN);  // until there is a view
    run_viewer(trace_path, interval_ns, recording.get());
  }
  return ViewerProcess(child, std::move(recorder));
}

void ViewerProcess::show() { send(recording_.get(), "+", 1, MSG_NOSIGNAL); }  // it may have ended

void ViewerProcess::end() {
  constexpr int kTries = 200;
  const timespec nap{0, 10'000'000};
  recording_.reset();
  for (int i = 0; waitpid(child_, nullptr, WNOHANG) == 0; ++i) {
    nanosleep(&nap, nullptr);
    // A view in the background is stopped, and has drawn nothing.
    if (i == kTries) kill(child_, SIGKILL);
  }
}

}  // namespace flarestack
