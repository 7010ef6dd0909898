// SPDX-License-Identifier: Apache-2.0
// What is in a history as series over time: of each thing measured, each metric with its changes of level. Offline
// side.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/level_changes.h"
#include "model/run_record.h"

namespace flarestack {

struct HistoryEntry {
  std::string id;  // hexadecimal
  RunRecord record;
};

struct MetricSeries {
  std::string name;
  std::string unit;
  std::vector<size_t> entries;  // by time; indexes of what the series were made of
  std::vector<double> values;   // theirs
  std::vector<LevelChange> changes;
};

// What can be compared: one kind of measurement of one step with the same parameters on the same kind of processor.
struct StepHistory {
  std::string kind;
  std::string step;
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string processor;
  std::vector<MetricSeries> metrics;
  std::vector<size_t> entries;  // by time
};

// By step and kind; `entries` in any order.
std::vector<StepHistory> history_series(std::span<const HistoryEntry> entries);

// "n=100, mode=fast"
std::string parameters_text(const std::vector<std::pair<std::string, std::string>>& parameters);

// "2026-11-21 10:00:00 UTC"
std::string utc_text(int64_t time_ns);

}  // namespace flarestack
