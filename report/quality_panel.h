// SPDX-License-Identifier: Apache-2.0
// The quality panel as lines of text, which every readable report ends with. Offline side.
#pragma once

#include <string>
#include <vector>

#include "model/profile.h"
#include "report/text_style.h"

namespace flarestack {

enum class Mood : uint8_t { kPlain, kGood, kNote, kBad };

struct QualityLine {
  std::string label;  // empty: goes on under the label above
  std::string text;
  Mood mood = Mood::kPlain;
};

std::vector<QualityLine> quality_lines(const Profile& profile);
// Of these, those of processes that no agent is in: how they are sampled, and why there is no heap.
std::vector<QualityLine> outside_lines(const Recording& recording);
// The lines under the title "Quality", labels in a column, long ones wrapped at the width.
std::string quality_text(const Profile& profile, const TextLayout& layout);
// "perf task clock", for people.
const char* clock_phrase(ClockKind kind);

}  // namespace flarestack
