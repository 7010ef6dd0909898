// SPDX-License-Identifier: Apache-2.0
#include "report/bench_text.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "report/markdown_text.h"
#include "report/metric_words.h"

namespace flarestack {
namespace {

constexpr size_t kFunctionsShown = 5;
constexpr uint64_t kFewSamples = 20;  // too few to name a cause

const char* label_of(RunMetric metric) {
  switch (metric) {
    case RunMetric::kWall:
      return "wall";
    case RunMetric::kUser:
      return "user";
    case RunMetric::kSystem:
      return "system";
    case RunMetric::kPeakRss:
      return "peak RSS";
  }
  return "";
}

std::string signed_value(Metric metric, int64_t value) {
  return (value < 0 ? "-" : "+") + format_value(metric, static_cast<uint64_t>(std::abs(value)));
}

// "10 runs, 2 outliers, all with exit status 0".
std::string runs_phrase(const BenchmarkedCommand& command, const RunStatistics& wall) {
  std::map<int, size_t> statuses;
  for (const BenchmarkRun& run : command.runs) ++statuses[run.status];
  std::string text = fmt::format("{} run{}", format_count(wall.runs), wall.runs == 1 ? "" : "s");
  if (!wall.outliers.empty())
    text += fmt::format(", {} outlier{}", wall.outliers.size(), wall.outliers.size() == 1 ? "" : "s");
  if (statuses.size() == 1) return text + fmt::format(", exit status {}", statuses.begin()->first);
  for (const auto& [status, count] : statuses) text += fmt::format(", exit status {}: {}", status, format_count(count));
  return text;
}

void append_command(const BenchmarkedCommand& command, size_t number, const TextLayout& layout, std::string& out) {
  const Painter painter(layout.colour);
  const char* plus_minus = layout.unicode ? "±" : "+-";
  out += painter.bold(fmt::format("{}  {}", number, shorten_middle(printable(command.line), layout.width - 4))) + "\n";
  if (command.runs.empty()) {
    out += "   not measured\n\n";
    return;
  }
  const RunStatistics wall = run_statistics(command.values(RunMetric::kWall));
  out += painter.dim(fmt::format("   {:<9}{:>20}    {:>10}  {:<24}{}", "",
                                 std::string("MEAN ") + (layout.unicode ? " ± SD" : "+- SD"), "MEDIAN",
                                 fmt::format("({:.0f}% SURE)", 100 * wall.interval.confidence), "LEAST .. GREATEST")) +
         "\n";
  for (const RunMetric metric : kRunMetrics) {
    const RunStatistics of = metric == RunMetric::kWall ? wall : run_statistics(command.values(metric));
    const std::string mean = format_measure(metric, of.mean);
    const std::string line = fmt::format(
        "   {:<9}{:>9} {} {:>8}    {:>10}  {:<24}{}", label_of(metric), mean, plus_minus,
        format_measure(metric, of.deviation), format_measure(metric, of.median),
        fmt::format("({} .. {})", format_measure(metric, of.interval.low), format_measure(metric, of.interval.high)),
        fmt::format("{} .. {}", format_measure(metric, of.least), format_measure(metric, of.greatest)));
    out += line + "\n";
  }
  out += "   " + painter.dim(runs_phrase(command, wall)) + "\n\n";
}

std::string function_line(const FunctionChange& change, Metric metric, size_t room) {
  return fmt::format("  {:>10}  {:>10}  {:>10}  {:>11}  {}\n", signed_value(metric, change.self_change()),
                     format_value(metric, change.base_self), format_value(metric, change.self),
                     signed_value(metric, change.total_change()),
                     short_function(change.name, room) + "  " + printable(change.module));
}

void append_changes(const FunctionChanges& changes, const TextLayout& layout, std::string& out) {
  const Painter painter(layout.colour);
  const Metric metric = changes.metric;
  const bool is_cpu = metric == Metric::kCpu;
  out += fmt::format("  {}: {} instead of {}\n", is_cpu ? "CPU time" : "allocated", format_value(metric, changes.total),
                     format_value(metric, changes.base_total));
  if (is_cpu && std::max(changes.samples, changes.base_samples) < kFewSamples) {
    out +=
        painter.dim(fmt::format("  too short for a cause: {} and {} samples", changes.samples, changes.base_samples)) +
        "\n";
    return;
  }
  if (changes.functions.empty()) {
    out +=
        painter.dim(changes.is_exact ? "  no function differs" : "  no function differs beyond the noise of sampling") +
        "\n";
    return;
  }
  out +=
      painter.dim(fmt::format("  {:>10}  {:>10}  {:>10}  {:>11}  {}", "SELF", "WAS", "IS", "WITH CALLS", "FUNCTION")) +
      "\n";
  const size_t room = layout.width > 100 ? layout.width - 70 : 40;
  for (size_t i = 0; i < std::min(changes.functions.size(), kFunctionsShown); ++i)
    out += function_line(changes.functions[i], metric, room);
  if (changes.functions.size() > kFunctionsShown)
    out += painter.dim(fmt::format("  and {} more", changes.functions.size() - kFunctionsShown)) + "\n";
}

void append_comparison(const Benchmark& benchmark, const TextLayout& layout, std::string& out) {
  const std::optional<size_t> fastest = fastest_command(benchmark);
  const std::vector<ComparedCommand> compared = compared_commands(benchmark);
  if (!fastest || compared.empty()) return;
  const Painter painter(layout.colour);
  const size_t room = layout.width - 8;
  out += "By wall time " + painter.bold(shorten_middle(printable(benchmark.commands[*fastest].line), room)) + " ran\n";
  for (const ComparedCommand& each : compared) {
    const std::string phrase = slowdown_phrase(each, layout.unicode ? "±" : "+-");
    out += fmt::format("  {}\n    {} {}\n", each.differs() ? painter.good(phrase) : painter.note(phrase),
                       each.differs() ? "than" : "from",
                       shorten_middle(printable(benchmark.commands[each.command].line), room));
  }
  out += "\n";
}

void append_causes(const Benchmark& benchmark, const TextLayout& layout, std::string& out) {
  const std::optional<size_t> fastest = fastest_command(benchmark);
  if (benchmark.causes.empty() || !fastest) return;
  const Painter painter(layout.colour);
  const size_t room = layout.width / 2 - 6;
  out += painter.bold("What differs") + painter.dim("  in one recorded run of each") + "\n";
  for (const BenchmarkCause& cause : benchmark.causes) {
    out += fmt::format(" {} against {}\n", shorten_middle(printable(benchmark.commands[cause.command].line), room),
                       shorten_middle(printable(benchmark.commands[*fastest].line), room));
    append_changes(cause.cpu, layout, out);
    if (cause.allocated) append_changes(*cause.allocated, layout, out);
  }
  out += "\n";
}

std::string shell_phrase(const ShellCost& shell) {
  return fmt::format("without the {} that {} takes to start", format_duration(static_cast<uint64_t>(shell.wall_ns)),
                     printable(shell.shell));
}

}  // namespace

std::string format_measure(RunMetric metric, double value) {
  const auto rounded = static_cast<uint64_t>(std::llround(std::max(value, 0.0)));
  return metric == RunMetric::kPeakRss ? format_bytes(rounded) : format_duration(rounded);
}

std::string slowdown_phrase(const ComparedCommand& compared, const char* plus_minus) {
  const RatioEstimate& slowdown = compared.slowdown;
  const double margin = std::max(slowdown.interval.high - slowdown.ratio, slowdown.ratio - slowdown.interval.low);
  const std::string p = slowdown.p < 0.001 ? "p < 0.001" : fmt::format("p = {:.2g}", slowdown.p);
  if (compared.differs())
    return fmt::format("{:.2f} {} {:.2f} times faster ({})", slowdown.ratio, plus_minus, margin, p);
  return fmt::format("no difference beyond the noise ({}; {:.2f} {} {:.2f} times)", p, slowdown.ratio, plus_minus,
                     margin);
}

std::string bench_text(const Benchmark& benchmark, const TextLayout& layout) {
  const Painter painter(layout.colour);
  std::string out;
  for (size_t i = 0; i < benchmark.commands.size(); ++i) append_command(benchmark.commands[i], i + 1, layout, out);
  append_comparison(benchmark, layout, out);
  append_causes(benchmark, layout, out);
  for (const BenchmarkedCommand& command : benchmark.commands) {
    if (!command.trace_path.empty()) out += fmt::format("  trace: {}\n", printable(command.trace_path));
  }
  if (benchmark.shell) out += painter.dim(shell_phrase(*benchmark.shell)) + "\n";
  for (const std::string& note : benchmark.notes) out += painter.note("note: " + printable(note)) + "\n";
  if (benchmark.interrupted) out += painter.note("interrupted: this is what was measured until then") + "\n";
  return out;
}

std::string bench_markdown(const Benchmark& benchmark) {
  std::string out =
      "| Command | Mean | SD | Median | Least | Greatest | User | System | Peak RSS | Runs | Relative |\n"
      "|:---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  const std::optional<size_t> fastest = fastest_command(benchmark);
  const std::vector<ComparedCommand> compared = compared_commands(benchmark);
  for (size_t i = 0; i < benchmark.commands.size(); ++i) {
    const BenchmarkedCommand& command = benchmark.commands[i];
    if (command.runs.empty()) continue;
    const RunStatistics wall = run_statistics(command.values(RunMetric::kWall));
    const auto mean_of_metric = [&](RunMetric metric) {
      return format_measure(metric, mean_of(command.values(metric)));
    };
    std::string relative = "1.00";
    for (const ComparedCommand& each : compared) {
      if (each.command != i) continue;
      relative = each.differs() ? fmt::format("{:.2f} ({:.2f} .. {:.2f})", each.slowdown.ratio,
                                              each.slowdown.interval.low, each.slowdown.interval.high)
                                : fmt::format("within noise, p = {:.2g}", each.slowdown.p);
    }
    out += fmt::format("| {}{} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                       markdown_code(printable(command.line)), fastest == i && compared.size() != 0 ? " (fastest)" : "",
                       format_measure(RunMetric::kWall, wall.mean), format_measure(RunMetric::kWall, wall.deviation),
                       format_measure(RunMetric::kWall, wall.median), format_measure(RunMetric::kWall, wall.least),
                       format_measure(RunMetric::kWall, wall.greatest), mean_of_metric(RunMetric::kUser),
                       mean_of_metric(RunMetric::kSystem), mean_of_metric(RunMetric::kPeakRss), wall.runs, relative);
  }
  for (const BenchmarkCause& cause : benchmark.causes) {
    for (const FunctionChanges* changes : {&cause.cpu, cause.allocated ? &*cause.allocated : nullptr}) {
      if (changes == nullptr || changes->functions.empty()) continue;
      out += fmt::format(
          "\n{} against the fastest, {}:\n\n| Self | Was | Is | With calls | Function | Module |\n"
          "|---:|---:|---:|---:|:---|:---|\n",
          markdown_code(printable(benchmark.commands[cause.command].line)),
          changes->metric == Metric::kCpu ? "CPU time" : "bytes allocated");
      for (size_t i = 0; i < std::min(changes->functions.size(), kFunctionsShown); ++i) {
        const FunctionChange& change = changes->functions[i];
        const Metric metric = changes->metric;
        out += fmt::format("| {} | {} | {} | {} | {} | {} |\n", signed_value(metric, change.self_change()),
                           format_value(metric, change.base_self), format_value(metric, change.self),
                           signed_value(metric, change.total_change()), markdown_code(short_function(change.name, 120)),
                           markdown_text(change.module));
      }
    }
  }
  return out;
}

}  // namespace flarestack
