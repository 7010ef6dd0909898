// SPDX-License-Identifier: Apache-2.0
#include "report/json_writer.h"

#include <cmath>

#include "report/text_style.h"

namespace flarestack {
namespace {

// Control characters may be in JSON, escaped; bytes that are no UTF-8 may not.
std::string valid_utf8(std::string_view text) {
  std::string valid;
  size_t start = 0;
  for (size_t i = 0; i <= text.size(); ++i) {  // printable() on the runs between control characters
    const bool control = i < text.size() && (static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7F);
    if (i < text.size() && !control) continue;
    valid += printable(text.substr(start, i - start));
    if (control) valid += text[i];
    start = i + 1;
  }
  return valid;
}

}  // namespace

JsonWriter::JsonWriter(JsonLayout layout) : writer_(buffer_) {
  writer_.SetIndent(' ', layout == JsonLayout::kIndented ? 1 : 0);
  writer_.SetMaxDecimalPlaces(6);
}

void JsonWriter::key(std::string_view name) { writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size())); }

void JsonWriter::value(std::string_view text) {
  const std::string valid = valid_utf8(text);
  writer_.String(valid.data(), static_cast<rapidjson::SizeType>(valid.size()));
}

void JsonWriter::value(double number) {
  if (std::isfinite(number)) {
    writer_.Double(number);
  } else {
    writer_.Null();
  }
}

void JsonWriter::member(std::string_view name, const std::vector<std::string>& contents) {
  key(name);
  begin_array();
  for (const std::string& content : contents) value(content);
  end_array();
}

void JsonWriter::value(const JsonWriter& other) {
  writer_.RawValue(other.buffer_.GetString(), other.buffer_.GetSize(), rapidjson::kObjectType);
}

std::string JsonWriter::finish() { return std::string(buffer_.GetString(), buffer_.GetSize()) + "\n"; }

void write_clock(JsonWriter& json, const Quality& quality) {
  json.key("clock");
  json.begin_object();
  json.member("kind", clock_kind_name(quality.clock));
  json.member("requested_hz", quality.requested_hz);
  json.member("achieved_hz", std::round(quality.achieved_hz * 10) / 10);
  json.end_object();
}

void write_path(JsonWriter& json, const Profile& profile, const std::vector<uint32_t>& path) {
  json.key("path");
  json.begin_array();
  for (const uint32_t index : path) {
    const Location& location = profile.locations[index];
    const Function& function = profile.functions[location.function];
    json.begin_object();
    json.member("function", function.name);
    json.member("module", function.module);
    json.member("file", profile.files[location.file]);
    json.member("line", location.line);
    json.end_object();
  }
  json.end_array();
}

void write_quality(JsonWriter& json, const Recording& recording, const Quality& quality) {
  json.key("quality");
  json.begin_object();
  json.member("samples", quality.samples);
  // Null: another tool recorded it and does not say.
  const auto add_known = [&](std::string_view name, auto value) {
    json.key(name);
    if (recording.is_imported()) {
      json.null();
    } else {
      json.value(value);
    }
  };
  add_known("samples_dropped", quality.samples_dropped);
  add_known("stacks_truncated", quality.stacks_truncated);
  add_known("stacks_heuristic", quality.stacks_heuristic);
  add_known("heap_events", quality.heap_events);
  add_known("heap_events_lost", quality.heap_events_lost);
  add_known("foreign_frees", quality.foreign_frees);
  std::vector<std::string> unsymbolized;
  for (const SymbolProblem& problem : quality.symbol_problems) {
    if (problem.names_missing()) unsymbolized.push_back(problem.path);
  }
  json.member("unsymbolized_modules", unsymbolized);
  json.key("symbol_problems");
  json.begin_array();
  for (const SymbolProblem& problem : quality.symbol_problems) {
    json.begin_object();
    json.member("module", problem.path);
    json.member("level", symbol_level_name(problem.level));
    json.member("problem", problem.problem);
    json.member("remedy", problem.remedy);
    json.member("self", problem.self);
    json.end_object();
  }
  json.end_array();
  json.member("cpu_ns", quality.cpu_ns);
  json.member("accounted_cpu_ns", quality.accounted_cpu_ns);
  json.member("kernel_ns", quality.kernel_ns);
  json.member("unsampled_ns", quality.unsampled_ns);
  json.member("unknown_code_ns", quality.unknown_code_ns);
  json.member("lost_ns", quality.lost_ns);
  json.key("counters");  // docs/trace-format.md lists them
  json.begin_object();
  for (const auto& [name, value] : recording.counters) json.member(name, value);
  json.end_object();
  json.key("sampled_from_outside");
  json.begin_array();
  for (const Process& process : recording.processes) {
    if (process.sampling == SamplingWay::kAgent) continue;
    json.begin_object();
    json.member("pid", process.pid);
    json.member("program", process.name());
    json.member("sampling", sampling_way_name(process.sampling));
    json.member("stack_copy_bytes", process.stack_copy_bytes);
    json.member("heap_not_recorded", process.no_agent_reason);
    json.end_object();
  }
  json.end_array();
  json.member("processes_not_recorded", static_cast<uint64_t>(recording.unrecorded.size()));
  add_known("complete", quality.complete);
  json.member("damage", quality.damage);
  json.end_object();
}

}  // namespace flarestack
