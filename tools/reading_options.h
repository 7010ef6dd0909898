// SPDX-License-Identifier: Apache-2.0
// The options that every command which reads a trace shares. Offline side.
#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/result.h"
#include "model/profile.h"
#include "report/text_style.h"

namespace flarestack {

struct ReadingOptions {
  std::string trace;
  std::string metric;  // empty: what was recorded, wall for --clock wall
  std::string from;
  std::string to;
  bool no_inline = false;
  ProfileOptions profile;
};

// Adds TRACE and the filters to `app`; the values live as long as what is returned.
std::shared_ptr<ReadingOptions> add_reading_options(CLI::App& app);

// Loads the trace as the options say. Error: no such trace, or a filter that makes no sense.
Result<Profile> load_chosen(const ReadingOptions& options);

// Whether the trace was recorded with --clock wall.
bool has_wall_clock(const std::string& trace);

// For text on stdout, or into the file `output`.
TextLayout layout_for(const std::string& output);

}  // namespace flarestack
