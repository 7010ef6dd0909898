// SPDX-License-Identifier: Apache-2.0
#include "report/report_json.h"
#include "report/report_markdown.h"
#include "report/report_text.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {

CommandBody declare_report(CLI::App& app) {
  auto reading = add_reading_options(app);
  auto options = add_reporting_options(app, {"text", "json", "md"}, "functions");
  auto top = std::make_shared<size_t>(0);
  app.add_option("--top", *top, "at most so many functions (0: all)")->capture_default_str();
  return [reading, options, top]() -> Result<int> {
    const Result<Profile> profile = load_chosen(*reading);
    if (!profile.ok()) {
      return profile.error();
    }
    ReportOptions report;
    report.threshold = options->threshold_percent / 100;
    report.top = *top;
    report.layout = layout_for(options->output);
    return write_report(*options, options->format == "json" ? report_json(*profile, report)
                                  : options->format == "md" ? report_markdown(*profile, report)
                                                            : report_text(*profile, report));
  };
}

}  // namespace flarestack
