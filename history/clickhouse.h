// SPDX-License-Identifier: Apache-2.0
// ClickHouse: writes results to a ClickHouse server over its HTTP interface, into the tables that docs/history.md
// describes. A result's own row is written after all that belongs to it, so that one that is there is there as a whole;
// what a broken attempt left behind is replaced by the next one, since rows of the same key are one
// (ReplacingMergeTree). Offline side.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/history_series.h"

namespace flarestack {

struct ClickHouseOptions {
  std::string url;  // with user and password if there are any: "https://user:password@host:8443"
  std::string database = "flarestack";
};

class ClickHouse {
 public:
  // Makes the database and its tables where they are missing. Error: there is no such server, or it refuses.
  static Result<ClickHouse> open(const ClickHouseOptions& options);
  ClickHouse(ClickHouse&&) noexcept;
  ClickHouse& operator=(ClickHouse&&) = delete;
  ~ClickHouse();

  // The ids of those that the server does not have.
  Result<std::vector<std::string>> missing(std::span<const HistoryEntry> entries);
  // Sent in batches; the last one by flush().
  Result<void> add(const HistoryEntry& entry);
  Result<void> flush();

 private:
  struct Connection;
  ClickHouse(std::unique_ptr<Connection> connection, std::string database);
  // What the server answers. Tried again, a few times, where it could not be reached.
  Result<std::string> ask(std::string_view query, std::string_view data);

  std::unique_ptr<Connection> connection_;
  std::string database_;
  // Rows of metrics, functions, paths and results, in the order in which they are sent.
  std::array<std::string, 4> rows_;
};

}  // namespace flarestack
