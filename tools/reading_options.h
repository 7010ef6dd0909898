// SPDX-License-Identifier: Apache-2.0
// The options that every command which reads a trace shares. Offline side.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/result.h"
#include "model/loaded_trace.h"
#include "model/profile.h"
#include "report/text_style.h"

namespace flarestack {

struct ReadingOptions {
  std::string trace;
  std::string metric;                    // empty: `default_metric`
  std::optional<Metric> default_metric;  // none: LoadedTrace::default_metric()
  std::string from;
  std::string to;
  bool still_recording = false;  // the trace has no end yet, and that is no damage
  bool no_inline = false;
  ProfileOptions profile;
};

// Adds TRACE, and the filters that any metric can have, to `app`; `options` has to outlive it.
void add_filters(CLI::App& app, ReadingOptions& options);
// TRACE and the filters by process, thread and time alone, for what has no stacks.
void add_range(CLI::App& app, ReadingOptions& options);

// Adds these, --metric and the filters by time; the values live as long as what is returned.
std::shared_ptr<ReadingOptions> add_reading_options(CLI::App& app);
// All but TRACE, for commands that read several.
std::shared_ptr<ReadingOptions> add_reading_choices(CLI::App& app);

// What they ask of `trace`. Error: a time that is none.
Result<ProfileOptions> chosen_options(const LoadedTrace& trace, const ReadingOptions& options);

// The profile of `trace`, which was opened as they say, that the options ask for. Error: a filter that makes no sense.
Result<Profile> choose_profile(LoadedTrace& trace, const ReadingOptions& options);

// The same where one profile is all that is wanted of the trace. Error: no such trace as well.
Result<Profile> load_chosen(const ReadingOptions& options);

// What the commands that print functions share beyond that.
struct ReportingOptions {
  double threshold_percent = 1;
  std::string format = "text";
  std::string output;
};
// `formats`: the first one is text. `what_is_light`: "functions".
std::shared_ptr<ReportingOptions> add_reporting_options(CLI::App& app, const std::vector<std::string>& formats,
                                                        const std::string& what_is_light);
Result<int> write_report(const ReportingOptions& options, const std::string& text);

// For text on stdout, or into the file `output`.
TextLayout layout_for(const std::string& output);

}  // namespace flarestack
