// SPDX-License-Identifier: Apache-2.0
// Baseline: what the gate compares with: the last sessions of each step, in one JSON file that is meant to be committed
// beside the program. Offline side.
//
//   {"schema": "flarestack.baseline/1", "records": [{"kind": "gate", "step": "parse", ...}, ...]}, oldest first; the
//   records as report/run_record_json.h writes them, functions and paths those of a step's last record alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/run_record.h"

namespace flarestack {

class Baseline {
 public:
  static constexpr size_t kMostSessions = 30;  // of a step; older ones are dropped

  // An empty one if there is no such file. Error: it cannot be read, or is not what write() wrote, or is of a newer
  // schema.
  static Result<Baseline> read(const std::string& path);
  // Of what is in such a file; `path` is for the error.
  static Result<Baseline> parse(std::string_view text, const std::string& path);
  Result<void> write(const std::string& path) const;  // atomically

  // Of the step, oldest first.
  std::vector<RunRecord> sessions(std::string_view step) const;
  void add(RunRecord record);
  void forget(std::string_view step);

 private:
  std::vector<RunRecord> records_;
};

}  // namespace flarestack
