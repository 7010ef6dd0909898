// SPDX-License-Identifier: Apache-2.0
#include "report/xml_text.h"

#include "report/text_style.h"

namespace flarestack {

std::string xml_text(std::string_view text) {
  const std::string shown = printable(text);
  std::string out;
  out.reserve(shown.size());
  for (size_t i = 0; i < shown.size(); ++i) {
    switch (shown[i]) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\xEF':  // U+FFFE and U+FFFF
        if (const auto three = std::string_view(shown).substr(i, 3);
            three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF") {
          out += '?';
          i += 2;
          break;
        }
        [[fallthrough]];
      default:
        out += shown[i];
    }
  }
  return out;
}

std::string json_in_xml(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (const char each : json) {
    switch (each) {
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        out += each;
    }
  }
  return out;
}

}  // namespace flarestack
