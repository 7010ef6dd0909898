// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/host_facts.h"
#include "history/checked_out.h"
#include "history/clickhouse.h"
#include "history/database.h"
#include "history/result_files.h"
#include "report/dashboard_html.h"
#include "report/history_report.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {
namespace {

struct Options {
  std::string database = "flarestack-history.db";
  HistoryFilter filter;
  std::string format = "text";
  std::string output;
  std::string id;
  std::vector<std::string> files;
  std::string commit;
  std::string branch;
  std::string step;
  std::vector<std::string> parameters;
  std::string title = "Performance over time";
  ClickHouseOptions clickhouse;
};

std::string check_parameter(const std::string& text) {
  const size_t equals = text.find('=');
  return equals == std::string::npos || equals == 0 ? "a parameter is NAME=VALUE" : "";
}

// What the file did not say, of here and of the options.
void complete(RunRecord& record, const Options& options, const CheckedOut& here) {
  if (!options.commit.empty() || record.commit.empty())
    record.commit = options.commit.empty() ? here.commit : options.commit;
  if (!options.branch.empty() || record.branch.empty())
    record.branch = options.branch.empty() ? here.branch : options.branch;
  if (!options.step.empty()) record.step = options.step;
  for (const std::string& parameter : options.parameters) {
    const size_t equals = parameter.find('=');
    record.parameters.emplace_back(parameter.substr(0, equals), parameter.substr(equals + 1));
  }
  std::ranges::stable_sort(record.parameters);
  const HostFacts host = read_host_facts();
  if (record.host.processor.empty() && (record.host.name.empty() || record.host.name == host.name)) record.host = host;
}

Result<int> run_add(const Options& options) {
  std::vector<RunRecord> records;
  for (const std::string& file : options.files) {  // all are read before anything is stored
    Result<std::vector<RunRecord>> read = read_results(file);
    if (!read.ok()) return read.error();
    std::ranges::move(*read, std::back_inserter(records));
  }
  Result<HistoryDatabase> database = HistoryDatabase::open(options.database, HistoryDatabase::Opening::kCreate);
  if (!database.ok()) return database.error();
  const CheckedOut here = checked_out_here();
  for (RunRecord& record : records) {
    complete(record, options, here);
    const HistoryEntry entry{record_id(record), std::move(record)};
    const Result<bool> is_new = database->add(entry);
    if (!is_new.ok()) return is_new.error();
    fmt::print("{} {} {}{}\n", entry.id.substr(0, 10), entry.record.kind, entry.record.step,
               *is_new ? "" : " is there already");
  }
  return kExitGood;
}

Result<std::vector<HistoryEntry>> stored(const Options& options) {
  Result<HistoryDatabase> database = HistoryDatabase::open(options.database, HistoryDatabase::Opening::kExisting);
  return database.ok() ? database->list(options.filter) : database.error();
}

Result<int> run_list(const Options& options) {
  const Result<std::vector<HistoryEntry>> entries = stored(options);
  if (!entries.ok()) return entries.error();
  const Result<void> written =
      write_output(options.output, options.format == "json" ? history_list_json(*entries)
                                                            : history_list_text(*entries, layout_for(options.output)));
  return written.ok() ? Result<int>(kExitGood) : written.error();
}

Result<int> run_show(const Options& options) {
  Result<HistoryDatabase> database = HistoryDatabase::open(options.database, HistoryDatabase::Opening::kExisting);
  if (!database.ok()) return database.error();
  const Result<HistoryEntry> entry = database->find(options.id);
  if (!entry.ok()) return entry.error();
  const Result<void> written =
      write_output(options.output, options.format == "json" ? history_entry_json(*entry)
                                                            : history_entry_text(*entry, layout_for(options.output)));
  return written.ok() ? Result<int>(kExitGood) : written.error();
}

Result<int> run_dashboard(const Options& options) {
  Result<HistoryDatabase> database = HistoryDatabase::open(options.database, HistoryDatabase::Opening::kExisting);
  if (!database.ok()) return database.error();
  Result<std::vector<HistoryEntry>> entries = database->list(options.filter);
  if (!entries.ok()) return entries.error();
  // The call paths of the latest result of each step are on the page.
  for (const StepHistory& step : history_series(*entries)) {
    HistoryEntry& latest = (*entries)[step.entries.back()];
    Result<HistoryEntry> whole = database->find(latest.id);
    if (!whole.ok()) return whole.error();
    latest = std::move(*whole);
  }
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::absolute(options.output, error).parent_path();
  for (HistoryEntry& entry : *entries) {
    if (!entry.record.trace.empty())
      entry.record.trace = std::filesystem::proximate(entry.record.trace, folder, error).string();
  }
  const Result<void> written = write_output(options.output, dashboard_html(*entries, options.title));
  return written.ok() ? Result<int>(kExitGood) : written.error();
}

Result<int> run_export(const Options& options) {
  Result<HistoryDatabase> database = HistoryDatabase::open(options.database, HistoryDatabase::Opening::kExisting);
  if (!database.ok()) return database.error();
  const Result<std::vector<HistoryEntry>> entries = database->list(options.filter);
  if (!entries.ok()) return entries.error();
  Result<ClickHouse> server = ClickHouse::open(options.clickhouse);
  if (!server.ok()) return server.error();
  const Result<std::vector<std::string>> missing = server->missing(*entries);
  if (!missing.ok()) return missing.error();
  for (const std::string& id : *missing) {
    const Result<HistoryEntry> entry = database->find(id);
    if (!entry.ok()) return entry.error();
    if (const Result<void> added = server->add(*entry); !added.ok()) return added.error();
  }
  if (const Result<void> flushed = server->flush(); !flushed.ok()) return flushed.error();
  fmt::print("{} results written, {} were there already\n", missing->size(), entries->size() - missing->size());
  return kExitGood;
}

using Body = Result<int> (*)(const Options&);

void add_filter(CLI::App& app, HistoryFilter& filter) {
  app.add_option("--step", filter.step, "only this step");
  app.add_option("--branch", filter.branch, "only results of this branch");
  app.add_option("--kind", filter.kind, "only results of bench, gate or record")
      ->check(CLI::IsMember({"bench", "gate", "record"}));
  app.add_option("--last", filter.last, "only so many, the latest (0: all)")->capture_default_str();
}

void add_output(CLI::App& app, Options& options) {
  app.add_option("--format", options.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("-o,--output", options.output, "a file instead of stdout");
}

void declare_add(CLI::App& app, Options& options) {
  app.add_option("FILE", options.files, "traces, and JSON of `bench` and `gate`")->required();
  app.add_option("--commit", options.commit, "what was measured (default: what git has checked out here)");
  app.add_option("--branch", options.branch, "its branch (default: what git has checked out here)");
  app.add_option("--step", options.step, "a name for what was measured (default: the gate's step, or the program)");
  app.add_option("--parameter", options.parameters, "NAME=VALUE, what it was measured with; repeatable")
      ->expected(1)
      ->allow_extra_args(false)
      ->check(check_parameter);
}

}  // namespace

CommandBody declare_history(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto chosen = std::make_shared<Body>(nullptr);
  app.add_option("--database", options->database, "the SQLite file")->capture_default_str();
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* summary, Body body) -> CLI::App& {
    CLI::App* sub = app.add_subcommand(name, summary);
    sub->fallthrough();  // --database may stand behind as well
    sub->callback([chosen, body] { *chosen = body; });
    return *sub;
  };
  declare_add(add("add", "store the results that are in these files", run_add), *options);
  CLI::App& list = add("list", "what is stored, by time, and where metrics changed their level", run_list);
  add_filter(list, options->filter);
  add_output(list, *options);
  CLI::App& show = add("show", "one result with its functions and call paths", run_show);
  show.add_option("ID", options->id, "the result's id, or how it begins")->required();
  add_output(show, *options);
  CLI::App& dashboard = add("dashboard", "all of it as one HTML page", run_dashboard);
  add_filter(dashboard, options->filter);
  dashboard.add_option("--title", options->title, "of the page")->capture_default_str();
  dashboard.add_option("-o,--output", options->output, "the page")->required();
  CLI::App& exported = add("export", "write what is stored to a ClickHouse server", run_export);
  add_filter(exported, options->filter);
  exported.add_option("--clickhouse", options->clickhouse.url, "its HTTP interface, such as http://localhost:8123")
      ->required();
  exported
      .add_option("--clickhouse-database", options->clickhouse.database, "the database there; made if there is none")
      ->capture_default_str();
  return [options, chosen] { return (*chosen)(*options); };
}

}  // namespace flarestack
