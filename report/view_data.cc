// SPDX-License-Identifier: Apache-2.0
#include "report/view_data.h"

#include <cassert>

#include "report/view_columns.h"
#include "report/view_meta.h"
#include "report/view_rows.h"
#include "report/view_tables.h"

namespace flarestack {
namespace {

void append_u32(uint32_t value, std::string& bytes) {
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(value >> shift));
}

}  // namespace

std::string view_data(const ViewSources& sources) {
  assert(sources.time != nullptr || sources.heap != nullptr);
  const ViewRows rows(sources.time, sources.heap);
  const ViewTables tables(sources.time != nullptr ? *sources.time : *sources.heap, rows.used_stacks());
  ViewColumns columns;
  tables.write(columns);
  rows.write(tables, columns);
  const std::string meta = view_meta(sources, rows, tables, columns);
  std::string data;
  data.reserve(4 + meta.size() + columns.bytes().size());
  append_u32(static_cast<uint32_t>(meta.size()), data);
  data += meta;
  data += columns.bytes();
  return data;
}

}  // namespace flarestack
