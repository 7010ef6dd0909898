// SPDX-License-Identifier: Apache-2.0
#include "report/profile_csv.h"

#include <string_view>

#include "model/function_table.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

// Quoted where it has to be, quotes doubled.
std::string field(std::string_view content) {
  const std::string text = printable(content);
  if (text.find_first_of("\",") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::string profile_csv(const Profile& profile) {
  const char* unit = metric_unit(profile.options.metric);
  std::string csv = "name,module,file,line,self,total,unit\r\n";
  for (const FunctionRow& row : function_rows(profile, 0)) {
    const Function& function = profile.functions[row.function];
    csv += field(function.name) + ',' + field(function.module) + ',' + field(function.file) + ',';
    if (function.line != 0) csv += std::to_string(function.line);
    csv += ',' + std::to_string(row.self) + ',' + std::to_string(row.total) + ',' + unit + "\r\n";
  }
  return csv;
}

}  // namespace flarestack
