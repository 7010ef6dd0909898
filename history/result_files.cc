// SPDX-License-Identifier: Apache-2.0
#include "history/result_files.h"

#include <sys/stat.h>

#include <array>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>
#include <rapidjson/error/en.h>

#include "base/fd.h"
#include "history/run_record_reader.h"
#include "model/trace_costs.h"

namespace flarestack {
namespace {

struct BenchKey {
  const char* key;
  std::string_view metric;
  const char* unit;
};
constexpr std::array kBenchKeys = {BenchKey{"wall_ns", kWallTime, "ns"}, BenchKey{"user_ns", "user_time", "ns"},
                                   BenchKey{"system_ns", "system_time", "ns"},
                                   BenchKey{"peak_rss_bytes", "peak_rss", "bytes"}};

std::vector<double> numbers_of(const rapidjson::Value* list) {
  std::vector<double> numbers;
  if (list == nullptr) return numbers;
  for (const rapidjson::Value& number : list->GetArray()) {
    if (number.IsNumber() && std::isfinite(number.GetDouble())) numbers.push_back(number.GetDouble());
  }
  return numbers;
}

int64_t modified_ns(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec;
}

// What the recording says of the regions that the program named, as results of their own.
void add_regions(const RunRecord& whole, std::vector<RunRecord>& records) {
  if (whole.trace.empty()) return;
  Result<std::vector<RunRecord>> regions = region_records_of_trace(whole.trace);
  if (!regions.ok()) return;  // it was moved away
  for (RunRecord& region : *regions) {
    region.kind = whole.kind;
    region.command = whole.command;
    region.parameters = whole.parameters;
    region.host = whole.host;
    set_step(region, whole.step);
    records.push_back(std::move(region));
  }
}

// One of the commands of `bench`: its runs, and what its recording says beyond them.
RunRecord bench_record(const rapidjson::Value& command, const HostFacts& host, const std::string& path) {
  RunRecord record;
  record.kind = "bench";
  record.step = text_member(command, "command");
  record.command = {record.step};
  record.time_ns = modified_ns(path);
  record.host = host;
  if (const rapidjson::Value* parameters = object_member(command, "parameters")) {
    for (const auto& entry : parameters->GetObject()) {
      if (entry.value.IsString()) record.parameters.emplace_back(entry.name.GetString(), entry.value.GetString());
    }
  }
  if (const rapidjson::Value* runs = object_member(command, "runs")) {
    for (const BenchKey& key : kBenchKeys) {
      std::vector<double> values = numbers_of(array_member(*runs, key.key));
      if (!values.empty()) record.metrics.push_back({std::string(key.metric), key.unit, std::move(values)});
    }
  }
  const std::string trace = text_member(command, "trace");
  if (trace.empty()) return record;
  Result<RunRecord> recorded = record_of_trace(trace);
  if (!recorded.ok()) return record;  // it was moved away: the runs are a result without it
  for (MeasuredMetric& metric : recorded->metrics) {
    if (metric.unit != "ns") record.metrics.push_back(std::move(metric));  // times are those of the bare runs
  }
  record.functions = std::move(recorded->functions);
  record.paths = std::move(recorded->paths);
  record.samples = recorded->samples;
  record.sampled_ns = recorded->sampled_ns;
  record.time_ns = recorded->time_ns;
  record.trace = trace;
  return record;
}

Result<std::vector<RunRecord>> json_results(const std::string& path, const std::string& text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (document.HasParseError()) {
    return Error{fmt::format("{}: neither a trace nor JSON of `bench` or `gate`: {}", path,
                             rapidjson::GetParseError_En(document.GetParseError()))};
  }
  const std::string schema = text_member(document, "schema");
  std::vector<RunRecord> records;
  if (schema == "flarestack.bench/1") {
    const rapidjson::Value* commands = array_member(document, "commands");
    for (rapidjson::SizeType i = 0; commands != nullptr && i < commands->Size(); ++i) {
      RunRecord record = bench_record((*commands)[i], host_member(document), path);
      if (record.metrics.empty()) continue;
      records.push_back(std::move(record));
      add_regions(RunRecord(records.back()), records);
    }
  } else if (schema == "flarestack.gate/1") {
    const rapidjson::Value* steps = array_member(document, "steps");
    for (rapidjson::SizeType i = 0; steps != nullptr && i < steps->Size(); ++i) {
      const rapidjson::Value* value = object_member((*steps)[i], "record");
      if (value == nullptr) continue;  // a step that could not be measured
      Result<RunRecord> record = read_run_record(*value);
      if (!record.ok()) return Error{path + ": " + record.error().message};
      records.push_back(std::move(*record));
    }
  } else {
    return Error{
        fmt::format("{}: results are a trace, or JSON of schema flarestack.bench/1 or flarestack.gate/1, not {}", path,
                    schema.empty() ? "JSON without a schema" : schema)};
  }
  if (records.empty()) return Error{path + ": there is no result in it"};
  return records;
}

}  // namespace

Result<std::vector<RunRecord>> read_results(const std::string& path) {
  const Result<std::string> text = read_file(path);
  if (!text.ok()) return text.error();
  const size_t start = text->find_first_not_of(" \t\r\n");
  if (start != std::string::npos && (*text)[start] == '{') return json_results(path, *text);
  Result<RunRecord> record = record_of_trace(path);
  if (!record.ok()) return record.error();
  if (record->metrics.empty()) return Error{path + ": there is no result in it"};
  std::error_code error;
  record->trace = std::filesystem::absolute(path, error).string();
  if (!record->command.empty()) record->step = std::filesystem::path(record->command.front()).filename().string();
  std::vector<RunRecord> records{std::move(*record)};
  add_regions(RunRecord(records.front()), records);
  return records;
}

}  // namespace flarestack
