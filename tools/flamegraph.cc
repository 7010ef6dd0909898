// SPDX-License-Identifier: Apache-2.0
#include "report/flamegraph_svg.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {

CommandBody declare_flamegraph(CLI::App& app) {
  struct Options {
    std::string output;
    std::string title;
    std::string form = "icicle";
  };
  auto reading = add_reading_options(app);
  auto options = std::make_shared<Options>();
  app.add_option("-o,--output", options->output, "the SVG file; - for stdout")->required();
  app.add_option("--title", options->title, "instead of the command line");
  app.add_option("--form", options->form,
                 "icicle: callers on top; flame: callers at the bottom; inverted: from the leaf functions")
      ->check(CLI::IsMember({"icicle", "flame", "inverted"}))
      ->capture_default_str();
  return [reading, options]() -> Result<int> {
    reading->profile.group_by_process = true;
    const Result<Profile> profile = load_chosen(*reading);
    if (!profile.ok()) {
      return profile.error();
    }
    FlamegraphOptions graph;
    graph.title = options->title;
    graph.form = options->form == "flame"      ? FlamegraphForm::kFlame
                 : options->form == "inverted" ? FlamegraphForm::kInverted
                                               : FlamegraphForm::kIcicle;
    const Result<void> written = write_output(options->output, flamegraph_svg(*profile, graph));
    return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
  };
}

}  // namespace flarestack
