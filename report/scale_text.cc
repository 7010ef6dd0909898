// SPDX-License-Identifier: Apache-2.0
#include "report/scale_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "report/metric_words.h"
#include "report/scale_plot.h"

namespace flarestack {
namespace {

constexpr double kLeastShare = 0.01;  // of the whole at the greatest size: less is not listed
constexpr double kTooMuch = 9e18;     // more than a number of a report holds

std::string value_text(Metric metric, double value) {
  return value > kTooMuch ? "too much"
                          : format_value(metric, static_cast<uint64_t>(std::llround(std::max(value, 0.0))));
}

// "2.00 (1.96..2.04)".
std::string exponent_text(const ScalingFit& fit) {
  if (!fit.exponent) return "";
  return fmt::format("{:.2f} ({:.2f}..{:.2f})", *fit.exponent, fit.exponent_low, fit.exponent_high);
}

std::string predicted_text(const ScalingStudy& study, Metric metric, const ScalingFit& fit) {
  std::string text;
  for (const double size : study.asked_sizes) {
    const std::optional<PredictedCost> predicted = predicted_cost(fit, size);
    text += fmt::format("  {:>12}", predicted ? value_text(metric, predicted->cost) : "-");
  }
  return text;
}

std::string predicted_heads(const ScalingStudy& study) {
  std::string text;
  for (const double size : study.asked_sizes) text += fmt::format("  {:>12}", "AT " + size_text(size));
  return text;
}

void append_whole_row(const ScalingStudy& study, const char* name, Metric metric, const ScaledCost& cost,
                      std::string& out) {
  std::string line = fmt::format("{:<12}", name);
  for (const double value : cost.costs) line += fmt::format("{:>11}", value_text(metric, value));
  line += fmt::format("    {:<28}{:<19}", law_phrase(cost.fit), exponent_text(cost.fit));
  out += line + predicted_text(study, metric, cost.fit) + "\n";
}

void append_whole(const ScalingStudy& study, const Painter& painter, std::string& out) {
  std::string head = fmt::format("{:<12}", "WHOLE, AT");
  for (const double size : study.sizes) head += fmt::format("{:>11}", size_text(size));
  head += fmt::format("    {:<28}{:<19}", "GROWS", "EXPONENT") + predicted_heads(study);
  out += painter.dim(head) + "\n";
  if (study.has_cpu) append_whole_row(study, "CPU time", Metric::kCpu, study.cpu, out);
  if (study.has_heap) {
    append_whole_row(study, "allocated", Metric::kAllocated, study.allocated, out);
    append_whole_row(study, "allocations", Metric::kAllocations, study.allocations, out);
    append_whole_row(study, "peak", Metric::kPeak, study.peak, out);
  }
}

struct Row {
  const ScaledCost* cost = nullptr;
  std::string name;
};

// Those that grow worse first.
void append_rows(const ScalingStudy& study, Metric metric, const char* title, std::vector<Row> rows, double whole,
                 const ScaleTextOptions& options, std::string& out) {
  std::erase_if(rows, [&](const Row& row) { return row.cost->last() < kLeastShare * whole || row.cost->last() <= 0; });
  if (rows.empty()) return;
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    if (a.cost->is_worse != b.cost->is_worse) return a.cost->is_worse;
    return a.cost->last() > b.cost->last();
  });
  const Painter painter(options.layout.colour);
  out += "\n" + painter.bold(title) + "\n";
  out += painter.dim(fmt::format("  {:>11}{:>8}    {:<28}{:<19}{}  {}", "AT " + size_text(study.sizes.back()), "SHARE",
                                 "GROWS", "EXPONENT", predicted_heads(study), "WHERE")) +
         "\n";
  size_t shown = 0;
  for (const Row& row : rows) {
    if (!row.cost->is_worse && options.top != 0 && shown >= options.top) break;
    ++shown;
    const std::string line = fmt::format(
        "{} {:>11}{:>7.1f}%    {:<28}{:<19}{}  {}", row.cost->is_worse ? "!" : " ",
        value_text(metric, row.cost->last()), whole > 0 ? 100 * row.cost->last() / whole : 0, law_phrase(row.cost->fit),
        exponent_text(row.cost->fit), predicted_text(study, metric, row.cost->fit), row.name);
    out += (row.cost->is_worse ? painter.bad(line) : line) + "\n";
  }
  if (shown < rows.size()) out += painter.dim(fmt::format("  and {} more", rows.size() - shown)) + "\n";
}

