// SPDX-License-Identifier: Apache-2.0
#include "report/collapsed.h"

#include <algorithm>
#include <vector>

#include "report/text_style.h"

namespace flarestack {
namespace {

struct Names {
  std::vector<std::string> text;   // by function
  std::vector<uint32_t> order_of;  // by function: its name's place in the sorted names; the same for equal names
};

Names names_of(const Profile& profile) {
  Names names;
  for (const Function& function : profile.functions) {
    names.text.push_back(printable(function.name));
    std::replace(names.text.back().begin(), names.text.back().end(), ';', ':');
  }
  std::vector<uint32_t> sorted(names.text.size());
  for (uint32_t i = 0; i < sorted.size(); ++i) sorted[i] = i;
  std::sort(sorted.begin(), sorted.end(), [&names](uint32_t a, uint32_t b) { return names.text[a] < names.text[b]; });
  names.order_of.resize(sorted.size());
  for (uint32_t i = 0, order = 0; i < sorted.size(); ++i) {
    if (i != 0 && names.text[sorted[i]] != names.text[sorted[i - 1]]) ++order;
    names.order_of[sorted[i]] = order;
  }
  return names;
}

}  // namespace

// Walks the tree by groups of siblings whose names are equal, in order of names.
std::string collapsed(const Profile& profile) {
  const auto& nodes = profile.tree.nodes();
  const Names names = names_of(profile);
  const auto order_of = [&](uint32_t node) { return names.order_of[nodes[node].function]; };

  struct Visit {
    uint32_t node;
    bool first_of_group;   // else it belongs to the one visited before
    size_t parent_length;  // of the path that leads to it
  };
  std::string out;
  std::string path;
  std::vector<Visit> to_visit{{CallTree::kRoot, true, 0}};
  std::vector<uint32_t> children;
  while (!to_visit.empty()) {
    const Visit visit = to_visit.back();
    path.resize(visit.parent_length);
    if (visit.node != CallTree::kRoot) {
      if (!path.empty()) path += ';';
      path += names.text[nodes[visit.node].function];
    }
    uint64_t self = 0;
    children.clear();
    for (bool more = true; more;) {  // the group is on top of the stack, its last member first
      const Visit member = to_visit.back();
      to_visit.pop_back();
      self += nodes[member.node].self;
      const auto own = profile.tree.children(member.node);
      children.insert(children.end(), own.begin(), own.end());
      more = !member.first_of_group;
    }
    if (self != 0) {
      out += path;
      out += ' ';
      out += std::to_string(self);
      out += '\n';
    }
    std::sort(children.begin(), children.end(), [&](uint32_t a, uint32_t b) { return order_of(a) > order_of(b); });
    for (size_t i = 0; i < children.size(); ++i) {
      const bool first = i == 0 || order_of(children[i]) != order_of(children[i - 1]);
      to_visit.push_back({children[i], first, path.size()});
    }
  }
  return out;
}

}  // namespace flarestack
