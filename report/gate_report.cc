// SPDX-License-Identifier: Apache-2.0
#include "report/gate_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "report/json_writer.h"
#include "report/markdown_text.h"
#include "report/run_record_json.h"

namespace flarestack {
namespace {

constexpr size_t kFramesShown = 6;

const char* outcome_word(GateOutcome outcome) {
  switch (outcome) {
    case GateOutcome::kHolds:
      return "ok";
    case GateOutcome::kAboveTarget:
      return "above target";
    case GateOutcome::kAboveMaximum:
      return "FAILED";
    case GateOutcome::kNotMeasured:
      break;
  }
  return "NOT MEASURED";
}

std::string check_name(const GateCheck& check) {
  return check.metric == kFunctionShare ? "share of " + check.function : check.metric;
}

std::string limit_words(const char* name, const std::optional<GateLimit>& limit, const std::optional<double>& bound,
                        const std::string& unit) {
  if (!limit) return "";
  if (!limit->is_relative || !bound) return fmt::format("{} {}", name, limit->text);
  return fmt::format("{} {} or noise: {}", name, limit->text, format_measure(*bound, unit));
}

// "expected 12.3 ms (+4.2%), maximum +5% or noise: 13.0 ms"
std::string comparison(const GateVerdict& verdict) {
  std::vector<std::string> parts;
  if (verdict.expected) {
    std::string text = "expected " + format_measure(*verdict.expected, verdict.unit);
    if (*verdict.expected > 0) text += fmt::format(" ({:+.1f}%)", 100 * (verdict.value / *verdict.expected - 1));
    parts.push_back(text);
  }
  for (const std::string& words : {limit_words("target", verdict.check.target, verdict.target, verdict.unit),
                                   limit_words("maximum", verdict.check.maximum, verdict.maximum, verdict.unit)}) {
    if (!words.empty()) parts.push_back(words);
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

// "+3.20 ms in" or "4.50 MiB in"; empty: there is no cause.
std::string cause_amount(const GateCause& cause) {
  if (cause.frames.empty()) return "";
  if (!cause.before) return format_measure(cause.value, cause.unit);
  return "+" + format_measure(cause.value - *cause.before, cause.unit);
}

std::string cause_words(const GateCause& cause) { return cause.before ? "more in" : "most in"; }

bool is_bad(GateOutcome outcome) {
  return outcome == GateOutcome::kAboveMaximum || outcome == GateOutcome::kNotMeasured;
}

void append_verdict(const GateVerdict& verdict, const Painter& painter, const TextLayout& layout, size_t name_width,
                    std::string& out) {
  const std::string word = padded(outcome_word(verdict.outcome), 13);
  const std::string painted = is_bad(verdict.outcome)                        ? painter.bad(word)
                              : verdict.outcome == GateOutcome::kAboveTarget ? painter.note(word)
                                                                             : painter.good(word);
  const bool measured = verdict.outcome != GateOutcome::kNotMeasured || !verdict.unit.empty();
  out += fmt::format("  {} {} {:>10}  {}\n", painted, padded(printable(check_name(verdict.check)), name_width),
                     measured ? format_measure(verdict.value, verdict.unit) : "", comparison(verdict));
  if (!verdict.note.empty()) out += "                " + painter.dim(printable(verdict.note)) + "\n";
  if (verdict.cause.frames.empty()) return;
  const std::string text = fmt::format("{} {} {}", cause_amount(verdict.cause), cause_words(verdict.cause),
                                       printable(path_text(verdict.cause.frames, kFramesShown)));
  out += "                " + painter.dim(shorten_end(text, std::max<size_t>(layout.width, 60) - 16)) + "\n";
}

void write_limit(JsonWriter& json, const char* name, const std::optional<GateLimit>& limit,
                 const std::optional<double>& bound) {
  json.key(name);
  if (!limit) return json.null();
  json.begin_object();
  json.member("text", limit->text);
  json.member("relative", limit->is_relative);
  json.key("bound");
  if (bound) {
    json.value(*bound);
  } else {
    json.null();
  }
  json.end_object();
}

void write_optional(JsonWriter& json, const char* name, const std::optional<double>& number) {
  json.key(name);
  if (number) {
    json.value(*number);
  } else {
    json.null();
  }
}

void write_verdict(JsonWriter& json, const GateVerdict& verdict) {
  json.begin_object();
  json.member("metric", verdict.check.metric);
  if (!verdict.check.function.empty()) json.member("function", verdict.check.function);
  json.member("outcome", outcome_name(verdict.outcome));
  json.member("unit", verdict.unit);
  json.member("value", verdict.value);
  write_optional(json, "expected", verdict.expected);
  write_optional(json, "noise_bound", verdict.noise_bound);
  write_limit(json, "target", verdict.check.target, verdict.target);
  write_limit(json, "maximum", verdict.check.maximum, verdict.maximum);
  json.member("note", verdict.note);
  json.key("cause");
  json.begin_object();
  json.member("path", verdict.cause.frames);  // the root first
  json.member("unit", verdict.cause.unit);
  json.member("value", verdict.cause.value);
  write_optional(json, "before", verdict.cause.before);
  json.end_object();
  json.end_object();
}

}  // namespace

std::string gate_text(const GateResult& result, const TextLayout& layout) {
  const Painter painter(layout.colour);
  std::string out;
  for (const GateStepResult& step : result.steps) {
    const MeasuredMetric* wall = step.record.metric(kWallTime);
    out += fmt::format("{}  {}  {}\n", painter.bold(printable(step.name)), printable(command_line(step.command)),
                       painter.dim(fmt::format("{} runs, {} sessions before", wall == nullptr ? 0 : wall->runs.size(),
                                               step.sessions_before)));
    if (!step.problem.empty()) {
      out += fmt::format("  {} {}\n", painter.bad(padded(outcome_word(GateOutcome::kNotMeasured), 13)),
                         printable(step.problem));
    }
    size_t name_width = 12;
    for (const GateVerdict& verdict : step.verdicts)
      name_width = std::max(name_width, check_name(verdict.check).size());
    for (const GateVerdict& verdict : step.verdicts) append_verdict(verdict, painter, layout, name_width, out);
  }
  out += result.holds() ? painter.good("The gate holds.") : painter.bad("The gate does not hold.");
  return out + "\n";
}

std::string gate_json(const GateResult& result) {
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.gate/1");
  json.member("config", result.config);
  json.member("commit", result.commit);
  json.member("holds", result.holds());
  json.key("steps");
  json.begin_array();
  for (const GateStepResult& step : result.steps) {
    json.begin_object();
    json.member("name", step.name);
    json.member("command", step.command);
    json.member("problem", step.problem);
    json.member("sessions_before", static_cast<uint64_t>(step.sessions_before));
    json.key("verdicts");
    json.begin_array();
    for (const GateVerdict& verdict : step.verdicts) write_verdict(json, verdict);
    json.end_array();
    json.key("record");
    if (step.problem.empty()) {
      json.begin_object();
      write_run_record(json, step.record);
      json.end_object();
    } else {
      json.null();
    }
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.finish();
}

std::string gate_markdown(const GateResult& result) {
  std::string out = result.holds() ? "### The gate holds\n" : "### The gate does not hold\n";
  for (const GateStepResult& step : result.steps) {
    out += fmt::format("\n**{}** {}\n\n", markdown_text(step.name), markdown_code(command_line(step.command)));
    if (!step.problem.empty()) {
      out += fmt::format("{}: {}\n", outcome_word(GateOutcome::kNotMeasured), markdown_text(step.problem));
      continue;
    }
    if (step.verdicts.empty()) continue;
    out += "| verdict | metric | value | compared with | call path |\n|---|---|---:|---|---|\n";
    for (const GateVerdict& verdict : step.verdicts) {
      const std::string path = verdict.cause.frames.empty()
                                   ? ""
                                   : fmt::format("{} {} {}", cause_amount(verdict.cause), cause_words(verdict.cause),
                                                 markdown_code(path_text(verdict.cause.frames, kFramesShown)));
      out += fmt::format(
          "| {} | {} | {} | {} | {} |\n", outcome_word(verdict.outcome), markdown_text(check_name(verdict.check)),
          format_measure(verdict.value, verdict.unit),
          markdown_text(verdict.note.empty() ? comparison(verdict) : comparison(verdict) + " (" + verdict.note + ")"),
          path);
    }
  }
  return out;
}

}  // namespace flarestack
