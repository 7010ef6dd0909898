// SPDX-License-Identifier: Apache-2.0
#include "history/clickhouse.h"

#include <curl/curl.h>

#include <chrono>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "report/json_writer.h"

namespace flarestack {
namespace {

constexpr size_t kBatchBytes = size_t{8} << 20;
constexpr size_t kAnswerBytes = size_t{64} << 20;
constexpr int kAttempts = 4;
constexpr long kConnectSeconds = 10;
constexpr long kAnswerSeconds = 120;

constexpr std::array<std::string_view, 4> kTables = {"metrics", "functions", "paths", "results"};

// In the dialect of 18.16, which newer ones understand as well.
constexpr std::array<std::string_view, 4> kColumns = {
    "date Date, time_ns Int64, id String, step String, kind String, commit_hash String, branch String, host String, "
    "position UInt32, name String, unit String, value Float64, runs Array(Float64)",
    "date Date, time_ns Int64, id String, step String, kind String, commit_hash String, branch String, host String, "
    "position UInt32, metric String, name String, module String, self Float64, total Float64",
    "date Date, time_ns Int64, id String, step String, kind String, commit_hash String, branch String, host String, "
    "position UInt32, metric String, frames Array(String), value Float64",
    "date Date, time_ns Int64, id String, step String, kind String, commit_hash String, branch String, host String, "
    "kernel String, processor String, processors UInt32, memory_bytes UInt64, command Array(String), "
    "parameter_names Array(String), parameter_values Array(String), samples UInt64, sampled_ns Float64, trace String"};
constexpr std::array<std::string_view, 4> kKeys = {"step, name, time_ns, id",
                                                   "step, metric, name, time_ns, id, position",
                                                   "step, metric, time_ns, id, position", "step, time_ns, id"};

bool is_passing(CURLcode code) {
  return code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT || code == CURLE_SEND_ERROR ||
         code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING || code == CURLE_COULDNT_RESOLVE_HOST;
}

size_t append_answer(char* bytes, size_t size, size_t count, void* answer) {
  std::string& text = *static_cast<std::string*>(answer);
  if (text.size() + size * count > kAnswerBytes) return 0;
  text.append(bytes, size * count);
  return size * count;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// What every row begins with.
void begin_row(JsonWriter& json, const HistoryEntry& entry) {
  const RunRecord& record = entry.record;
  json.begin_object();
  json.member("date", utc_text(std::max<int64_t>(record.time_ns, 1)).substr(0, 10));
  json.member("time_ns", record.time_ns);
  json.member("id", entry.id);
  json.member("step", record.step);
  json.member("kind", record.kind);
  json.member("commit_hash", record.commit);
  json.member("branch", record.branch);
  json.member("host", record.host.name);
}

// A row for each of `things`; `write` adds what is special to it.
template <typename Thing, typename Write>
void append_rows(const HistoryEntry& entry, const std::vector<Thing>& things, std::string& rows, const Write& write) {
  for (size_t i = 0; i < things.size(); ++i) {
    JsonWriter json(JsonLayout::kCompact);
    begin_row(json, entry);
    json.member("position", static_cast<uint32_t>(i));
    write(json, things[i]);
    json.end_object();
    rows += json.finish();
  }
}

std::string result_row(const HistoryEntry& entry) {
  const RunRecord& record = entry.record;
  JsonWriter json(JsonLayout::kCompact);
  begin_row(json, entry);
  json.member("kernel", record.host.kernel);
  json.member("processor", record.host.processor);
  json.member("processors", record.host.processors);
  json.member("memory_bytes", record.host.memory_bytes);
  json.member("command", record.command);
  const auto& parameters = record.parameters;
  json.column("parameter_names", parameters.size(), [&](size_t i) { return std::string_view(parameters[i].first); });
  json.column("parameter_values", parameters.size(), [&](size_t i) { return std::string_view(parameters[i].second); });
  json.member("samples", record.samples);
  json.member("sampled_ns", record.sampled_ns);
  json.member("trace", record.trace);
  json.end_object();
  return json.finish();
}

}  // namespace

struct ClickHouse::Connection {
  struct Cleanup {
    void operator()(CURL* opened) const { curl_easy_cleanup(opened); }
  };
  std::unique_ptr<CURL, Cleanup> handle;
  std::string url;    // with user and password
  std::string shown;  // without
  std::array<char, CURL_ERROR_SIZE> problem{};
};

ClickHouse::ClickHouse(std::unique_ptr<Connection> connection, std::string database)
    : connection_(std::move(connection)), database_(std::move(database)) {}
ClickHouse::ClickHouse(ClickHouse&&) noexcept = default;
ClickHouse::~ClickHouse() = default;

Result<ClickHouse> ClickHouse::open(const ClickHouseOptions& options) {
  // It stands in statements as it is.
  const bool is_name = !options.database.empty() &&
                       options.database.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
  if (!is_name) return Error{fmt::format("'{}' is no name of a database: letters, digits and _", options.database)};
  auto connection = std::make_unique<Connection>();
  connection->handle.reset(curl_easy_init());
  if (!connection->handle) return Error{"libcurl could not be set up"};
  connection->url = options.url;
  while (connection->url.ends_with('/')) connection->url.pop_back();
  const size_t host = connection->url.find('@');
  connection->shown = host == std::string::npos ? connection->url : connection->url.substr(host + 1);
  ClickHouse server(std::move(connection), options.database);
  if (const auto made = server.ask("CREATE DATABASE IF NOT EXISTS " + options.database, ""); !made.ok())
    return made.error();
  for (size_t i = 0; i < kTables.size(); ++i) {
    const std::string query = fmt::format(
        "CREATE TABLE IF NOT EXISTS {}.{} ({}) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(date) ORDER BY ({})",
        options.database, kTables[i], kColumns[i], kKeys[i]);
    if (const auto made = server.ask(query, ""); !made.ok()) return made.error();
  }
  return server;
}

Result<std::string> ClickHouse::ask(std::string_view query, std::string_view data) {
  CURL* handle = connection_->handle.get();
  std::unique_ptr<char, decltype(&curl_free)> escaped(
      curl_easy_escape(handle, query.data(), static_cast<int>(query.size())), curl_free);
  const std::string url = fmt::format("{}/?query={}", connection_->url, escaped.get());
  const std::string& shown = connection_->shown;
  std::string answer;
  for (int attempt = 1;; ++attempt) {
    answer.clear();
    curl_easy_reset(handle);
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, data.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(data.size()));
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, kAnswerSeconds);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, connection_->problem.data());
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append_answer);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
    connection_->problem[0] = '\0';
    const CURLcode code = curl_easy_perform(handle);
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && status == 200) return answer;
    // 500 is also what a wrong query gets.
    const bool may_pass = is_passing(code) || (code == CURLE_OK && (status == 502 || status == 503 || status == 504));
    if (!may_pass || attempt == kAttempts) {
      if (code == CURLE_OK) return Error{fmt::format("{}: HTTP status {}: {}", shown, status, first_line(answer))};
      const char* problem = connection_->problem[0] != '\0' ? connection_->problem.data() : curl_easy_strerror(code);
      return Error{fmt::format("{}: {}", shown, problem)};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(250) * (1 << (attempt - 1)));
  }
}

