// SPDX-License-Identifier: Apache-2.0
// `flarestack report` as text for people: what costs most and why, and where the time went, function by function.
// Offline side.
#pragma once

#include <string>

#include "model/findings.h"
#include "model/profile.h"
#include "report/text_style.h"

namespace flarestack {

struct ReportOptions {
  double threshold = 0.01;             // of the profile's total; functions below it in self and in total are left out
  size_t top = 0;                      // at most so many functions; 0: all
  const Findings* findings = nullptr;  // borrowed; null: they are not asked for
  TextLayout layout;                   // of the text format
};

std::string report_text(const Profile& profile, const ReportOptions& options);

}  // namespace flarestack
