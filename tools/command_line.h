// SPDX-License-Identifier: Apache-2.0
// Command lines with parameters, as the commands that run others again and again take them. Recorder side.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/result.h"

namespace flarestack {

struct Parameter {
  std::string name;
  std::vector<std::string> values;
};
// From "NAME=a,b,c". Error: no name, no value, or one of them twice.
Result<Parameter> parse_parameter(const std::string& text);
// The same of all texts. Error: a name twice as well.
Result<std::vector<Parameter>> parse_parameters(const std::vector<std::string>& texts);

// Names and values.
using Assignment = std::vector<std::pair<std::string, std::string>>;
// Each value of each with each of the others, the last parameter changing fastest; one empty assignment of none.
std::vector<Assignment> all_assignments(const std::vector<Parameter>& parameters);
// `text` with each "{NAME}" replaced.
std::string filled_in(const std::string& text, const Assignment& assignment);

struct PlannedCommand {
  std::string line;  // as typed, filled in
  Assignment parameters;
  std::vector<std::string> words;  // what to execute
  bool through_shell = false;
};

inline constexpr const char* kAnyShell = "auto";  // /bin/sh for lines that need one
inline constexpr const char* kNoShell = "none";

// A line without anything that is special to a shell, whose first word is a program, is executed as its words: a
// shell's start is noise. Error: `shell` is "none", and the line has quotes that do not end.
Result<PlannedCommand> plan_line(const std::string& line, const std::string& shell);
PlannedCommand plan_words(const std::vector<std::string>& words);
// "/bin/sh" and the like as words, to which "-c" and a line are added.
std::vector<std::string> shell_words(const std::string& shell);

// Whether "--" was among the arguments of the command that was parsed.
bool has_double_dash(const CLI::App& app);

}  // namespace flarestack