Result<std::vector<std::string>> ClickHouse::missing(std::span<const HistoryEntry> entries) {
  const Result<std::string> answer =
      ask(fmt::format("SELECT DISTINCT id FROM {}.results FORMAT TabSeparated", database_), "");
  if (!answer.ok()) return answer.error();
  std::set<std::string_view> there;
  for (size_t begin = 0, end = 0; (end = answer->find('\n', begin)) != std::string::npos; begin = end + 1) {
    there.insert(std::string_view(*answer).substr(begin, end - begin));
  }
  std::vector<std::string> ids;
  for (const HistoryEntry& entry : entries) {
    if (!there.contains(entry.id)) ids.push_back(entry.id);
  }
  return ids;
}

Result<void> ClickHouse::add(const HistoryEntry& entry) {
  const RunRecord& record = entry.record;
  append_rows(entry, record.metrics, rows_[0], [](JsonWriter& json, const MeasuredMetric& metric) {
    json.member("name", metric.name);
    json.member("unit", metric.unit);
    json.member("value", metric.value());
    json.column("runs", metric.runs.size(), [&](size_t i) { return metric.runs[i]; });
  });
  append_rows(entry, record.functions, rows_[1], [](JsonWriter& json, const FunctionCost& cost) {
    json.member("metric", cost.metric);
    json.member("name", cost.name);
    json.member("module", cost.module);
    json.member("self", cost.self);
    json.member("total", cost.total);
  });
  append_rows(entry, record.paths, rows_[2], [](JsonWriter& json, const PathCost& path) {
    json.member("metric", path.metric);
    json.member("frames", path.frames);
    json.member("value", path.value);
  });
  rows_[3] += result_row(entry);
  size_t bytes = 0;
  for (const std::string& rows : rows_) bytes += rows.size();
  return bytes >= kBatchBytes ? flush() : Result<void>();
}

Result<void> ClickHouse::flush() {
  for (size_t i = 0; i < kTables.size(); ++i) {
    if (rows_[i].empty()) continue;
    const Result<std::string> answer =
        ask(fmt::format("INSERT INTO {}.{} FORMAT JSONEachRow", database_, kTables[i]), rows_[i]);
    if (!answer.ok()) return answer.error();
    rows_[i].clear();
  }
  return {};
}

}  // namespace flarestack
