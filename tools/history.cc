// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
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
  std::string action;
  std::vector<std::string> arguments;
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
  if (!options.step.empty()) set_step(record, options.step);
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
  for (const std::string& file : options.arguments) {  // all are read before anything is stored
    Result<std::vector<RunRecord>> read = read_results(file);
    if (!read.ok()) return read.error();
    std::ranges::move(*read, std::back_inserter(records));
  }
  Result<HistoryDatabase> database = HistoryDatabase::open(options.database, HistoryDatabase::Opening::kCreate);
  if (!database.ok()) return database.error();
  const CheckedOut here = checked_out_here();
  std::vector<HistoryEntry> entries;
  for (RunRecord& record : records) {
    complete(record, options, here);
    const std::string id = record_id(record);
    entries.push_back({id, std::move(record)});
  }
  const Result<std::vector<bool>> are_new = database->add(entries);
  if (!are_new.ok()) return are_new.error();
  for (size_t i = 0; i < entries.size(); ++i) {
    fmt::print("{} {} {}{}\n", entries[i].id.substr(0, 10), entries[i].record.kind, entries[i].record.step,
               (*are_new)[i] ? "" : " is there already");
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
  const Result<HistoryEntry> entry = database->find(options.arguments.front());
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

struct Action {
  std::string name;
  Result<int> (*run)(const Options&);
  std::vector<std::string> options;  // beyond --database; what does nothing for it is refused
  size_t least_arguments = 0;
  size_t most_arguments = 0;
};

const std::vector<Action>& actions() {
  static const std::vector<Action> kActions = {
      {"add", run_add, {"--commit", "--branch", "--step", "--parameter"}, 1, SIZE_MAX},
      {"list", run_list, {"--step", "--branch", "--kind", "--last", "--format", "--output"}, 0, 0},
      {"show", run_show, {"--format", "--output"}, 1, 1},
      {"dashboard", run_dashboard, {"--step", "--branch", "--kind", "--last", "--title", "--output"}, 0, 0},
      {"export", run_export, {"--step", "--branch", "--kind", "--last", "--clickhouse", "--clickhouse-database"}, 0, 0},
  };
  return kActions;
}

// What is wrong with what was typed; empty: nothing.
std::string misuse(const CLI::App& app, const Action& action, const Options& options) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0 || option->get_positional() || option->check_lname("database")) continue;
    const std::string name = "--" + option->get_lnames().front();
    if (std::ranges::find(action.options, name) == action.options.end()) {
      return fmt::format("history {} has no option {}", action.name, name);
    }
  }
  const size_t arguments = options.arguments.size();
  if (arguments < action.least_arguments) {
    return fmt::format("history {} needs {}", action.name, action.name == "add" ? "a FILE: a trace, or JSON" : "an ID");
  }
  if (arguments > action.most_arguments) {
    return fmt::format("history {} takes no '{}'", action.name, options.arguments[action.most_arguments]);
  }
  if (action.name == "dashboard" && options.output.empty()) return "history dashboard needs -o FILE";
  if (action.name == "export" && options.clickhouse.url.empty()) return "history export needs --clickhouse URL";
  return "";
}

}  // namespace

CommandBody declare_history(CLI::App& app) {
  auto options = std::make_shared<Options>();
  std::vector<std::string> names;
  for (const Action& action : actions()) names.push_back(action.name);
  app.add_option("ACTION", options->action,
                 "add: store results; list: what is stored, and changes of level; show: one result; dashboard: all as "
                 "one HTML page; export: write it to a ClickHouse server")
      ->required()
      ->check(CLI::IsMember(names));
  app.add_option("ARGUMENT", options->arguments,
                 "of add: traces, and JSON of `bench` and `gate`; of show: an id, or how it begins");
  app.add_option("--database", options->database, "the SQLite file")->capture_default_str();
  app.add_option("--commit", options->commit, "add: what was measured (default: what git has checked out here)");
  app.add_option("--branch", options->branch, "add: its branch; else: only results of this branch");
  app.add_option("--step", options->step, "add: a name for what was measured; else: only this step");
  app.add_option("--parameter", options->parameters, "add: NAME=VALUE, what it was measured with; repeatable")
      ->allow_extra_args(false)
      ->check(check_parameter);
  app.add_option("--kind", options->filter.kind, "only results of bench, gate or record")
      ->check(CLI::IsMember({"bench", "gate", "record"}));
  app.add_option("--last", options->filter.last, "only so many, the latest (0: all)")->capture_default_str();
  app.add_option("--title", options->title, "of the dashboard")->capture_default_str();
  app.add_option("--clickhouse", options->clickhouse.url,
                 "export: the server's HTTP interface, such as http://localhost:8123");
  app.add_option("--clickhouse-database", options->clickhouse.database, "the database there; made if there is none")
      ->capture_default_str();
  app.add_option("--format", options->format, "list, show: text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("-o,--output", options->output, "a file instead of stdout; the dashboard's page");
  return [options, &app]() -> Result<int> {
    const Action& action = *std::ranges::find(actions(), options->action, &Action::name);
    if (const std::string wrong = misuse(app, action, *options); !wrong.empty()) {
      print_error(wrong + " (flarestack history --help tells more)");
      return kExitUsage;
    }
    if (action.name != "add") {
      options->filter.step = options->step;
      options->filter.branch = options->branch;
    }
    return action.run(*options);
  };
}

}  // namespace flarestack
