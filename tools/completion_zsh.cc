// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "tools/command_shape.h"
#include "tools/completion.h"

namespace flarestack {
namespace {

// For a description within [...] or behind a ':' of a specification that is in single quotes.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '[' || letter == ']' || letter == ':' || letter == '\\') result += '\\';
    result += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  }
  return result;
}

std::string action(const OptionShape& option) {
  switch (option.value) {
    case ValueKind::kNone:
      return "";
    case ValueKind::kText:
      return ": ";
    case ValueKind::kChoice:
      return fmt::format(":value:({})", fmt::join(option.choices, " "));
    case ValueKind::kFile:
      return ":file:_files";
    case ValueKind::kTrace:
      return ":trace:_files -g \"*.flare(-.)\"";
    case ValueKind::kProcess:
      return ":process:_pids";
    case ValueKind::kProgram:
      return ":program: _normal -P";
  }
  return "";
}

std::string specification(const OptionShape& option) {
  const std::string tail = fmt::format("[{}]{}", escaped(option.description), action(option));
  const char* assign = option.value == ValueKind::kNone ? "" : "=";
  if (option.names.size() == 1) return fmt::format("'{}{}{}'", option.names.front(), assign, tail);
  // The names exclude each other; braces make one specification of each. "-o" takes its value as the next word.
  std::string result = fmt::format("'({})'{{", fmt::join(option.names, " "));
  for (size_t i = 0; i < option.names.size(); ++i) {
    result += fmt::format("{}{}{}", i == 0 ? "" : ",", option.names[i],
                          option.names[i].starts_with("--") && *assign != '\0' ? "=" : "");
  }
  return result + fmt::format("}}'{}'", tail);
}

std::string positional(const OptionShape& option, size_t number) {
  if (option.value == ValueKind::kProgram) return fmt::format("'*::{}'", action(option));
  return fmt::format("'{}{}'", number,
                     option.value == ValueKind::kText ? ":" + option.names.front() + ": " : action(option));
}

std::string command_case(const CommandShape& command) {
  std::string script = fmt::format("        {})\n          _arguments -S", command.name);
  for (const OptionShape& option : command.options) script += " \\\n            " + specification(option);
  for (size_t i = 0; i < command.positionals.size(); ++i) {
    script += " \\\n            " + positional(command.positionals[i], i + 1);
  }
  return script + "\n          ;;\n";
}

}  // namespace

std::string zsh_completion(const CLI::App& app) {
  const std::vector<CommandShape> commands = shapes_of_commands(app);
  std::string script =
      "#compdef flarestack\n# zsh completion for flarestack, made by `flarestack --completion zsh`\n_flarestack() {\n"
      "  local context state state_descr line\n  typeset -A opt_args\n  local -a commands\n  commands=(\n";
  for (const CommandShape& command : commands) {
    script += fmt::format("    '{}:{}'\n", command.name, escaped(command.summary));
  }
  script += "  )\n  _arguments -C";
  for (const OptionShape& option : shape_of(app).options) script += " \\\n    " + specification(option);
  script +=
      " \\\n    '1:command:->command' \\\n    '*::argument:->argument'\n  case $state in\n"
      "    command) _describe -t commands 'flarestack command' commands ;;\n    argument)\n      case $words[1] in\n";
  for (const CommandShape& command : commands) script += command_case(command);
  // Found in $fpath the file is the body of the function, so it calls it; sourced it only declares it.
  return script +
         "      esac\n      ;;\n  esac\n}\n"
         "if [[ $funcstack[1] == _flarestack ]]; then\n  _flarestack \"$@\"\nelse\n  compdef _flarestack "
         "flarestack\nfi\n";
}

}  // namespace flarestack
