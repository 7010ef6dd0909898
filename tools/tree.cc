// SPDX-License-Identifier: Apache-2.0
#include "report/tree_json.h"
#include "report/tree_text.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {

CommandBody declare_tree(CLI::App& app) {
  auto reading = add_reading_options(app);
  auto options = add_reporting_options(app, {"text", "json"}, "branches");
  auto function = std::make_shared<std::string>();
  app.add_option("FUNCTION", *function, "show the callers and callees of it: a name, or a regular expression");
  return [reading, options, function]() -> Result<int> {
    const Result<Profile> profile = load_chosen(*reading);
    if (!profile.ok()) {
      return profile.error();
    }
    TreeOptions tree;
    tree.threshold = options->threshold_percent / 100;
    tree.function = *function;
    tree.layout = layout_for(options->output);
    const Result<std::string> text = options->format == "json" ? tree_json(*profile, tree) : tree_text(*profile, tree);
    return text.ok() ? write_report(*options, *text) : Result<int>(text.error());
  };
}

}  // namespace flarestack
