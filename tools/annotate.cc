// SPDX-License-Identifier: Apache-2.0
#include "model/annotation.h"
#include "report/annotate_html.h"
#include "report/annotate_json.h"
#include "report/annotate_text.h"
#include "report/tree_view.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {
namespace {

// Where a function is not found, its module may have no names any more.
Error with_missing_names(Error error, const Quality& quality) {
  for (const SymbolProblem& problem : quality.symbol_problems) {
    if (problem.names_missing() && !problem.problem.empty()) {
      return Error{error.message + "; " + problem.problem};
    }
  }
  return error;
}

}  // namespace

CommandBody declare_annotate(CLI::App& app) {
  struct Options {
    std::string function;
    size_t top = 1;
    std::string syntax = "intel";
    bool hot = false;
    bool everything = false;
  };
  auto reading = add_reading_options(app);
  auto reporting = add_reporting_options(app, {"text", "json", "html"}, "instructions");
  auto options = std::make_shared<Options>();
  app.add_option("FUNCTION", options->function, "its name, or a regular expression")->required();
  app.add_option("--top", options->top, "of several functions that match, at most so many, most cost first (0: all)")
      ->capture_default_str();
  app.add_option("--syntax", options->syntax, "of the instructions: intel or att")
      ->check(CLI::IsMember({"intel", "att"}))
      ->capture_default_str();
  app.add_flag("--hot", options->hot, "source lines with the most cost first, instead of the order of addresses");
  app.add_flag("--all", options->everything, "also the instructions without cost, which are folded otherwise");
  return [reading, reporting, options]() -> Result<int> {
    const Result<Profile> profile = load_chosen(*reading);
    if (!profile.ok()) {
      return profile.error();
    }
    const Result<std::vector<uint32_t>> found = find_functions(*profile, options->function);
    if (!found.ok()) {
      return with_missing_names(found.error(), profile->quality);
    }
    const size_t count = options->top == 0 ? found->size() : std::min(options->top, found->size());
    const std::vector<uint32_t> others(found->begin() + static_cast<ptrdiff_t>(count), found->end());
    AnnotateOptions annotate_options;
    annotate_options.order = options->hot ? AnnotateOrder::kHot : AnnotateOrder::kAddress;
    annotate_options.syntax = options->syntax == "att" ? AssemblySyntax::kAtt : AssemblySyntax::kIntel;
    annotate_options.threshold = reporting->threshold_percent / 100;
    annotate_options.everything = options->everything;
    annotate_options.layout = layout_for(reporting->output);
    const AnnotationSources sources = annotation_sources(!reading->no_inline);
    const StackCosts stacks(*profile);
    std::vector<AnnotatedFunction> functions;
    for (size_t i = 0; i < count; ++i) {
      Annotation annotation = annotate(*profile, stacks, (*found)[i], sources);
      std::vector<WorkHint> hints = work_hints(*profile, annotation, sources);
      functions.push_back({std::move(annotation), std::move(hints)});
    }
    if (reporting->format == "json") {
      return write_report(*reporting, annotate_json(*profile, functions, others));
    }
    if (reporting->format == "html") {
      return write_report(*reporting, annotate_html(*profile, functions, annotate_options));
    }
    std::string text;
    for (const AnnotatedFunction& each : functions) {
      text += (text.empty() ? "" : "\n") + annotate_text(*profile, each, annotate_options);
    }
    if (const std::string more = other_matches_text(*profile, options->function, others); !more.empty()) {
      text += "\n" + more + "\n";
    }
    return write_report(*reporting, text);
  };
}

}  // namespace flarestack
