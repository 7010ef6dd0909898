// SPDX-License-Identifier: Apache-2.0
#include "history/run_record_reader.h"

#include <algorithm>
#include <cmath>

namespace flarestack {
namespace {

const rapidjson::Value* member(const rapidjson::Value& value, const char* name) {
  if (!value.IsObject()) return nullptr;
  const auto found = value.FindMember(name);
  return found == value.MemberEnd() ? nullptr : &found->value;
}

std::vector<std::string> texts_of(const rapidjson::Value* list) {
  std::vector<std::string> texts;
  if (list == nullptr) return texts;
  for (const rapidjson::Value& text : list->GetArray()) {
    if (text.IsString()) texts.emplace_back(text.GetString(), text.GetStringLength());
  }
  return texts;
}

template <typename Each>
void for_each(const rapidjson::Value& value, const char* name, const Each& each) {
  if (const rapidjson::Value* list = array_member(value, name)) {
    for (const rapidjson::Value& entry : list->GetArray()) each(entry);
  }
}

}  // namespace

std::string text_member(const rapidjson::Value& value, const char* name) {
  const rapidjson::Value* found = member(value, name);
  return found != nullptr && found->IsString() ? std::string(found->GetString(), found->GetStringLength()) : "";
}

double number_member(const rapidjson::Value& value, const char* name) {
  const rapidjson::Value* found = member(value, name);
  return found != nullptr && found->IsNumber() && std::isfinite(found->GetDouble()) ? found->GetDouble() : 0;
}

int64_t integer_member(const rapidjson::Value& value, const char* name) {
  const rapidjson::Value* found = member(value, name);
  return found != nullptr && found->IsInt64() ? found->GetInt64() : 0;
}

const rapidjson::Value* array_member(const rapidjson::Value& value, const char* name) {
  const rapidjson::Value* found = member(value, name);
  return found != nullptr && found->IsArray() ? found : nullptr;
}

const rapidjson::Value* object_member(const rapidjson::Value& value, const char* name) {
  const rapidjson::Value* found = member(value, name);
  return found != nullptr && found->IsObject() ? found : nullptr;
}

HostFacts host_member(const rapidjson::Value& value) {
  HostFacts facts;
  const rapidjson::Value* host = object_member(value, "host");
  if (host == nullptr) return facts;
  facts.name = text_member(*host, "name");
  facts.kernel = text_member(*host, "kernel");
  facts.processor = text_member(*host, "processor");
  facts.processors = static_cast<uint32_t>(std::clamp(number_member(*host, "processors"), 0.0, 1e6));
  facts.memory_bytes = static_cast<uint64_t>(std::clamp(number_member(*host, "memory_bytes"), 0.0, 9e18));
  return facts;
}

Result<RunRecord> read_run_record(const rapidjson::Value& value) {
  if (!value.IsObject()) return Error{"a record is no object"};
  RunRecord record;
  record.kind = text_member(value, "kind");
  record.step = text_member(value, "step");
  record.region = text_member(value, "region");
  record.time_ns = integer_member(value, "time_ns");
  record.commit = text_member(value, "commit");
  record.branch = text_member(value, "branch");
  record.command = texts_of(array_member(value, "command"));
  record.trace = text_member(value, "trace");
  record.samples = static_cast<uint64_t>(std::clamp(number_member(value, "samples"), 0.0, 9e18));
  record.sampled_ns = number_member(value, "sampled_ns");
  record.host = host_member(value);
  if (const rapidjson::Value* parameters = object_member(value, "parameters")) {
    for (const auto& parameter : parameters->GetObject()) {
      record.parameters.emplace_back(parameter.name.GetString(), text_member(*parameters, parameter.name.GetString()));
    }
  }
  for_each(value, "metrics", [&](const rapidjson::Value& entry) {
    MeasuredMetric metric{text_member(entry, "name"), text_member(entry, "unit"), {}};
    for_each(entry, "runs", [&](const rapidjson::Value& run) {
      if (run.IsNumber() && std::isfinite(run.GetDouble())) metric.runs.push_back(run.GetDouble());
    });
    if (!metric.name.empty() && !metric.runs.empty()) record.metrics.push_back(std::move(metric));
  });
  for_each(value, "functions", [&](const rapidjson::Value& entry) {
    record.functions.push_back({text_member(entry, "metric"), text_member(entry, "name"), text_member(entry, "module"),
                                number_member(entry, "self"), number_member(entry, "total")});
  });
  for_each(value, "paths", [&](const rapidjson::Value& entry) {
    record.paths.push_back(
        {text_member(entry, "metric"), texts_of(array_member(entry, "frames")), number_member(entry, "value")});
  });
  if (record.metrics.empty()) return Error{"a record has no metrics"};
  return record;
}

}  // namespace flarestack
