// SPDX-License-Identifier: Apache-2.0
#include "profiler/launcher.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "wire/handshake.h"

namespace flarestack {
namespace {

constexpr char kAgentName[] = "libflarestack_preload.so";
constexpr std::array kGuardedSignals = {SIGINT,  SIGQUIT, SIGHUP,  SIGTERM, SIGPIPE,
                                        SIGXFSZ, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};

struct SavedSignals {
  bool active = false;
  std::array<struct sigaction, kGuardedSignals.size()> actions{};
  sigset_t mask{};
};
SavedSignals saved_signals;
std::array<std::atomic<bool>, 65> received_signals{};

void note_signal(int signal) { received_signals[static_cast<size_t>(signal)].store(true); }

// The environment of the child, as "NAME=value" strings.
std::vector<std::string> child_environment(const LaunchOptions& options) {
  std::vector<std::string> result;
  std::string preload = options.agent_path;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (options.load_agent && text.starts_with(std::string(kPreloadVariable) + "=")) {
      const std::string_view value = text.substr(sizeof(kPreloadVariable));
      if (!value.empty()) {
        preload.append(":").append(value);
      }
    } else if (!text.starts_with(std::string(kSessionVariable) + "=")) {
      result.emplace_back(text);
    }
  }
  if (options.load_agent) {
    result.push_back(std::string(kPreloadVariable) + "=" + preload);
    result.push_back(std::string(kSessionVariable) + "=" + options.session_value);
  }
  return result;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> result(texts.size() + 1, nullptr);
  std::transform(texts.begin(), texts.end(), result.begin(), [](std::string& text) { return text.data(); });
  return result;
}

// In the child, between fork and exec: async-signal-safe calls only.
[[noreturn]] void run_child(char* const* arguments, char* const* environment, int error_pipe, int go_pipe) {
  char go = 0;
  while (read(go_pipe, &go, 1) < 0 && errno == EINTR) {
  }
  if (saved_signals.active) {
    for (size_t i = 0; i < kGuardedSignals.size(); ++i) {
      sigaction(kGuardedSignals[i], &saved_signals.actions[i], nullptr);
    }
    sigprocmask(SIG_SETMASK, &saved_signals.mask, nullptr);
  }
  execvpe(arguments[0], arguments, environment);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(error_pipe, &error, sizeof(error));
  _exit(127);
}

}  // namespace

SignalGuard::SignalGuard() {
  struct sigaction action {};
  action.sa_handler = note_signal;
  sigprocmask(SIG_BLOCK, nullptr, &saved_signals.mask);
  for (size_t i = 0; i < kGuardedSignals.size(); ++i) {
    sigaction(kGuardedSignals[i], &action, &saved_signals.actions[i]);
  }
  saved_signals.active = true;
}

SignalGuard::~SignalGuard() {
  for (size_t i = 0; i < kGuardedSignals.size(); ++i) {
    sigaction(kGuardedSignals[i], &saved_signals.actions[i], nullptr);
  }
  saved_signals.active = false;
}

bool SignalGuard::take(int signal) { return received_signals[static_cast<size_t>(signal)].exchange(false); }

Result<LaunchedProgram> launch(const LaunchOptions& options) {
  std::vector<std::string> arguments = options.command;
  std::vector<std::string> environment = child_environment(options);
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  const std::vector<char*> environment_pointers = pointers_to(environment);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return errno_error("create a pipe");
  }
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return errno_error("create a pipe");
  }
  const Fd go_read_end(ends[0]);
  Fd go_write_end(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) {
    return errno_error("start a process");
  }
  if (pid == 0) {
    go_write_end.reset();  // whose other holder lets it go on, by closing it or by dying
    run_child(argument_pointers.data(), environment_pointers.data(), write_end.get(), go_read_end.get());
  }
  LaunchedProgram program;
  program.pid = pid;
  program.pidfd = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  write_end.reset();
  if (options.before_exec) {
    options.before_exec(pid);
  }
  go_write_end.reset();
  int error = 0;
  ssize_t size;
  do {
    size = read(read_end.get(), &error, sizeof(error));
  } while (size < 0 && errno == EINTR);
  if (size == sizeof(error)) {
    program.exec_errno = error;
    waitpid(pid, nullptr, 0);
  }
  return program;
}

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return name;
  }
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/bin:/usr/bin";
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    std::string candidate = fmt::format("{}/{}", end != 0 ? rest.substr(0, end) : ".", name);
    if (access(candidate.c_str(), X_OK) == 0 && !std::filesystem::is_directory(candidate)) {
      return candidate;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return name;
}

Result<std::string> find_agent() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path folder = self.parent_path();
  for (const std::filesystem::path& candidate :
       {folder / kAgentName, folder.parent_path() / "lib" / "flarestack" / kAgentName,
        folder.parent_path() / "lib" / "x86_64-linux-gnu" / "flarestack" / kAgentName}) {
    if (std::filesystem::exists(candidate, error)) {
      const std::string path = candidate.string();
      if (path.find_first_of(": ") != std::string::npos) {
        return Error{"the agent " + path +
                     " cannot be preloaded: its path holds a space or a colon; install flarestack elsewhere"};
      }
      return path;
    }
  }
  return Error{std::string("the agent ") + kAgentName + " is neither beside " + self.string() +
               " nor in ../lib/flarestack; reinstall flarestack"};
}

}  // namespace flarestack
