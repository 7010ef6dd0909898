// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "tools/command_shape.h"
#include "tools/completion.h"

namespace flarestack {
namespace {

// The names hold no character that is special in a shell.
std::string words(const std::vector<std::string>& list) { return fmt::format("{}", fmt::join(list, " ")); }

std::string all_names(const CommandShape& command) {
  std::vector<std::string> names;
  for (const OptionShape& option : command.options) names.insert(names.end(), option.names.begin(), option.names.end());
  return words(names);
}

// What follows the option, as a value of the script's variable `expect`.
std::string expectation(const OptionShape& option) {
  switch (option.value) {
    case ValueKind::kNone:
      return "";
    case ValueKind::kChoice:
      return "words";
    case ValueKind::kFile:
      return "file";
    case ValueKind::kTrace:
      return "trace";
    case ValueKind::kProcess:
      return "process";
    case ValueKind::kProgram:
      return "program";
    case ValueKind::kText:
      return "nothing";
  }
  return "";
}

std::string command_case(const CommandShape& command) {
  std::string script = fmt::format("    {})\n      options='{}'\n", command.name, all_names(command));
  // A second positional (tree TRACE FUNCTION) is free text: what comes first decides.
  if (!command.positionals.empty())
    script += fmt::format("      expect={}\n", expectation(command.positionals.front()));
  script += "      case $previous in\n";
  for (const OptionShape& option : command.options) {
    if (option.value == ValueKind::kNone) continue;
    script += fmt::format("        {}) after_option=1 expect={} choices='{}' ;;\n", fmt::join(option.names, "|"),
                          expectation(option), words(option.choices));
  }
  return script + "      esac\n      ;;\n";
}

constexpr const char* kHead = R"script(# bash completion for flarestack, made by `flarestack --completion bash`
_flarestack() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local command='' options='' expect='' choices='' after_option='' i
  COMPREPLY=()
  # Bash makes three words of --format=json.
  if [[ $word == '=' ]]; then
    word=''
  elif [[ $previous == '=' ]]; then
    previous=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ ${COMP_WORDS[i]} != -* ]]; then
      command=${COMP_WORDS[i]}
      break
    fi
  done
  if [[ $command == record ]]; then
    for ((i = 2; i < COMP_CWORD; i++)); do
      [[ ${COMP_WORDS[i]} == -- ]] || continue
      if declare -F _command_offset > /dev/null; then
        _command_offset $((i + 1))
      elif ((i + 1 == COMP_CWORD)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$word")
      else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
      fi
      return
    done
  fi
  case $command in
)script";

constexpr const char* kTail = R"script(  esac
  if [[ -z $after_option && $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    return
  fi
  case $expect in
    words) mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word") ;;
    program) COMPREPLY=(--) ;;
    process) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word") ;;
    file | trace)
      compopt -o filenames 2> /dev/null
      [[ $expect == trace ]] && mapfile -t COMPREPLY < <(compgen -f -X '!*.flare' -- "$word"; compgen -d -- "$word")
      ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "$word")
      ;;
  esac
}
complete -F _flarestack flarestack
)script";

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string script = kHead;
  std::vector<std::string> commands;
  for (const CommandShape& command : shapes_of_commands(app)) {
    commands.push_back(command.name);
    script += command_case(command);
  }
  CommandShape whole = shape_of(app);
  whole.name = "''";
  whole.positionals = {{{"COMMAND"}, "", ValueKind::kChoice, commands}};
  script += command_case(whole);
  script.insert(script.rfind("      case $previous in"), fmt::format("      choices='{}'\n", words(commands)));
  return script + kTail;
}

}  // namespace flarestack
