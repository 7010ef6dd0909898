// SPDX-License-Identifier: Apache-2.0
#include "report/report_json.h"
#include "report/report_markdown.h"
#include "report/report_text.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {

CommandBody declare_report(CLI::App& app) {
  struct Options {
    double threshold_percent = 1;
    size_t top = 0;
    std::string format = "text";
    std::string output;
  };
  auto reading = add_reading_options(app);
  auto options = std::make_shared<Options>();
  app.add_option("--threshold", options->threshold_percent, "leave out functions below this percentage")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--top", options->top, "at most so many functions (0: all)")->capture_default_str();
  app.add_option("--format", options->format, "text, json or md")
      ->check(CLI::IsMember({"text", "json", "md"}))
      ->capture_default_str();
  app.add_option("-o,--output", options->output, "a file instead of stdout");
  return [reading, options]() -> Result<int> {
    const Result<Profile> profile = load_chosen(*reading);
    if (!profile.ok()) {
      return profile.error();
    }
    ReportOptions report;
    report.threshold = options->threshold_percent / 100;
    report.top = options->top;
    report.layout = layout_for(options->output);
    const std::string text = options->format == "json" ? report_json(*profile, report)
                             : options->format == "md" ? report_markdown(*profile, report)
                                                       : report_text(*profile, report);
    const Result<void> written = write_output(options->output, text);
    return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
  };
}

}  // namespace flarestack
