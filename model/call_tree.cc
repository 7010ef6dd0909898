// SPDX-License-Identifier: Apache-2.0
#include "model/call_tree.h"

#include <algorithm>
#include <utility>

namespace flarestack {
namespace {

// The node of every outermost occurrence of `function`: none of its ancestors is one.
std::vector<uint32_t> outermost_occurrences(const CallTree& tree, uint32_t function) {
  const auto& nodes = tree.nodes();
  std::vector<uint32_t> found;
  std::vector<bool> inside(nodes.size(), false);
  for (uint32_t node = 1; node < nodes.size(); ++node) {  // parents come first
    inside[node] = inside[nodes[node].parent];
    if (inside[node] || nodes[node].function != function || nodes[node].type == FrameType::kProcess) continue;
    inside[node] = true;
    found.push_back(node);
  }
  return found;
}

}  // namespace

const char* frame_type_name(FrameType type) {
  switch (type) {
    case FrameType::kNative:
      return "native";
    case FrameType::kInlined:
      return "inlined";
    case FrameType::kKernel:
      return "kernel";
    case FrameType::kJit:
      return "jit";
    case FrameType::kInterpreter:
      return "interpreter";
    case FrameType::kMarker:
      return "marker";
    case FrameType::kProcess:
      return "process";
  }
  return "unknown";
}

CallTree::CallTree() : nodes_(1), links_(1) {}

void CallTree::reserve(size_t nodes) {
  nodes_.reserve(nodes);
  links_.reserve(nodes);
}

uint32_t CallTree::child(uint32_t parent, uint32_t function, FrameType type) {
  // Within one function only "inlined or not" varies.
  const bool is_inlined = type == FrameType::kInlined;
  const auto is_same = [&](uint32_t number) {
    const CallNode& node = nodes_[number];
    return node.parent == parent && node.function == function && (node.type == FrameType::kInlined) == is_inlined;
  };
  for (uint32_t each = links_[parent].first_child; each != kRoot; each = links_[each].next_sibling) {
    if (is_same(each)) return each;
  }
  const auto next = static_cast<uint32_t>(nodes_.size());
  Links& links = links_[parent];
  if (links.children >= kListedChildren) {
    const uint32_t found =
        child_index_.find_or_add(hash_of(parent, function << 1 | (is_inlined ? 1 : 0)), next, is_same);
    if (found != next) return found;
    links_.emplace_back();
  } else {
    ++links.children;
    const uint32_t next_sibling = std::exchange(links.first_child, next);
    links_.push_back({0, next_sibling, 0});
  }
  nodes_.push_back({parent, function, type});
  return next;
}

void CallTree::add_self(uint32_t node, uint64_t value, uint64_t count) {
  nodes_[node].self += value;
  nodes_[node].self_count += count;
}

void CallTree::sum_totals() {
  // Beyond this point no node is added.
  std::vector<Links>().swap(links_);
  child_index_ = {};
  for (CallNode& node : nodes_) node.total = node.self;
  for (size_t i = nodes_.size() - 1; i > 0; --i) nodes_[nodes_[i].parent].total += nodes_[i].total;

  child_begin_.assign(nodes_.size() + 1, 0);
  for (size_t i = 1; i < nodes_.size(); ++i) {
    if (nodes_[i].total != 0) ++child_begin_[nodes_[i].parent + 1];
  }
  for (size_t i = 1; i < child_begin_.size(); ++i) child_begin_[i] += child_begin_[i - 1];
  children_.resize(child_begin_.back());
  std::vector<uint32_t> next(child_begin_.begin(), child_begin_.end() - 1);
  for (uint32_t i = 1; i < nodes_.size(); ++i) {
    if (nodes_[i].total != 0) children_[next[nodes_[i].parent]++] = i;
  }
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (child_begin_[i + 1] - child_begin_[i] < 2) continue;
    std::stable_sort(children_.begin() + child_begin_[i], children_.begin() + child_begin_[i + 1],
                     [this](uint32_t a, uint32_t b) { return nodes_[a].total > nodes_[b].total; });
  }
}

std::span<const uint32_t> CallTree::children(uint32_t node) const {
  return {children_.data() + child_begin_[node], children_.data() + child_begin_[node + 1]};
}

std::vector<uint32_t> depth_first(const CallTree& tree) {
  std::vector<uint32_t> order;
  const auto top = tree.children(CallTree::kRoot);
  std::vector<uint32_t> to_visit(top.rbegin(), top.rend());
  while (!to_visit.empty()) {
    order.push_back(to_visit.back());
    to_visit.pop_back();
    const auto children = tree.children(order.back());
    to_visit.insert(to_visit.end(), children.rbegin(), children.rend());
  }
  return order;
}

CallTree callees_of(const CallTree& tree, uint32_t function) {
  const auto& nodes = tree.nodes();
  CallTree result;
  std::vector<uint32_t> copy_of(nodes.size(), CallTree::kRoot);
  for (const uint32_t node : outermost_occurrences(tree, function)) {
    copy_of[node] = result.child(CallTree::kRoot, function, FrameType::kNative);
  }
  for (uint32_t node = 1; node < nodes.size(); ++node) {
    const CallNode& original = nodes[node];
    if (copy_of[node] == CallTree::kRoot) {
      const uint32_t parent = copy_of[original.parent];
      if (parent == CallTree::kRoot) continue;  // not below the function
      copy_of[node] = result.child(parent, original.function, original.type);
    }
    result.add_self(copy_of[node], original.self, original.self_count);
  }
  result.sum_totals();
  return result;
}

CallTree callers_of(const CallTree& tree, uint32_t function) {
  const auto& nodes = tree.nodes();
  CallTree result;
  for (const uint32_t node : outermost_occurrences(tree, function)) {
    if (nodes[node].total == 0) continue;
    uint32_t caller = result.child(CallTree::kRoot, function, FrameType::kNative);
    for (uint32_t above = nodes[node].parent; above != CallTree::kRoot; above = nodes[above].parent) {
      caller = result.child(caller, nodes[above].function, nodes[above].type);
    }
    result.add_self(caller, nodes[node].total, 0);
  }
  result.sum_totals();
  return result;
}

}  // namespace flarestack
