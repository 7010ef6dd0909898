// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "report/collapsed.h"
#include "report/pprof.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {
namespace {

struct ExportFormat {
  const char* name;
  const char* summary;
  std::string (*write)(const Profile& profile);
};

constexpr std::array kFormats = {
    ExportFormat{"collapsed", "one line a stack, \"root;child;leaf VALUE\"", collapsed},
    ExportFormat{"pprof", "a gzipped profile.proto, as Go's pprof reads it", pprof_profile},
};

}  // namespace

CommandBody declare_export(CLI::App& app) {
  struct Options {
    std::string format;
    std::string output;
  };
  auto reading = add_reading_options(app);
  auto options = std::make_shared<Options>();
  std::vector<std::string> names;
  std::string summaries;
  for (const ExportFormat& format : kFormats) {
    names.emplace_back(format.name);
    summaries += (summaries.empty() ? "" : "; ") + names.back() + ": " + format.summary;
  }
  app.add_option("--format", options->format, summaries)->check(CLI::IsMember(names))->required();
  app.add_option("-o,--output", options->output, "a file instead of stdout");
  return [reading, options]() -> Result<int> {
    const Result<Profile> profile = load_chosen(*reading);
    if (!profile.ok()) {
      return profile.error();
    }
    for (const ExportFormat& format : kFormats) {
      if (format.name != options->format) continue;
      const Result<void> written = write_output(options->output, format.write(*profile));
      return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
    }
    return Error{"--format " + options->format + ": no such format"};  // not reached: CLI11 has checked it
  };
}

}  // namespace flarestack
