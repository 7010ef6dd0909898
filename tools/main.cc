// SPDX-License-Identifier: Apache-2.0
// flarestack: finds the command, prints the one error line, picks the exit status.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>

#include <fmt/format.h>

#include "base/spelling.h"
#include "tools/command.h"
#include "tools/completion.h"

namespace flarestack {

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands = {
      {"record", "run a program and record where its time goes", "flarestack record -- python3 script.py",
       declare_record},
      {"attach", "record a process that runs already", "flarestack attach 4711 --duration 10s", declare_attach},
      {"detach", "stop recording a process that was attached to; it goes on", "flarestack detach 4711", declare_detach},
      {"top", "what a process that runs already is busy with, on the terminal", "flarestack top 4711", declare_top},
      {"report", "functions by the time they cost, and how good the recording is",
       "flarestack report flarestack.python3.71.flare", declare_report},
      {"tree", "the call tree, or the callers and callees of one function", "flarestack tree app.flare parse_document",
       declare_tree},
      {"annotate", "a function's source lines and instructions with their cost, and what kind of work they are",
       "flarestack annotate app.flare parse_document", declare_annotate},
      {"leaks", "what leaks, by verdict and call path, and what keeps growing", "flarestack leaks app.flare",
       declare_leaks},
      {"flamegraph", "an interactive flame graph as one SVG file", "flarestack flamegraph app.flare -o app.svg",
       declare_flamegraph},
      {"view", "the whole recording, or two compared, as one interactive HTML page",
       "flarestack view app.flare -o app.html", declare_view},
      {"diff", "what got slower, hungrier or leakier from one recording to another",
       "flarestack diff before.flare after.flare", declare_diff},
      {"plot", "memory and processors in use over time, as a picture or in the terminal",
       "flarestack plot app.flare -o app.svg", declare_plot},
      {"export", "the profile for other tools", "flarestack export app.flare --format collapsed -o app.folded",
       declare_export},
      {"import", "a trace of what another tool recorded: perf script, collapsed stacks, pprof",
       "perf script -F +pid | flarestack import - -o app.flare", declare_import},
      {"bundle", "pack the binaries, debug files and sources that a trace needs into it", "flarestack bundle app.flare",
       declare_bundle},
      {"bench", "run commands again and again, compare what they cost, and say what makes the difference",
       "flarestack bench 'sort words' 'sort -u words'", declare_bench},
      {"scale", "how the cost of each function and allocation site grows with a parameter",
       "flarestack scale --parameter n=1000,2000,4000,8000 -- ./app {n}", declare_scale},
      {"info", "what was recorded, process by process, and how well", "flarestack info app.flare", declare_info},
      {"gate", "budgets and baselines of commands, as an exit status", "flarestack gate --config flarestack.toml",
       declare_gate},
      {"history", "results over time: store, list, chart, export them", "flarestack history add app.flare",
       declare_history},
      {"doctor", "can this machine, or this process, be recorded", "flarestack doctor", declare_doctor},
  };
  return kCommands;
}

namespace {

bool is_command(std::string_view word) {
  return std::ranges::any_of(commands(), [&](const Command& command) { return word == command.name; });
}

// "unknown command 'reprot'; did you mean 'report'?"
std::string unknown_command(const std::string& word) {
  std::vector<std::string_view> names;
  for (const Command& command : commands()) {
    names.emplace_back(command.name);
  }
  const std::optional<std::string_view> near = closest_spelling(word, names);
  return fmt::format("unknown command '{}'; {}", word,
                     near ? fmt::format("did you mean '{}'?", *near) : "flarestack --help lists the commands");
}

std::string unknown_option(const CLI::App& app, const std::string& message) {
  size_t at = message.find("--");
  while (at != std::string::npos && (at + 2 == message.size() || message[at + 2] == ' ')) {
    at = message.find("--", at + 2);  // a bare "--" is no option
  }
  if (at == std::string::npos) {
    return message;
  }
  const std::string word = message.substr(at, message.find_first_of(" =", at) - at);
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::optional<std::string_view> near = closest_spelling(word, views);
  return near ? fmt::format("{}; did you mean {}?", message, *near) : message;
}

int run(int argument_count, char** arguments) {
  CLI::App app("flarestack: where a program's time goes, without recompiling it and without root.", "flarestack");
  app.set_version_flag("--version", "flarestack " FLARESTACK_VERSION);
  app.require_subcommand(0, 1);
  std::string completion_shell;
  app.add_option("--completion", completion_shell,
                 "print the script that completes this command line: bash, zsh or fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  app.footer("flarestack COMMAND --help tells more about each command.");
  std::map<const CLI::App*, std::pair<const Command*, CommandBody>> bodies;
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->footer(fmt::format("Example:\n  {}", command.example));
    bodies[sub] = {&command, command.declare(*sub)};
  }
  if (argument_count > 1 && arguments[1][0] != '-' && !is_command(arguments[1])) {
    print_error(unknown_command(arguments[1]));
    return kExitUsage;
  }
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    const CLI::App& named = chosen.empty() ? app : *chosen.front();
    print_error(fmt::format("{} ({} --help tells more)", unknown_option(named, error.what()),
                            chosen.empty() ? "flarestack" : "flarestack " + named.get_name()));
    return kExitUsage;
  }
  if (!completion_shell.empty()) {
    fmt::print("{}", completion_script(app, completion_shell));
    return kExitGood;
  }
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  if (chosen.empty()) {
    fmt::print("{}", app.help());
    return kExitUsage;
  }
  const auto& [command, body] = bodies.at(chosen.front());
  const Result<int> status = body();
  if (!status.ok()) {
    print_error(status.error().message);
    return std::string_view(command->name) == "record" ? kExitRecorderFailed : kExitFailed;
  }
  return *status;
}

}  // namespace
}  // namespace flarestack

int main(int argument_count, char** arguments) {
  try {
    return flarestack::run(argument_count, arguments);
  } catch (const std::exception& exception) {
    // Libraries throw where we would return an error: out of memory, a bad regular expression.
    fmt::print(stderr, "flarestack: {}\n", exception.what());
    return flarestack::kExitFailed;
  }
}
