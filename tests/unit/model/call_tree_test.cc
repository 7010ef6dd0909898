// SPDX-License-Identifier: Apache-2.0
#include "model/call_tree.h"

#include <string>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

constexpr uint32_t kMain = 0, kA = 1, kB = 2, kF = 3;

// main -> f -> a (10), main -> f -> f -> b (5), main -> b -> f (3), main (1)
CallTree recursive_tree() {
  CallTree tree;
  const auto native = FrameType::kNative;
  const uint32_t main = tree.child(CallTree::kRoot, kMain, native);
  const uint32_t f = tree.child(main, kF, native);
  tree.add_self(tree.child(f, kA, native), 10, 1);
  tree.add_self(tree.child(tree.child(f, kF, native), kB, native), 5, 1);
  tree.add_self(tree.child(tree.child(main, kB, native), kF, native), 3, 1);
  tree.add_self(main, 1, 1);
  tree.sum_totals();
  return tree;
}

// "function=total/self(children)", depth first.
std::string shape(const CallTree& tree, uint32_t node = CallTree::kRoot) {
  std::string text;
  for (const uint32_t child : tree.children(node)) {
    const CallNode& each = tree.nodes()[child];
    const std::string below = shape(tree, child);
    text += (text.empty() ? "" : " ") + std::string(1, "mabf"[each.function]) + "=" + std::to_string(each.total) + "/" +
            std::to_string(each.self) + (below.empty() ? "" : "(" + below + ")");
  }
  return text;
}

}  // namespace

TEST_CASE("a call tree sums totals and sorts children by them") {
  CHECK(shape(recursive_tree()) == "m=19/1(f=15/0(a=10/10 f=5/0(b=5/5)) b=3/0(f=3/3))");
}

TEST_CASE("callees are the subtrees of the outermost occurrences") {
  CHECK(shape(callees_of(recursive_tree(), kF)) == "f=18/3(a=10/10 f=5/0(b=5/5))");
}

TEST_CASE("callers sum up to the function's total") {
  CHECK(shape(callers_of(recursive_tree(), kF)) == "f=18/0(m=15/15 b=3/0(m=3/3))");
}

TEST_CASE("nodes without any value are no children") {
  CallTree tree;
  tree.child(CallTree::kRoot, kA, FrameType::kNative);
  tree.sum_totals();
  CHECK(tree.children(CallTree::kRoot).empty());
}

TEST_CASE("a node with many children has each of them once") {
  CallTree tree;
  const uint32_t parent = tree.child(CallTree::kRoot, kMain, FrameType::kNative);
  for (int round = 0; round < 3; ++round) {
    for (uint32_t function = 0; function < 5000; ++function) {
      tree.add_self(tree.child(parent, function, FrameType::kNative), 1, 1);
      tree.add_self(tree.child(parent, function, FrameType::kInlined), 2, 1);
    }
  }
  tree.sum_totals();
  CHECK(tree.nodes().size() == 10'002);
  REQUIRE(tree.children(parent).size() == 10'000);
  CHECK(tree.nodes()[tree.children(parent).front()].total == 6);
  CHECK(tree.nodes()[tree.children(parent).back()].total == 3);
  CHECK(tree.total() == 45'000);
}

}  // namespace flarestack
