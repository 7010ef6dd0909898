// SPDX-License-Identifier: Apache-2.0
#include "report/tree_view.h"

#include <algorithm>

#include "base/text.h"
#include "model/function_table.h"

namespace flarestack {

std::vector<TreeRow> tree_rows(const CallTree& tree, double threshold) {
  const auto& nodes = tree.nodes();
  const double least = std::max(threshold * static_cast<double>(tree.total()), 1.0);
  const auto shown_children = [&](uint32_t node) {  // children are sorted by total
    size_t count = 0;
    const auto children = tree.children(node);
    while (count < children.size() && static_cast<double>(nodes[children[count]].total) >= least) ++count;
    return children.first(count);
  };

  struct Visit {
    uint32_t node;
    uint32_t parent_row;
    bool only_child;
    bool last_child;
  };
  std::vector<TreeRow> rows;
  std::vector<Visit> to_visit;
  const auto push_children = [&](std::span<const uint32_t> children, uint32_t row) {
    for (size_t i = children.size(); i-- > 0;)
      to_visit.push_back({children[i], row, children.size() == 1, i + 1 == children.size()});
  };
  push_children(shown_children(CallTree::kRoot), kNoIndex);
  while (!to_visit.empty()) {
    const Visit visit = to_visit.back();
    to_visit.pop_back();
    const CallNode* node = &nodes[visit.node];
    TreeRow row{node->function,   node->type,      node->self, node->total, visit.parent_row, 0, 1,
                visit.only_child, visit.last_child};
    if (visit.parent_row != kNoIndex) row.depth = rows[visit.parent_row].depth + 1;
    auto children = shown_children(visit.node);
    while (children.size() == 1 && nodes[children[0]].function == row.function) {
      row.self += nodes[children[0]].self;
      ++row.folded;
      children = shown_children(children[0]);
    }
    rows.push_back(row);
    push_children(children, static_cast<uint32_t>(rows.size() - 1));
  }
  return rows;
}

Result<std::vector<uint32_t>> find_functions(const Profile& profile, const std::string& wanted) {
  const std::vector<FunctionRow> all = function_rows(profile, 0);
  std::vector<const FunctionRow*> found;
  for (const FunctionRow& row : all) {
    if (profile.functions[row.function].name == wanted) found.push_back(&row);
  }
  if (found.empty()) {
    const auto pattern = parse_regex(wanted);
    if (!pattern) return pattern.error();
    for (const FunctionRow& row : all) {
      if (pattern->found_in(profile.functions[row.function].name)) found.push_back(&row);
    }
  }
  if (found.empty())
    return Error{"no function of this profile matches '" + wanted + "'; `flarestack report` lists them"};
  std::stable_sort(found.begin(), found.end(),
                   [](const FunctionRow* a, const FunctionRow* b) { return a->total > b->total; });
  std::vector<uint32_t> functions(found.size());
  std::transform(found.begin(), found.end(), functions.begin(), [](const FunctionRow* row) { return row->function; });
  return functions;
}

}  // namespace flarestack
