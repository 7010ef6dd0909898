// SPDX-License-Identifier: Apache-2.0
#include "tools/command_shape.h"

namespace flarestack {
namespace {

// CLI11 keeps the members of an IsMember check as text only: "TEXT:{cpu,wall}".
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t open = type.find('{');
  const size_t close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

// What a value is for beyond its type, the declaration does not say; its name does.
ValueKind kind_by_name(const std::string& name) {
  if (name == "--output" || name == "--summary" || name == "--suppressions") return ValueKind::kFile;
  if (name == "TRACE" || name == "OTHER" || name == "BASE" || name == "NEW" || name == "--base" || name == "--new")
    return ValueKind::kTrace;
  if (name == "PID") return ValueKind::kProcess;
  if (name == "PROGRAM") return ValueKind::kProgram;
  return ValueKind::kText;
}

OptionShape shape_of(const CLI::Option& option) {
  OptionShape shape;
  for (const std::string& name : option.get_snames()) shape.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) shape.names.push_back("--" + name);
  if (shape.names.empty()) shape.names.push_back(option.get_name(true));
  shape.description = option.get_description();
  if (option.get_items_expected_max() == 0) return shape;
  shape.choices = choices_of(option);
  shape.value = shape.choices.empty() ? kind_by_name(shape.names.back()) : ValueKind::kChoice;
  return shape;
}

}  // namespace

CommandShape shape_of(const CLI::App& command) {
  CommandShape shape{command.get_name(), command.get_description(), {}, {}};
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;  // hidden from --help too
    (option->get_positional() ? shape.positionals : shape.options).push_back(shape_of(*option));
  }
  return shape;
}

std::vector<CommandShape> shapes_of_commands(const CLI::App& app) {
  std::vector<CommandShape> shapes;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    shapes.push_back(shape_of(*command));
  }
  return shapes;
}

}  // namespace flarestack
