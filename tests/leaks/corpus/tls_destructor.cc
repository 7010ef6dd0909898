// SPDX-License-Identifier: Apache-2.0
// thread_local objects whose destructors free, in a thread that ended and in the first.
#include <memory>
#include <thread>

#include "corpus.h"

struct Owner {
  ~Owner() { free(block); }
  void* block = nullptr;
};
thread_local Owner owner;
thread_local std::unique_ptr<int[]> numbers;

SITE void* site_freed() { return malloc(500); }
SITE int* site_numbers() { return new int[50]; }
SITE void site_lost() { malloc(600); }

static void work() {
  owner.block = site_freed();
  numbers.reset(site_numbers());
  site_lost();
}

int main() {
  std::thread([] { run(work); }).join();
  run(work);
  return 0;
}
