// SPDX-License-Identifier: Apache-2.0
// HistoryDatabase: the history as an SQLite file (docs/history.md has its schema). Everything is written in immediate
// transactions with a rollback journal that is synced: who is killed while writing leaves what was there before.
// Several processes may use one file; one waits for the other. Offline side.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/history_series.h"

struct sqlite3;

namespace flarestack {

// Of what is measured; the same however often it is added, and whatever commit it is said to be of.
std::string record_id(const RunRecord& record);

struct HistoryFilter {
  std::string step;    // empty: all
  std::string branch;  // the same
  std::string kind;
  size_t last = 0;  // so many, the latest; 0: all
};

class HistoryDatabase {
 public:
  static constexpr int kSchemaVersion = 1;           // PRAGMA user_version
  static constexpr int kApplicationId = 0x464C4153;  // PRAGMA application_id: "FLAS"

  enum class Opening : uint8_t { kCreate, kExisting };
  // Error: it cannot be opened, is no database, one of something else, or one of a newer schema; it then is not
  // touched.
  static Result<HistoryDatabase> open(const std::string& path, Opening opening);

  // All or, where that fails or is cut off, none; in one transaction. False: it is there already. What was measured
  // before stays, whatever happens.
  Result<std::vector<bool>> add(std::span<const HistoryEntry> entries);
  // By time, without functions and call paths.
  Result<std::vector<HistoryEntry>> list(const HistoryFilter& filter);
  // The one whose id begins so, with everything. Error: there is none, or more than one.
  Result<HistoryEntry> find(const std::string& id_start);

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  HistoryDatabase(std::string path, std::unique_ptr<sqlite3, Closer> database)
      : path_(std::move(path)), database_(std::move(database)) {}
  Result<void> check_or_create(Opening opening);
  Result<void> run(const char* sql);
  Result<bool> add_one(const HistoryEntry& entry);
  Result<void> add_rows(const HistoryEntry& entry);
  Result<void> read_metrics(HistoryEntry& entry);
  Result<void> read_costs(HistoryEntry& entry);
  Error error(const std::string& what) const;

  std::string path_;
  std::unique_ptr<sqlite3, Closer> database_;
};

}  // namespace flarestack
