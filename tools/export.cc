// SPDX-License-Identifier: Apache-2.0
#include "report/collapsed.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {

CommandBody declare_export(CLI::App& app) {
  struct Options {
    std::string format;
    std::string output;
  };
  auto reading = add_reading_options(app);
  auto options = std::make_shared<Options>();
  app.add_option("--format", options->format, "collapsed: one line a stack, \"root;child;leaf VALUE\"")
      ->check(CLI::IsMember({"collapsed"}))
      ->required();
  app.add_option("-o,--output", options->output, "a file instead of stdout");
  return [reading, options]() -> Result<int> {
    const Result<Profile> profile = load_chosen(*reading);
    if (!profile.ok()) {
      return profile.error();
    }
    const Result<void> written = write_output(options->output, collapsed(*profile));
    return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
  };
}

}  // namespace flarestack
