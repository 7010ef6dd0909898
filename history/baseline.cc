// SPDX-License-Identifier: Apache-2.0
#include "history/baseline.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>
#include <rapidjson/error/en.h>

#include "base/fd.h"
#include "history/run_record_reader.h"
#include "report/run_record_json.h"

namespace flarestack {
namespace {

constexpr std::string_view kSchema = "flarestack.baseline/1";

size_t line_of(std::string_view text, size_t offset) {
  return 1 + static_cast<size_t>(std::ranges::count(text.substr(0, offset), '\n'));
}

}  // namespace

Result<Baseline> Baseline::read(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return Baseline();
  const Result<std::string> text = read_file(path);
  return text.ok() ? parse(*text, path) : text.error();
}

Result<Baseline> Baseline::parse(std::string_view text, const std::string& path) {
  Baseline baseline;
  rapidjson::Document document;
  // Iterative: nested brackets of a damaged file are no recursion.
  document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (document.HasParseError()) {
    return Error{fmt::format(
        "{}:{}: the baseline is damaged or half-written: {}; restore it, or store a new one with "
        "--new-baseline",
        path, line_of(text, document.GetErrorOffset()), rapidjson::GetParseError_En(document.GetParseError()))};
  }
  const std::string schema = text_member(document, "schema");
  if (schema != kSchema) {
    return Error{fmt::format("{}: {} where a baseline of this version has \"{}\"", path,
                             schema.empty() ? "there is no schema" : "the schema is \"" + schema + "\"", kSchema)};
  }
  const rapidjson::Value* records = array_member(document, "records");
  if (records == nullptr) return Error{path + ": the baseline has no records"};
  for (const rapidjson::Value& value : records->GetArray()) {
    Result<RunRecord> record = read_run_record(value);
    if (!record.ok()) return Error{path + ": " + record.error().message};
    baseline.records_.push_back(std::move(*record));
  }
  return baseline;
}

Result<void> Baseline::write(const std::string& path) const {
  JsonWriter json;
  json.begin_object();
  json.member("schema", kSchema);
  json.key("records");
  json.begin_array();
  for (const RunRecord& record : records_) {
    json.begin_object();
    write_run_record(json, record);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  Result<FileBeside> file = FileBeside::create(path, 0644);
  if (!file.ok()) return file.error();
  if (const Result<void> written = write_all(file->descriptor(), json.finish(), path); !written.ok()) return written;
  if (::fsync(file->descriptor()) != 0) return errno_error(path);
  return file->keep();
}

std::vector<RunRecord> Baseline::sessions(std::string_view step) const {
  std::vector<RunRecord> found;
  std::ranges::copy_if(records_, std::back_inserter(found),
                       [step](const RunRecord& record) { return record.step == step; });
  return found;
}

void Baseline::add(RunRecord record) {
  const std::string step = record.step;
  for (RunRecord& earlier : records_) {
    if (earlier.step != step) continue;
    earlier.paths.clear();
    earlier.functions.clear();
  }
  records_.push_back(std::move(record));
  if (static_cast<size_t>(std::ranges::count(records_, step, &RunRecord::step)) > kMostSessions) {
    records_.erase(std::ranges::find(records_, step, &RunRecord::step));
  }
}

void Baseline::forget(std::string_view step) {
  std::erase_if(records_, [step](const RunRecord& record) { return record.step == step; });
}

}  // namespace flarestack
