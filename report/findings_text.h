// SPDX-License-Identifier: Apache-2.0
// Findings as text for people, as Markdown for a pull request, and as the key "findings" of JSON. Offline side.
#pragma once

#include <string>

#include "model/findings.h"
#include "report/json_writer.h"
#include "report/text_style.h"

namespace flarestack {

// `most`: so many findings at most; 0: ten.
std::string findings_text(const Findings& findings, size_t most, const TextLayout& layout);
std::string findings_markdown(const Findings& findings, size_t most);
// The keys "findings" and "remarks". Of each finding so many places at most (0: all), and then "places_left_out".
void write_findings(JsonWriter& json, const Findings& findings, size_t most_places = 0);

}  // namespace flarestack
