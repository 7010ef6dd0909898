// SPDX-License-Identifier: Apache-2.0
// A cycle of shared_ptrs; objects made with their counters and apart from them.
#include <memory>

#include "corpus.h"

struct Node {
  std::shared_ptr<Node> other;
  char room[40];
};

SITE std::shared_ptr<Node> site_together() { return std::make_shared<Node>(); }
SITE std::shared_ptr<Node> site_apart() { return std::shared_ptr<Node>(new Node); }

static void body() {
  auto a = site_together(), b = site_together();
  a->other = b;
  b->other = a;
  auto c = site_apart();
  c->other = c;
  auto freed = site_together();
  freed->other = site_apart();
}

int main() {
  run(body);
  return 0;
}
