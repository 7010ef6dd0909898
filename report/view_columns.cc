// SPDX-License-Identifier: Apache-2.0
#include "report/view_columns.h"

#include <algorithm>

namespace flarestack {
namespace {

void append_leb128(uint64_t value, std::string& bytes) {
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
}

uint64_t zigzag(int64_t value) { return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63); }

}  // namespace

void ViewColumns::add(const char* name, ColumnCode code, const std::vector<int64_t>& values) {
  const size_t begin = bytes_.size();
  bool fits_in_u32 = true;
  int64_t before = 0;
  for (const int64_t each : values) {
    const int64_t value = std::clamp(each, code == ColumnCode::kUleb ? 0 : -kMost / 2, kMost);
    fits_in_u32 = fits_in_u32 && value >= 0 && value <= UINT32_MAX;
    append_leb128(code == ColumnCode::kUleb ? static_cast<uint64_t>(value) : zigzag(value - before), bytes_);
    before = value;
  }
  heads_.push_back({name, fits_in_u32 ? "u32" : "f64", code, values.size(), bytes_.size() - begin});
}

void ViewColumns::write_heads(JsonWriter& json) const {
  json.key("columns");
  json.begin_array();
  for (const Head& head : heads_) {
    json.begin_object();
    json.member("name", head.name);
    json.member("type", head.type);
    json.member("code", head.code == ColumnCode::kUleb ? "uleb" : "delta");
    json.member("count", head.count);
    json.member("bytes", head.size_bytes);
    json.end_object();
  }
  json.end_array();
}

}  // namespace flarestack
