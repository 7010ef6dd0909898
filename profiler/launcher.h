// SPDX-License-Identifier: Apache-2.0
// Launches the program under the agent: everything as without us but for the two environment variables.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "wire/loadable.h"

namespace flarestack {

struct LaunchedProgram {
  int32_t pid = 0;
  Fd pidfd;
  int exec_errno = 0;  // not 0: the program could not be executed, and the child has ended
};

struct LaunchOptions {
  std::vector<std::string> command;
  std::string agent_path;
  std::string session_value;  // of the session variable
  bool load_agent = true;     // false: the program cannot load it; nothing is added to its environment
  std::function<void(int32_t pid)> before_exec;  // if not empty: called here while the child waits to exec
};

// The child has our standard streams, process group and terminal, and the signal mask and dispositions that this
// process was started with; call before they are changed, or pass `restore` through SignalGuard. Error: no child could
// be made.
Result<LaunchedProgram> launch(const LaunchOptions& options);

// The signals that a recorder must outlive: those the terminal sends to the program as well (SIGINT, SIGQUIT, SIGHUP,
// and SIGTSTP, SIGTTIN, SIGTTOU: the program decides whether it stops), those that mean the program when they are sent
// to the recorder (SIGTERM, SIGCONT), SIGPIPE, and SIGXFSZ (the file size limit). Only counted from construction to
// destruction; children are started with what was there before. One at a time.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

  // Whether the signal came since the last call.
  bool take(int signal);
};

// The path of a program as execvp would find it, for the check of what it is; the name itself if it is not found.
std::string find_program(const std::string& name);

// Where the agent is: beside the program in a build folder, or in the library folder of an installation. Error:
// nowhere.
Result<std::string> find_agent();

}  // namespace flarestack
