// SPDX-License-Identifier: Apache-2.0
#include "history/database.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "history/baseline.h"

namespace flarestack {
namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "flarestack-history.XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

HistoryEntry entry_at(int64_t time_ns, double wall) {
  RunRecord record;
  record.kind = "gate";
  record.step = "parse";
  record.time_ns = time_ns;
  record.commit = "0123456789abcdef";
  record.branch = "main";
  record.host.name = "host";
  record.host.processors = 4;
  record.command = {"./parse", "a b;c\"d"};
  record.parameters = {{"n", "100"}};
  record.metrics = {{"wall_time", "ns", {wall, wall + 1, wall + 2}}};
  record.functions = {{"cpu", "parse", "app", 12, 34}};
  record.paths = {{"cpu", {"main", "[u8; 4]::parse"}, 12}};
  record.samples = 7;
  return {record_id(record), record};
}

TEST_CASE("what was stored is read back, also through another connection") {
  const Folder folder;
  const std::string path = folder.file("history.db");
  const HistoryEntry stored = entry_at(5, 100);
  {
    Result<HistoryDatabase> database = HistoryDatabase::open(path, HistoryDatabase::Opening::kCreate);
    REQUIRE(database.ok());
    CHECK(database->add({&stored, 1})->front());
    const HistoryEntry other = entry_at(9, 200);
    CHECK(database->add({&other, 1})->front());
    CHECK(!database->add({&stored, 1})->front());  // the same again
  }
  Result<HistoryDatabase> database = HistoryDatabase::open(path, HistoryDatabase::Opening::kExisting);
  REQUIRE(database.ok());
  const Result<HistoryEntry> found = database->find(stored.id.substr(0, 12));
  REQUIRE(found.ok());
  CHECK(found->id == stored.id);
  CHECK(record_id(found->record) == stored.id);
  CHECK(found->record.commit == "0123456789abcdef");
  CHECK(found->record.metrics[0].runs == std::vector<double>{100, 101, 102});
  CHECK(found->record.paths[0].frames == std::vector<std::string>{"main", "[u8; 4]::parse"});
  CHECK(found->record.functions[0].total == 34);
  HistoryFilter filter;
  filter.last = 1;
  const auto latest = database->list(filter);
  REQUIRE(latest.ok());
  REQUIRE(latest->size() == 1);
  CHECK(latest->front().record.time_ns == 9);
  CHECK(database->find("").error().message == path + ": several ids begin with ''");
  CHECK(database->find("zz").error().message == path + ": no result has an id that begins with 'zz'");
}

TEST_CASE("a database that is damaged, newer, or something else's is refused and stays as it is") {
  const Folder folder;
  const std::string path = folder.file("history.db");
  std::ofstream(path)
      << "this is text, and long enough to be no header of SQLite at all: 0123456789 0123456789 0123456789";
  const std::string before = *read_file(path);
  CHECK(HistoryDatabase::open(path, HistoryDatabase::Opening::kCreate).error().message ==
        path + ": file is not a database");
  CHECK(*read_file(path) == before);
  CHECK(HistoryDatabase::open(folder.file("none.db"), HistoryDatabase::Opening::kExisting).error().message ==
        folder.file("none.db") + ": unable to open database file; `flarestack history add` makes one");
  CHECK(!std::filesystem::exists(folder.file("none.db")));
}

TEST_CASE("a baseline keeps the last sessions of each step, the costs of the last alone") {
  const Folder folder;
  const std::string path = folder.file("baseline.json");
  Baseline baseline;
  for (size_t i = 0; i < Baseline::kMostSessions + 3; ++i) baseline.add(entry_at(static_cast<int64_t>(i), 100).record);
  REQUIRE(baseline.write(path).ok());
  const Result<Baseline> read = Baseline::read(path);
  REQUIRE(read.ok());
  const std::vector<RunRecord> sessions = read->sessions("parse");
  REQUIRE(sessions.size() == Baseline::kMostSessions);
  CHECK(sessions.front().time_ns == 3);
  CHECK(sessions.front().paths.empty());
  CHECK(sessions.back().paths.size() == 1);
  CHECK(read->sessions("other").empty());
  CHECK(Baseline::read(folder.file("none.json")).ok());
}

TEST_CASE("a half-written baseline is an error with its line") {
  const Folder folder;
  const std::string path = folder.file("baseline.json");
  Baseline baseline;
  baseline.add(entry_at(1, 100).record);
  REQUIRE(baseline.write(path).ok());
  const std::string whole = *read_file(path);
  for (size_t length = 0; length + 2 < whole.size(); length += 7) {
    REQUIRE(write_file(path, whole.substr(0, length)).ok());
    CHECK(!Baseline::read(path).ok());
  }
  CHECK(Baseline::read(path).error().message.starts_with(path + ":"));
  REQUIRE(write_file(path, R"({"schema": "flarestack.baseline/2", "records": []})").ok());
  CHECK(Baseline::read(path).error().message ==
        path +
            ": the schema is \"flarestack.baseline/2\" where a baseline of this version has \"flarestack.baseline/1\"");
}

}  // namespace
}  // namespace flarestack
