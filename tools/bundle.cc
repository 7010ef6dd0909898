// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"
#include "tools/bundling.h"
#include "tools/command.h"

namespace flarestack {

CommandBody declare_bundle(CLI::App& app) {
  struct Options {
    std::string trace;
    std::string output;
  };
  auto options = std::make_shared<Options>();
  app.add_option("TRACE", options->trace, "the trace file that `record` wrote")->required();
  app.add_option("-o,--output", options->output, "make a copy of the trace with the files, and leave TRACE as it is");
  return [options]() -> Result<int> {
    std::string path = options->trace;
    if (!options->output.empty()) {
      std::error_code error;
      std::filesystem::copy_file(path, options->output, std::filesystem::copy_options::overwrite_existing, error);
      if (error) {
        return Error{fmt::format("copy {} to {}: {}", path, options->output, error.message())};
      }
      path = options->output;
    }
    const Result<BundleOutcome> outcome = bundle_trace(path, !options->output.empty());
    if (!outcome.ok()) {
      return outcome.error();
    }
    tell_missing(*outcome);
    const Result<void> written =
        write_output("", fmt::format("{} files packed into {}, which grew by {}.\n", outcome->files, path,
                                     format_bytes(outcome->bytes_written)));
    return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
  };
}

}  // namespace flarestack
