// SPDX-License-Identifier: Apache-2.0
#include "report/collapsed.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "report/text_style.h"

namespace flarestack {

std::string collapsed(const Profile& profile) {
  const auto& nodes = profile.tree.nodes();
  std::vector<std::string> names;
  names.reserve(profile.functions.size());
  for (const Function& function : profile.functions) {
    names.push_back(printable(function.name));
    std::replace(names.back().begin(), names.back().end(), ';', ':');
  }

  std::vector<std::pair<std::string, uint64_t>> stacks;
  std::string path;
  struct Visit {
    uint32_t node;
    size_t parent_length;  // of the path that leads to it
  };
  std::vector<Visit> to_visit{{CallTree::kRoot, 0}};
  while (!to_visit.empty()) {
    const Visit visit = to_visit.back();
    to_visit.pop_back();
    path.resize(visit.parent_length);
    if (visit.node != CallTree::kRoot) {
      if (!path.empty()) path += ';';
      path += names[nodes[visit.node].function];
    }
    if (nodes[visit.node].self != 0) stacks.emplace_back(path, nodes[visit.node].self);
    for (const uint32_t child : profile.tree.children(visit.node)) to_visit.push_back({child, path.size()});
  }
  std::sort(stacks.begin(), stacks.end());

  std::string out;
  for (size_t i = 0; i < stacks.size();) {
    uint64_t value = 0;
    const size_t first = i;
    for (; i < stacks.size() && stacks[i].first == stacks[first].first; ++i) value += stacks[i].second;
    out += stacks[first].first;
    out += ' ';
    out += std::to_string(value);
    out += '\n';
  }
  return out;
}

}  // namespace flarestack
