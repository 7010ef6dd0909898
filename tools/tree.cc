// SPDX-License-Identifier: Apache-2.0
#include "report/tree_json.h"
#include "report/tree_text.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {

CommandBody declare_tree(CLI::App& app) {
  struct Options {
    double threshold_percent = 1;
    std::string function;
    std::string format = "text";
    std::string output;
  };
  auto reading = add_reading_options(app);
  auto options = std::make_shared<Options>();
  app.add_option("FUNCTION", options->function, "show the callers and callees of it: a name, or a regular expression");
  app.add_option("--threshold", options->threshold_percent, "leave out branches below this percentage")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("-o,--output", options->output, "a file instead of stdout");
  return [reading, options]() -> Result<int> {
    const Result<Profile> profile = load_chosen(*reading);
    if (!profile.ok()) {
      return profile.error();
    }
    TreeOptions tree;
    tree.threshold = options->threshold_percent / 100;
    tree.function = options->function;
    tree.layout = layout_for(options->output);
    const Result<std::string> text = options->format == "json" ? tree_json(*profile, tree) : tree_text(*profile, tree);
    if (!text.ok()) {
      return text.error();
    }
    const Result<void> written = write_output(options->output, *text);
    return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
  };
}

}  // namespace flarestack
