// SPDX-License-Identifier: Apache-2.0
#include "tools/doctor_output.h"

#include <algorithm>

#include <fmt/format.h>

#include "profiler/doctor.h"
#include "report/json_writer.h"

namespace flarestack {

namespace {

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kWarning:
      return "warning";
    case Outcome::kProblem:
      break;
  }
  return "problem";
}

std::string painted_outcome(Outcome outcome, const Painter& painter) {
  std::string text = padded(outcome_name(outcome), 7);
  if (outcome == Outcome::kOk) return painter.good(text);
  return outcome == Outcome::kWarning ? painter.note(text) : painter.bad(text);
}

std::string closing_sentence(const std::vector<Check>& checks) {
  auto count = [&](Outcome outcome) { return std::ranges::count(checks, outcome, &Check::outcome); };
  auto problems = count(Outcome::kProblem);
  auto warnings = count(Outcome::kWarning);
  std::string noted = fmt::format("{} warning{}", warnings, warnings == 1 ? "" : "s");
  if (problems == 0) return fmt::format("Ready to record, {}.", warnings == 0 ? "no warning" : noted);
  return fmt::format("{} problem{}, {}.", problems, problems == 1 ? "" : "s", noted);
}

}  // namespace

std::string doctor_text(const std::vector<Check>& checks, Colour colour) {
  Painter painter(colour);
  size_t width = 0;
  for (const Check& check : checks) width = std::max(width, check.name.size());
  std::string text;
  for (const Check& check : checks) {
    text += fmt::format("{}  {}  {}\n", painted_outcome(check.outcome, painter), padded(check.name, width),
                        printable(check.sentence));
    if (!check.command.empty()) {
      text += fmt::format("{}$ {}\n", std::string(width + 11, ' '), painter.bold(printable(check.command)));
    }
  }
  return text + "\n" + painter.bold(closing_sentence(checks)) + "\n";
}

std::string doctor_json(const std::vector<Check>& checks) {
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.doctor/1");
  json.member("recordable", is_recordable(checks));
  json.key("checks");
  json.begin_array();
  for (const Check& check : checks) {
    json.begin_object();
    json.member("name", check.name);
    json.member("outcome", outcome_name(check.outcome));
    json.member("sentence", check.sentence);
    json.key("command");
    if (check.command.empty()) {
      json.null();
    } else {
      json.value(check.command);
    }
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
