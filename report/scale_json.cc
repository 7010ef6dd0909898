// SPDX-License-Identifier: Apache-2.0
#include "report/scale_json.h"

#include <cmath>

#include "report/bench_json.h"
#include "report/json_writer.h"

namespace flarestack {
namespace {

const char* verdict_name(ScalingVerdict verdict) {
  switch (verdict) {
    case ScalingVerdict::kNotEnoughSizes:
      return "not enough sizes";
    case ScalingVerdict::kTooSmall:
      return "too small";
    case ScalingVerdict::kIrregular:
      return "irregular";
    case ScalingVerdict::kFitted:
      return "fitted";
  }
  return "";
}

void write_law(JsonWriter& json, const FittedLaw& law) {
  json.member("law", growth_law_name(law.law));
  json.member("confidence", law.weight);
  json.member("offset", law.offset);
  json.member("factor", law.factor);
  if (law.law == GrowthLaw::kExponential) json.member("base", std::exp(law.rate));
}

void write_predictions(JsonWriter& json, const ScalingFit& fit, const std::vector<double>& sizes) {
  json.key("predicted");
  json.begin_array();
  for (const double size : sizes) {
    const std::optional<PredictedCost> predicted = predicted_cost(fit, size);
    if (!predicted) continue;
    json.begin_object();
    json.member("size", size);
    json.member("cost", predicted->cost);
    json.member("low", predicted->low);
    json.member("high", predicted->high);
    json.end_object();
  }
  json.end_array();
}

void write_cost(JsonWriter& json, std::string_view name, const ScaledCost& cost, const ScalingStudy& study) {
  const ScalingFit& fit = cost.fit;
  json.key(name);
  json.begin_object();
  json.column("costs", cost.costs.size(), [&](size_t i) { return cost.costs[i]; });
  json.member("worse_than_whole", cost.is_worse);
  json.member("verdict", verdict_name(fit.verdict));
  if (fit.verdict == ScalingVerdict::kFitted) {
    json.member("clear", fit.is_clear());
    write_law(json, fit.best());
    json.key("likely");
    json.begin_array();
    for (const GrowthLaw law : fit.likely_laws()) json.value(growth_law_name(law));
    json.end_array();
    json.key("exponent");
    if (fit.exponent) {
      json.begin_object();
      json.member("value", *fit.exponent);
      json.member("low", fit.exponent_low);
      json.member("high", fit.exponent_high);
      json.end_object();
    } else {
      json.null();
    }
    write_predictions(json, fit, study.asked_sizes);
  }
  json.end_object();
}

void write_function(JsonWriter& json, const ScaledFunction& function, const ScalingStudy& study) {
  json.begin_object();
  json.member("name", function.name);
  json.member("module", function.module);
  json.member("worse_than_whole", function.is_worse());
  write_cost(json, "self", function.self, study);
  write_cost(json, "total", function.total, study);
  json.end_object();
}

void write_site(JsonWriter& json, const ScaledSite& site, const ScalingStudy& study) {
  json.begin_object();
  json.member("function", site.function);
  json.member("module", site.module);
  json.member("file", site.file);
  json.member("line", site.line);
  json.member("worse_than_whole", site.is_worse());
  write_cost(json, "allocated", site.allocated, study);
  write_cost(json, "allocations", site.allocations, study);
  write_cost(json, "peak", site.peak, study);
  json.end_object();
}

}  // namespace

std::string scale_json(const ScalingStudy& study) {
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.scale/1");
  json.member("command", study.line);
  json.member("parameter", study.parameter);
  write_host(json, study.host);
  json.member("interrupted", study.interrupted);
  json.column("sizes", study.sizes.size(), [&](size_t i) { return study.sizes[i]; });
  json.column("runs", study.runs.size(), [&](size_t i) { return study.runs[i]; });
  json.key("whole");
  json.begin_object();
  if (study.has_cpu) write_cost(json, "cpu", study.cpu, study);
  if (study.has_heap) {
    write_cost(json, "allocated", study.allocated, study);
    write_cost(json, "allocations", study.allocations, study);
    write_cost(json, "peak", study.peak, study);
  }
  json.end_object();
  json.key("functions");
  json.begin_array();
  for (const ScaledFunction& function : study.functions) write_function(json, function, study);
  json.end_array();
  json.key("sites");
  json.begin_array();
  for (const ScaledSite& site : study.sites) write_site(json, site, study);
  json.end_array();
  json.member("notes", study.notes);
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
