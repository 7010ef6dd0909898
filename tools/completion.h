// SPDX-License-Identifier: Apache-2.0
// The scripts that complete flarestack's command line in a shell, made from the commands' own declarations. The build
// installs what they give; `flarestack --completion SHELL` prints it for one who did not install. Offline side.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace flarestack {

// To be sourced, or installed as share/bash-completion/completions/flarestack.
std::string bash_completion(const CLI::App& app);
// To be sourced, or installed as share/zsh/site-functions/_flarestack.
std::string zsh_completion(const CLI::App& app);
// To be sourced, or installed as share/fish/vendor_completions.d/flarestack.fish.
std::string fish_completion(const CLI::App& app);
// Of the named shell: bash, zsh or fish.
std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace flarestack
