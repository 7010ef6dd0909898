// SPDX-License-Identifier: Apache-2.0
// Untrusted text inside an XML document. Offline side.
#pragma once

#include <string>
#include <string_view>

namespace flarestack {

// `text` as content or as a quoted attribute: markup escaped, what XML 1.0 has no character for as '?'.
std::string xml_text(std::string_view text);

// A JSON document as the content of a <script> element, where XML has no CDATA section to break out of: '<', '>' and
// '&', which JSON has in strings only, become \u escapes.
std::string json_in_xml(std::string_view json);

}  // namespace flarestack
