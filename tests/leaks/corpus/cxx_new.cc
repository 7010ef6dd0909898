// SPDX-License-Identifier: Apache-2.0
// new, new[], nothrow and aligned new; placement new in a malloc'ed block.
#include <new>

#include "corpus.h"

struct alignas(64) Wide {
  char bytes[128];
};
struct Node {
  Node* next;
  long value;
};
Node* placed;

SITE void site_new() { new long(5); }
SITE void site_array() { new long[25]; }
SITE void site_nothrow() { new (std::nothrow) char[33]; }
SITE void site_aligned() { new Wide; }
SITE void* site_room() { return malloc(256); }
SITE Node* site_next() { return new Node{nullptr, 1}; }

static void body() {
  site_new();
  site_array();
  site_nothrow();
  site_aligned();
  placed = new (site_room()) Node{nullptr, 2};
  placed->next = site_next();
  delete site_next();
}

int main() {
  run(body);
  return 0;
}
