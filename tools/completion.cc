// SPDX-License-Identifier: Apache-2.0
#include "tools/completion.h"

namespace flarestack {

std::string completion_script(const CLI::App& app, const std::string& shell) {
  if (shell == "zsh") {
    return zsh_completion(app);
  }
  return shell == "fish" ? fish_completion(app) : bash_completion(app);
}

}  // namespace flarestack