std::string place_text(const ScaledSite& site) {
  std::string text = short_function(site.function, 50);
  if (site.line != 0) text += fmt::format("  {}:{}", short_file(site.file, 40), site.line);
  return text + "  " + printable(site.module);
}

void append_functions(const ScalingStudy& study, const ScaleTextOptions& options, std::string& out) {
  std::vector<Row> self;
  std::vector<Row> total;
  for (const ScaledFunction& function : study.functions) {
    const std::string name = short_function(function.name, 60) + "  " + printable(function.module);
    self.push_back({&function.self, name});
    if (function.total.last() > 1.01 * function.self.last()) total.push_back({&function.total, name});
  }
  append_rows(study, Metric::kCpu, "CPU time in functions themselves", std::move(self), study.cpu.last(), options, out);
  append_rows(study, Metric::kCpu, "CPU time in functions with what they call", std::move(total), study.cpu.last(),
              options, out);
}

void append_sites(const ScalingStudy& study, const ScaleTextOptions& options, std::string& out) {
  const auto append = [&](Metric metric, const char* title, ScaledCost ScaledSite::*cost, const ScaledCost& whole) {
    std::vector<Row> rows;
    for (const ScaledSite& site : study.sites) rows.push_back({&(site.*cost), place_text(site)});
    append_rows(study, metric, title, std::move(rows), whole.last(), options, out);
  };
  append(Metric::kAllocated, "Bytes allocated, by site", &ScaledSite::allocated, study.allocated);
  append(Metric::kAllocations, "Allocations, by site", &ScaledSite::allocations, study.allocations);
  append(Metric::kPeak, "Heap at its peak, by site", &ScaledSite::peak, study.peak);
}

}  // namespace

std::string law_phrase(const ScalingFit& fit) {
  switch (fit.verdict) {
    case ScalingVerdict::kNotEnoughSizes:
      return "too few sizes";
    case ScalingVerdict::kTooSmall:
      return "too little to tell";
    case ScalingVerdict::kIrregular:
      return "irregular";
    case ScalingVerdict::kFitted:
      break;
  }
  if (fit.is_clear()) {
    return fmt::format("{} ({:.0f}%)", growth_law_name(fit.best().law), std::min(99.0, 100 * fit.best().weight));
  }
  const std::vector<GrowthLaw> likely = fit.likely_laws();
  if (likely.size() > 3)
    return fmt::format("{} .. {}", growth_law_name(likely.front()), growth_law_name(likely.back()));
  std::string text;
  for (const GrowthLaw law : likely) text += (text.empty() ? "" : " or ") + std::string(growth_law_name(law));
  return text;
}

std::string size_text(double size) { return fmt::format("{:g}", size); }

std::string scale_text(const ScalingStudy& study, const ScaleTextOptions& options) {
  const Painter painter(options.layout.colour);
  std::string out = painter.bold(fmt::format("How it grows with {}", printable(study.parameter))) + "  " +
                    printable(study.line) + "\n";
  if (study.sizes.empty()) {
    out += "nothing was recorded\n";
  } else {
    append_whole(study, painter, out);
    if (study.has_cpu) append_functions(study, options, out);
    if (study.has_heap) append_sites(study, options, out);
    out +=
        "\n! grows faster than the whole, beyond the noise. The percentage is how sure the law is against the "
        "others.\n";
    out += "\n" + scale_plot_text(study, options.layout);
  }
  for (const std::string& note : study.notes) out += painter.note("note: " + printable(note)) + "\n";
  if (study.interrupted) out += painter.note("interrupted: this is what was recorded until then") + "\n";
  return out;
}

}  // namespace flarestack
