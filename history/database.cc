// SPDX-License-Identifier: Apache-2.0
#include "history/database.h"

#include <sqlite3.h>

#include <algorithm>

#include <fmt/format.h>
#include <xxhash.h>

#include "history/run_record_reader.h"
#include "history/statement.h"
#include "report/json_writer.h"
#include "report/run_record_json.h"

namespace flarestack {
namespace {

constexpr int kBusyMs = 20'000;

constexpr const char* kSchema = R"(
CREATE TABLE results(
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, step TEXT NOT NULL, time_ns INTEGER NOT NULL, commit_hash TEXT NOT NULL,
  branch TEXT NOT NULL, host TEXT NOT NULL, kernel TEXT NOT NULL, processor TEXT NOT NULL, processors INTEGER NOT NULL,
  memory_bytes INTEGER NOT NULL, command TEXT NOT NULL, parameters TEXT NOT NULL, samples INTEGER NOT NULL,
  sampled_ns REAL NOT NULL, trace TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX results_by_time ON results(step, time_ns);
CREATE TABLE metrics(
  result TEXT NOT NULL REFERENCES results(id), position INTEGER NOT NULL, name TEXT NOT NULL, unit TEXT NOT NULL,
  value REAL NOT NULL, runs TEXT NOT NULL, PRIMARY KEY(result, position)) WITHOUT ROWID;
CREATE TABLE functions(
  result TEXT NOT NULL REFERENCES results(id), position INTEGER NOT NULL, metric TEXT NOT NULL, name TEXT NOT NULL,
  module TEXT NOT NULL, self REAL NOT NULL, total REAL NOT NULL, PRIMARY KEY(result, position)) WITHOUT ROWID;
CREATE TABLE paths(
  result TEXT NOT NULL REFERENCES results(id), position INTEGER NOT NULL, metric TEXT NOT NULL, frames TEXT NOT NULL,
  value REAL NOT NULL, PRIMARY KEY(result, position)) WITHOUT ROWID;
)";

constexpr const char* kColumns =
    "id, kind, step, time_ns, commit_hash, branch, host, kernel, processor, processors, memory_bytes, command, "
    "parameters, samples, sampled_ns, trace";

// Lists are columns of JSON.
std::string json_text(JsonWriter& json) {
  std::string text = json.finish();
  text.pop_back();  // the newline
  return text;
}

std::string json_of(const std::vector<std::string>& texts) {
  JsonWriter json(JsonLayout::kCompact);
  json.column(texts.size(), [&](size_t i) { return std::string_view(texts[i]); });
  return json_text(json);
}

std::string json_of(const std::vector<double>& numbers) {
  JsonWriter json(JsonLayout::kCompact);
  json.column(numbers.size(), [&](size_t i) { return numbers[i]; });
  return json_text(json);
}

std::string json_of(const std::vector<std::pair<std::string, std::string>>& parameters) {
  JsonWriter json(JsonLayout::kCompact);
  json.begin_object();
  for (const auto& [name, value] : parameters) json.member(name, value);
  json.end_object();
  return json_text(json);
}

rapidjson::Document parsed(const std::string& text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (document.HasParseError()) document.SetNull();
  return document;
}

std::vector<std::string> texts_of(const std::string& json) {
  std::vector<std::string> texts;
  const rapidjson::Document document = parsed(json);
  if (!document.IsArray()) return texts;
  for (const rapidjson::Value& text : document.GetArray()) {
    if (text.IsString()) texts.emplace_back(text.GetString(), text.GetStringLength());
  }
  return texts;
}

std::vector<double> numbers_of(const std::string& json) {
  std::vector<double> numbers;
  const rapidjson::Document document = parsed(json);
  if (!document.IsArray()) return numbers;
  for (const rapidjson::Value& number : document.GetArray()) {
    if (number.IsNumber()) numbers.push_back(number.GetDouble());
  }
  return numbers;
}

std::vector<std::pair<std::string, std::string>> parameters_of(const std::string& json) {
  std::vector<std::pair<std::string, std::string>> parameters;
  const rapidjson::Document document = parsed(json);
  if (!document.IsObject()) return parameters;
  for (const auto& entry : document.GetObject()) {
    if (entry.value.IsString()) parameters.emplace_back(entry.name.GetString(), entry.value.GetString());
  }
  return parameters;
}

HistoryEntry entry_of(const Statement& row) {
  HistoryEntry entry;
  RunRecord& record = entry.record;
  entry.id = row.text(0);
  record.kind = row.text(1);
  record.step = row.text(2);
  record.time_ns = row.integer(3);
  record.commit = row.text(4);
  record.branch = row.text(5);
  record.host.name = row.text(6);
  record.host.kernel = row.text(7);
  record.host.processor = row.text(8);
  record.host.processors = static_cast<uint32_t>(row.integer(9));
  record.host.memory_bytes = static_cast<uint64_t>(row.integer(10));
  record.command = texts_of(row.text(11));
  record.parameters = parameters_of(row.text(12));
  record.samples = static_cast<uint64_t>(row.integer(13));
  record.sampled_ns = row.real(14);
  record.trace = row.text(15);
  return entry;
}

}  // namespace

std::string record_id(const RunRecord& record) {
  RunRecord measured = record;
  measured.commit.clear();
  measured.branch.clear();
  measured.trace.clear();
  measured.functions.clear();
  measured.paths.clear();
  JsonWriter json(JsonLayout::kCompact);
  json.begin_object();
  write_run_record(json, measured);
  json.end_object();
  const std::string text = json.finish();
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

void HistoryDatabase::Closer::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Error HistoryDatabase::error(const std::string& what) const {
  return Error{fmt::format("{}: {}{}", path_, what.empty() ? "" : what + ": ", sqlite3_errmsg(database_.get()))};
}

Result<void> HistoryDatabase::run(const char* sql) {
  return sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK ? Result<void>() : error("");
}

Result<HistoryDatabase> HistoryDatabase::open(const std::string& path, Opening opening) {
  sqlite3* opened = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | (opening == Opening::kCreate ? SQLITE_OPEN_CREATE : 0);
  const int status = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
  HistoryDatabase database(path, std::unique_ptr<sqlite3, Closer>(opened));
  if (status != SQLITE_OK) {
    return opening == Opening::kExisting ? Error{database.error("").message + "; `flarestack history add` makes one"}
                                         : database.error("");
  }
  sqlite3_busy_timeout(opened, kBusyMs);
  if (const Result<void> checked = database.check_or_create(opening); !checked.ok()) return checked.error();
  return database;
}

Result<void> HistoryDatabase::check_or_create(Opening opening) {
  const auto number_of = [&](std::string_view sql) -> std::optional<int64_t> {
    Statement statement(database_.get(), sql);
    return statement.step() == SQLITE_ROW ? std::optional<int64_t>(statement.integer(0)) : std::nullopt;
  };
  // In the transaction, so that of two who find it empty only one makes the tables.
  if (opening == Opening::kCreate) {
    if (const Result<void> begun = run("BEGIN IMMEDIATE"); !begun.ok()) return begun;
  }
  const std::optional<int64_t> tables = number_of("SELECT count(*) FROM sqlite_schema");
  if (!tables) return error("");
  const std::optional<int64_t> application = number_of("PRAGMA application_id");
  const std::optional<int64_t> version = number_of("PRAGMA user_version");
  if (application == kApplicationId && version && *version > kSchemaVersion) {
    return Error{fmt::format("{}: its schema has version {}, and this flarestack knows up to {}; use a newer one",
                             path_, *version, kSchemaVersion)};
  }
  if (*tables != 0) {
    if (application != kApplicationId) return Error{path_ + ": this is a database of something else, not a history"};
  } else if (opening == Opening::kCreate) {
    if (const Result<void> made = run(kSchema); !made.ok()) return made;
    const std::string marks =
        fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId, kSchemaVersion);
    if (const Result<void> marked = run(marks.c_str()); !marked.ok()) return marked;
  } else {
    return Error{path_ + ": there is nothing in it; `flarestack history add` adds results"};
  }
  return opening == Opening::kCreate ? run("COMMIT") : Result<void>();
}

Result<std::vector<bool>> HistoryDatabase::add(std::span<const HistoryEntry> entries) {
  if (const Result<void> begun = run("BEGIN IMMEDIATE"); !begun.ok()) return begun.error();
  std::vector<bool> are_new;
  for (const HistoryEntry& entry : entries) {
    const Result<bool> is_new = add_one(entry);
    if (!is_new.ok()) {
      static_cast<void>(run("ROLLBACK"));
      return is_new.error();
    }
    are_new.push_back(*is_new);
  }
  if (const Result<void> ended = run("COMMIT"); !ended.ok()) return ended.error();
  return are_new;
}

Result<bool> HistoryDatabase::add_one(const HistoryEntry& entry) {
  Statement known(database_.get(), "SELECT 1 FROM results WHERE id = ?");
  if (known.bind(entry.id).step() == SQLITE_ROW) return false;
  const Result<void> added = add_rows(entry);
  return added.ok() ? Result<bool>(true) : added.error();
}

Result<void> HistoryDatabase::add_rows(const HistoryEntry& entry) {
  const RunRecord& record = entry.record;
  Statement result(database_.get(),
                   fmt::format("INSERT INTO results({}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", kColumns));
  result.bind(entry.id)
      .bind(record.kind)
      .bind(record.step)
      .bind(record.time_ns)
      .bind(record.commit)
      .bind(record.branch);
  result.bind(record.host.name).bind(record.host.kernel).bind(record.host.processor);
  result.bind(static_cast<int64_t>(record.host.processors)).bind(static_cast<int64_t>(record.host.memory_bytes));
  result.bind(json_of(record.command)).bind(json_of(record.parameters)).bind(static_cast<int64_t>(record.samples));
  if (result.bind(record.sampled_ns).bind(record.trace).step() != SQLITE_DONE) return error("store a result");
  int64_t position = 0;
  Statement metrics(database_.get(), "INSERT INTO metrics VALUES(?,?,?,?,?,?)");
  for (const MeasuredMetric& metric : record.metrics) {
    metrics.bind(entry.id).bind(position++).bind(metric.name).bind(metric.unit).bind(metric.value());
    if (metrics.bind(json_of(metric.runs)).step() != SQLITE_DONE) return error("store a metric");
    metrics.reset();
  }
  position = 0;
  Statement functions(database_.get(), "INSERT INTO functions VALUES(?,?,?,?,?,?,?)");
  for (const FunctionCost& cost : record.functions) {
    functions.bind(entry.id).bind(position++).bind(cost.metric).bind(cost.name).bind(cost.module);
    if (functions.bind(cost.self).bind(cost.total).step() != SQLITE_DONE) return error("store a function");
    functions.reset();
  }
  position = 0;
  Statement paths(database_.get(), "INSERT INTO paths VALUES(?,?,?,?,?)");
  for (const PathCost& path : record.paths) {
    paths.bind(entry.id).bind(position++).bind(path.metric).bind(json_of(path.frames));
    if (paths.bind(path.value).step() != SQLITE_DONE) return error("store a call path");
    paths.reset();
  }
  return {};
}

Result<std::vector<HistoryEntry>> HistoryDatabase::list(const HistoryFilter& filter) {
  Statement rows(database_.get(),
                 fmt::format("SELECT {} FROM results WHERE (?1 = '' OR step = ?1) AND (?2 = '' OR branch = ?2) AND "
                             "(?3 = '' OR kind = ?3) ORDER BY time_ns DESC, step DESC, id LIMIT ?4",
                             kColumns));
  rows.bind(filter.step)
      .bind(filter.branch)
      .bind(filter.kind)
      .bind(filter.last == 0 ? int64_t{-1} : static_cast<int64_t>(filter.last));
  std::vector<HistoryEntry> entries;
  int status = rows.step();
  for (; status == SQLITE_ROW; status = rows.step()) entries.push_back(entry_of(rows));
  if (status != SQLITE_DONE) return error("");
  std::ranges::reverse(entries);
  for (HistoryEntry& entry : entries) {
    if (const Result<void> read = read_metrics(entry); !read.ok()) return read.error();
  }
  return entries;
}

Result<HistoryEntry> HistoryDatabase::find(const std::string& id_start) {
  // Not by LIKE: what was typed may have a % in it.
  Statement rows(database_.get(),
                 fmt::format("SELECT {} FROM results WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2", kColumns));
  rows.bind(id_start);
  const int status = rows.step();
  if (status == SQLITE_DONE)
    return Error{fmt::format("{}: no result has an id that begins with '{}'", path_, id_start)};
  if (status != SQLITE_ROW) return error("");
  HistoryEntry entry = entry_of(rows);
  if (rows.step() == SQLITE_ROW) return Error{fmt::format("{}: several ids begin with '{}'", path_, id_start)};
  if (const Result<void> read = read_metrics(entry); !read.ok()) return read.error();
  if (const Result<void> read = read_costs(entry); !read.ok()) return read.error();
  return entry;
}

Result<void> HistoryDatabase::read_metrics(HistoryEntry& entry) {
  Statement rows(database_.get(), "SELECT name, unit, value, runs FROM metrics WHERE result = ? ORDER BY position");
  rows.bind(entry.id);
  int status = rows.step();
  for (; status == SQLITE_ROW; status = rows.step()) {
    MeasuredMetric metric{rows.text(0), rows.text(1), numbers_of(rows.text(3))};
    if (metric.runs.empty()) metric.runs = {rows.real(2)};
    entry.record.metrics.push_back(std::move(metric));
  }
  return status == SQLITE_DONE ? Result<void>() : error("");
}

Result<void> HistoryDatabase::read_costs(HistoryEntry& entry) {
  Statement functions(database_.get(),
                      "SELECT metric, name, module, self, total FROM functions WHERE result = ? ORDER BY position");
  functions.bind(entry.id);
  int status = functions.step();
  for (; status == SQLITE_ROW; status = functions.step()) {
    entry.record.functions.push_back(
        {functions.text(0), functions.text(1), functions.text(2), functions.real(3), functions.real(4)});
  }
  if (status != SQLITE_DONE) return error("");
  Statement paths(database_.get(), "SELECT metric, frames, value FROM paths WHERE result = ? ORDER BY position");
  paths.bind(entry.id);
  status = paths.step();
  for (; status == SQLITE_ROW; status = paths.step()) {
    entry.record.paths.push_back({paths.text(0), texts_of(paths.text(1)), paths.real(2)});
  }
  return status == SQLITE_DONE ? Result<void>() : error("");
}

}  // namespace flarestack
