// SPDX-License-Identifier: Apache-2.0
#include "tools/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>

#include "profiler/launcher.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

constexpr std::string_view kBlanks = " \t";

// Words between blanks.
std::vector<std::string> split_at_blanks(const std::string& line) {
  std::vector<std::string> words;
  for (size_t begin = line.find_first_not_of(kBlanks); begin != std::string::npos;) {
    const size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBlanks, end);
  }
  return words;
}

// The words that a shell would make of a line with quotes and backslashes but nothing else that is special; none: a
// quote does not end.
std::optional<std::vector<std::string>> unquoted_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char next = line[i];
    if (quote == 0 && kBlanks.find(next) != std::string_view::npos) {
      if (in_word) words.push_back(word);
      word.clear();
      in_word = false;
      continue;
    }
    in_word = true;
    if (quote != 0 && next == quote) {
      quote = 0;
    } else if (quote == 0 && (next == '\'' || next == '"')) {
      quote = next;
    } else if (quote != '\'' && next == '\\' && i + 1 < line.size()) {
      word += line[++i];
    } else {
      word += next;
    }
  }
  if (quote != 0) return std::nullopt;
  if (in_word) words.push_back(word);
  return words;
}

bool needs_shell(const std::string& line) {
  if (line.find_first_of("|&;<>()$`\\\"'*?[]#~!{}\n") != std::string::npos) return true;
  const std::vector<std::string> words = split_at_blanks(line);
  // An assignment before the program, or something the shell does itself.
  return words.empty() || words[0].find('=') != std::string::npos || access(find_program(words[0]).c_str(), X_OK) != 0;
}

}  // namespace

Result<Parameter> parse_parameter(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
    return Error{"--parameter: it is NAME=VALUE,VALUE,..., not " + text};
  Parameter parameter;
  parameter.name = text.substr(0, equals);
  std::set<std::string> seen;
  for (size_t begin = equals + 1; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    parameter.values.push_back(text.substr(begin, end - begin));
    if (!seen.insert(parameter.values.back()).second)
      return Error{"--parameter " + parameter.name + ": the value '" + parameter.values.back() + "' is there twice"};
    begin = end + 1;
  }
  return parameter;
}

Result<std::vector<Parameter>> parse_parameters(const std::vector<std::string>& texts) {
  std::vector<Parameter> parameters;
  for (const std::string& text : texts) {
    Result<Parameter> parsed = parse_parameter(text);
    if (!parsed.ok()) return parsed.error();
    if (std::ranges::any_of(parameters, [&](const Parameter& other) { return other.name == parsed->name; }))
      return Error{"--parameter " + parsed->name + " is there twice"};
    parameters.push_back(std::move(*parsed));
  }
  return parameters;
}

std::vector<Assignment> all_assignments(const std::vector<Parameter>& parameters) {
  std::vector<Assignment> all = {{}};
  for (const Parameter& parameter : parameters) {
    std::vector<Assignment> longer;
    for (const Assignment& assignment : all) {
      for (const std::string& value : parameter.values) {
        longer.push_back(assignment);
        longer.back().emplace_back(parameter.name, value);
      }
    }
    all = std::move(longer);
  }
  return all;
}

std::string filled_in(const std::string& text, const Assignment& assignment) {
  std::string filled;
  for (size_t i = 0; i < text.size();) {
    const auto here = std::ranges::find_if(assignment, [&](const auto& each) {
      return text.compare(i, each.first.size() + 2, "{" + each.first + "}") == 0;
    });
    if (here == assignment.end()) {
      filled += text[i++];
    } else {
      filled += here->second;
      i += here->first.size() + 2;
    }
  }
  return filled;
}

Result<PlannedCommand> plan_line(const std::string& line, const std::string& shell) {
  PlannedCommand planned;
  planned.line = line;
  if (split_at_blanks(line).empty()) return Error{"a command is empty"};
  if (shell == kNoShell) {
    std::optional<std::vector<std::string>> words = unquoted_words(line);
    if (!words) return Error{"--shell none: a quote does not end in " + line};
    planned.words = std::move(*words);
  } else if (shell == kAnyShell && !needs_shell(line)) {
    planned.words = split_at_blanks(line);
  } else {
    planned.words = shell_words(shell);
    planned.words.insert(planned.words.end(), {"-c", line});
    planned.through_shell = true;
  }
  return planned;
}

PlannedCommand plan_words(const std::vector<std::string>& words) {
  PlannedCommand planned;
  planned.line = command_line(words);
  planned.words = words;
  return planned;
}

std::vector<std::string> shell_words(const std::string& shell) {
  return shell == kAnyShell ? std::vector<std::string>{"/bin/sh"} : split_at_blanks(shell);
}

bool has_double_dash(const CLI::App& app) {
  const std::vector<std::string> left = app.remaining();  // CLI11 keeps it there
  return std::ranges::find(left, "--") != left.end();
}

}  // namespace flarestack
