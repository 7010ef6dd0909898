// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "tools/command_shape.h"
#include "tools/completion.h"

namespace flarestack {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char letter : text) {
    if (letter == '\'' || letter == '\\') result += '\\';
    result += letter;
  }
  return result + "'";
}

// The arguments of `complete` for a value: -x alone takes no file, -F insists on files.
std::string value_arguments(const OptionShape& option) {
  switch (option.value) {
    case ValueKind::kNone:
      return "";
    case ValueKind::kText:
      return " -x";
    case ValueKind::kChoice:
      return fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
    case ValueKind::kFile:
      return " -r -F";
    case ValueKind::kTrace:
      return " -k -x -a '(__fish_complete_suffix .flare)'";
    case ValueKind::kProcess:
      return " -x -a '(__fish_complete_pids)'";
    case ValueKind::kProgram:
      return " -x -a '(__flarestack_program)'";
  }
  return "";
}

std::string option_line(const std::string& condition, const OptionShape& option) {
  std::string line = "complete -c flarestack -n " + quoted(condition);
  for (const std::string& name : option.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  return line + value_arguments(option) + " -d " + quoted(option.description) + "\n";
}

constexpr const char* kHead = R"(# fish completion for flarestack, made by `flarestack --completion fish`
function __flarestack_program
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    or return
    set -l rest $words[(math $at + 1)..-1]
    complete -C (string join ' ' -- (string escape -- $rest) (commandline -ct))
end
complete -c flarestack -f
)";

}  // namespace

std::string fish_completion(const CLI::App& app) {
  std::string script = kHead;
  for (const OptionShape& option : shape_of(app).options) script += option_line("__fish_use_subcommand", option);
  for (const CommandShape& command : shapes_of_commands(app)) {
    const std::string condition = "__fish_seen_subcommand_from " + command.name;
    script += fmt::format("complete -c flarestack -n __fish_use_subcommand -a {} -d {}\n", command.name,
                          quoted(command.summary));
    for (const OptionShape& option : command.options) script += option_line(condition, option);
    if (!command.positionals.empty()) {
      script += fmt::format("complete -c flarestack -n {}{}\n", quoted(condition),
                            value_arguments(command.positionals.front()));
    }
  }
  return script;
}

}  // namespace flarestack
