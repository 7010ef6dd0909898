// SPDX-License-Identifier: Apache-2.0
#include "model/loaded_trace.h"
#include "report/info_json.h"
#include "report/info_text.h"
#include "tools/command.h"
#include "tools/reading_options.h"
#include "trace/dump.h"

namespace flarestack {

CommandBody declare_info(CLI::App& app) {
  struct Options {
    std::string trace;
    std::string format = "text";
    bool records = false;
  };
  auto options = std::make_shared<Options>();
  app.add_option("TRACE", options->trace, "the trace file that `record` wrote")->required();
  app.add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_flag("--records", options->records, "print the file record by record");
  return [options]() -> Result<int> {
    if (options->records) {
      Result<TraceReader> reader = TraceReader::open(options->trace);
      if (!reader.ok()) {
        return reader.error();
      }
      Result<void> written;
      dump_trace(*reader, [&](std::string_view line) {
        if (written.ok()) {
          written = write_output("", std::string(line) + "\n");
        }
      });
      return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
    }
    const Result<Profile> profile = load_profile(options->trace, {});
    if (!profile.ok()) {
      return profile.error();
    }
    const Result<void> written =
        write_output("", options->format == "json" ? info_json(*profile) : info_text(*profile, layout_for("")));
    return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
  };
}

}  // namespace flarestack
