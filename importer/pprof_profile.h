// SPDX-License-Identifier: Apache-2.0
// PprofProfile: a message of profile.proto with its tables taken apart; its samples are decoded one by one. Trusts no
// byte: references are checked when they are followed. Offline side; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/result.h"

namespace flarestack {

struct PprofValueType {
  std::string_view type;
  std::string_view unit;
};

struct PprofMapping {
  uint64_t start = 0;
  uint64_t limit = 0;
  uint64_t offset = 0;
  std::string_view file;
  std::string_view build_id;
};

struct PprofFunction {
  std::string_view name;
  std::string_view file;
  uint32_t start_line = 0;
};

struct PprofLine {
  uint64_t function = 0;  // id
  uint32_t line = 0;
};

struct PprofLocation {
  uint64_t mapping = 0;  // id
  uint64_t address = 0;
  uint32_t first_line = 0;  // of lines()
  uint32_t line_count = 0;
};

struct PprofLabel {
  std::string_view key;
  std::string_view text;  // empty: it is a number
  int64_t number = 0;
};

struct PprofSample {
  std::vector<uint64_t> locations;  // ids, leaf first
  std::vector<int64_t> values;      // one for each sample type
  std::vector<PprofLabel> labels;
};

class PprofProfile {
 public:
  // `bytes` is borrowed for the profile's life. Error: they are no such message, or one of more than a trace can hold.
  static Result<PprofProfile> parse(std::string_view bytes);

  std::vector<PprofValueType> sample_types;
  PprofValueType period_type;
  int64_t period = 0;
  std::string_view default_sample_type;
  int64_t time_ns = 0;  // since 1970; 0: unknown
  int64_t duration_ns = 0;
  std::vector<std::string_view> comments;

  // Null: there is none of that id. Location numbers are from 0, dense.
  const PprofMapping* mapping(uint64_t id) const { return find(mapping_ids_, mappings_, id); }
  const PprofFunction* function(uint64_t id) const { return find(function_ids_, functions_, id); }
  const PprofLocation* location(uint64_t id) const { return find(location_ids_, locations_, id); }
  uint32_t location_number(const PprofLocation* location) const {
    return static_cast<uint32_t>(location - locations_.data());
  }
  size_t location_count() const { return locations_.size(); }
  std::span<const PprofLine> lines(const PprofLocation& location) const {
    return std::span(lines_).subspan(location.first_line, location.line_count);
  }

  // Each sample in order, until one is not taken. Error: a sample is malformed, or what `take` says.
  Result<void> for_each_sample(const std::function<Result<void>(const PprofSample&)>& take) const;

 private:
  using Ids = absl::flat_hash_map<uint64_t, uint32_t>;
  template <typename Entry>
  static const Entry* find(const Ids& ids, const std::vector<Entry>& entries, uint64_t id) {
    const auto found = ids.find(id);
    return found == ids.end() ? nullptr : &entries[found->second];
  }
  void read_tables();
  void read_mapping(std::string_view message);
  void read_location(std::string_view message);
  void read_function(std::string_view message);
  PprofValueType value_type(std::string_view message) const;
  PprofSample sample(std::string_view message) const;
  std::string_view text(int64_t index) const;
  bool too_large() const;

  std::string_view bytes_;
  std::vector<std::string_view> strings_;
  std::vector<PprofMapping> mappings_;
  std::vector<PprofFunction> functions_;
  std::vector<PprofLocation> locations_;
  std::vector<PprofLine> lines_;
  Ids mapping_ids_;
  Ids function_ids_;
  Ids location_ids_;
};

}  // namespace flarestack
