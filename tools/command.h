// SPDX-License-Identifier: Apache-2.0
// How a command of flarestack is declared: one file each, listed in commands(). Offline and recorder side.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/result.h"

namespace flarestack {

// Exit statuses of every command but `record`, which passes the program's own on.
inline constexpr int kExitGood = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitRecorderFailed = 125;  // `record` failed before the program started

// Adds its options to `app`; what it returns runs the command and gives the exit status, or the one line for stderr.
using CommandBody = std::function<Result<int>()>;

struct Command {
  const char* name;
  const char* summary;
  const char* example;  // shown by --help
  CommandBody (*declare)(CLI::App& app);
};

// In the order in which --help lists them.
const std::vector<Command>& commands();

CommandBody declare_record(CLI::App& app);
CommandBody declare_attach(CLI::App& app);
CommandBody declare_detach(CLI::App& app);
CommandBody declare_top(CLI::App& app);
CommandBody declare_report(CLI::App& app);
CommandBody declare_tree(CLI::App& app);
CommandBody declare_annotate(CLI::App& app);
CommandBody declare_leaks(CLI::App& app);
CommandBody declare_flamegraph(CLI::App& app);
CommandBody declare_view(CLI::App& app);
CommandBody declare_diff(CLI::App& app);
CommandBody declare_plot(CLI::App& app);
CommandBody declare_export(CLI::App& app);
CommandBody declare_import(CLI::App& app);
CommandBody declare_bundle(CLI::App& app);
CommandBody declare_bench(CLI::App& app);
CommandBody declare_scale(CLI::App& app);
CommandBody declare_info(CLI::App& app);
CommandBody declare_gate(CLI::App& app);
CommandBody declare_history(CLI::App& app);
CommandBody declare_doctor(CLI::App& app);

// Prints the one error line on stderr.
void print_error(const std::string& message);

// Writes to a file, or to stdout when `path` is empty or "-". The error names the path.
Result<void> write_output(const std::string& path, const std::string& text);

}  // namespace flarestack
