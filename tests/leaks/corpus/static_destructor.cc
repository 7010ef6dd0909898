// SPDX-License-Identifier: Apache-2.0
// Destructors of static objects free, and leak.
#include "corpus.h"

struct Owner {
  ~Owner();
  void* block = nullptr;
};
static Owner first, second;

SITE void* site_freed() { return malloc(100); }
SITE void site_in_destructor() { malloc(200); }
Owner::~Owner() {
  free(block);
  run(site_in_destructor);
}

static void body() {
  first.block = site_freed();
  second.block = site_freed();
}

int main() {
  run(body);
  return 0;
}
