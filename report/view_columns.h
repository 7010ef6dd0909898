// SPDX-License-Identifier: Apache-2.0
// ViewColumns: the columns of numbers in the page of `flarestack view` (report/view_data.h), encoded one after the
// other. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/json_writer.h"

namespace flarestack {

enum class ColumnCode : uint8_t {
  kUleb,   // each value as unsigned LEB128; of columns without negative values
  kDelta,  // each difference to the value before (0 before the first), zigzag, as LEB128
};

class ViewColumns {
 public:
  // What a script's number holds, and the double of a difference as well; what is beyond is taken for it.
  static constexpr int64_t kMost = int64_t{1} << 52;

  void add(const char* name, ColumnCode code, const std::vector<int64_t>& values);
  // The key "columns", and the bytes that it describes.
  void write_heads(JsonWriter& json) const;
  const std::string& bytes() const { return bytes_; }

 private:
  struct Head {
    const char* name;
    const char* type;
    ColumnCode code;
    size_t count;
    size_t size_bytes;
  };
  std::vector<Head> heads_;
  std::string bytes_;
};

// A column of `rows`: what `value_of` says of each.
template <typename Rows, typename ValueOf>
std::vector<int64_t> column_of(const Rows& rows, const ValueOf& value_of) {
  std::vector<int64_t> values;
  values.reserve(rows.size());
  for (const auto& row : rows) values.push_back(static_cast<int64_t>(value_of(row)));
  return values;
}

}  // namespace flarestack
