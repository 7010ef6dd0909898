// SPDX-License-Identifier: Apache-2.0
// A call tree on a terminal runs out of columns long before it runs out of depth, so only branches are indented: what
// stands straight below a function is the only thing it calls (of what is shown).
//
//    100.0%    0.0%  main
//    100.0%    2.0%  run
//     60.0%   10.0%  |- parse
//     50.0%   50.0%  |  lex
//     38.0%   38.0%  `- render
#include "report/tree_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "report/metric_words.h"

namespace flarestack {
namespace {

constexpr size_t kMostFunctions = 5;  // that a regular expression stands for

struct Guides {
  std::string_view branch, last_branch, pass, blank;
};
constexpr Guides kAscii{"|- ", "`- ", "|  ", "   "};
constexpr Guides kUnicode{"\u251c\u2500 ", "\u2514\u2500 ", "\u2502  ", "   "};

std::string label(const std::vector<Function>& functions, const TreeRow& row, size_t width) {
  const Function& function = functions[row.function];
  std::string suffix;
  if (row.folded > 1) suffix += fmt::format(" (recursive, {} deep)", row.folded);
  if (row.type == FrameType::kInlined) suffix += " (inlined)";
  const size_t taken = columns_of(suffix);
  return short_function(function.name, width > taken + 16 ? width - taken : 16) + suffix;
}

// A caller's self value would be a part of the callee's, which says nothing.
enum class Columns : uint8_t { kTotalAndSelf, kTotal };

void append_rows(const std::vector<Function>& functions, const CallTree& tree, Columns columns,
                 const TreeOptions& options, std::string& out) {
  const size_t numbers_width = columns == Columns::kTotal ? 10 : 18;
  const Painter painter(options.layout.colour);
  const Guides& guides = options.layout.unicode ? kUnicode : kAscii;
  const std::vector<TreeRow> rows = tree_rows(tree, options.threshold);
  // What stands before a row's own label, and before the rows below it.
  std::vector<std::string> prefix_below(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const TreeRow& row = rows[i];
    const std::string outer = row.parent == kNoIndex ? "" : prefix_below[row.parent];
    const bool branches = !row.only_child;
    const std::string own = !branches ? "" : std::string(row.last_child ? guides.last_branch : guides.branch);
    prefix_below[i] = outer + (!branches ? "" : std::string(row.last_child ? guides.blank : guides.pass));
    const size_t indent = columns_of(outer) + columns_of(own);
    const std::string module = short_file(functions[row.function].module, 24);
    const size_t room =
        options.layout.width > numbers_width + indent ? options.layout.width - numbers_width - indent : 0;
    const std::string name = label(functions, row, std::max<size_t>(room, 24));
    const bool module_fits = !module.empty() && columns_of(name) + 2 + columns_of(module) <= room;
    std::string numbers = fmt::format("{:>6}", format_percent(row.total, tree.total()));
    if (columns == Columns::kTotalAndSelf) numbers += fmt::format("  {:>6}", format_percent(row.self, tree.total()));
    out += fmt::format("{}    {}{}{}\n", painter.heat(columns == Columns::kTotal ? 0 : row.self, tree.total(), numbers),
                       painter.dim(outer + own), name, module_fits ? "  " + painter.dim(module) : "");
  }
}

std::string callers_and_callees(const Profile& profile, uint32_t function, const TreeOptions& options) {
  const Painter painter(options.layout.colour);
  const Function& named = profile.functions[function];
  std::string out = painter.bold(short_function(named.name, std::max<size_t>(options.layout.width, 40)));
  if (!named.module.empty()) out += "  " + painter.dim(short_file(named.module, 40));
  if (named.line != 0) out += "  " + painter.dim(fmt::format("{}:{}", short_file(named.file, 40), named.line));
  uint64_t self = 0;
  const uint64_t total = callees_of(profile.tree, function).total();
  for (size_t i = 1; i < profile.tree.nodes().size(); ++i) {
    const CallNode& node = profile.tree.nodes()[i];
    if (node.function == function && node.type != FrameType::kProcess) self += node.self;
  }
  out += fmt::format("\n{} in total ({} of all), {} itself\n", value_phrase(profile.options.metric, total),
                     format_percent(total, profile.total()), format_value(profile.options.metric, self));
  return out + callers_and_callees_text(profile.functions, profile.tree, function, options);
}

}  // namespace

std::string callers_and_callees_text(const std::vector<Function>& functions, const CallTree& tree, uint32_t function,
                                     const TreeOptions& options) {
  const Painter painter(options.layout.colour);
  std::string out = "\n" + painter.bold("  PART    CALLED FROM (bottom up)") + "\n";
  append_rows(functions, callers_of(tree, function), Columns::kTotal, options, out);
  out += "\n" + painter.bold(" TOTAL    SELF    CALLS (top down)") + "\n";
  append_rows(functions, callees_of(tree, function), Columns::kTotalAndSelf, options, out);
  return out;
}

Result<std::string> tree_text(const Profile& profile, const TreeOptions& options) {
  const Painter painter(options.layout.colour);
  std::string out;
  const std::string filters = describe_filters(profile.options);
  if (!filters.empty()) out += painter.note("only: " + filters) + "\n";
  if (options.function.empty()) {
    if (is_heap_metric(profile.options.metric))
      out += painter.dim(value_phrase(profile.options.metric, profile.total())) + "\n";
    out += painter.bold(" TOTAL    SELF    CALL TREE") + "\n";
    append_rows(profile.functions, profile.tree, Columns::kTotalAndSelf, options, out);
    if (profile.total() == 0) out += is_heap_metric(profile.options.metric) ? "No allocations.\n" : "No samples.\n";
    return out;
  }
  const auto functions = find_functions(profile, options.function);
  if (!functions) return functions.error();
  const size_t shown = std::min(functions->size(), kMostFunctions);
  for (size_t i = 0; i < shown; ++i)
    out += (i == 0 ? "" : "\n") + callers_and_callees(profile, (*functions)[i], options);
  if (functions->size() > shown)
    out += painter.dim(fmt::format("\n'{}' matches {} more functions", printable(options.function),
                                   functions->size() - shown)) +
           "\n";
  return out;
}

}  // namespace flarestack
