// SPDX-License-Identifier: Apache-2.0
// A unique_ptr that was released, one in a global, one in a lost object.
#include <memory>

#include "corpus.h"

struct Owner {
  std::unique_ptr<int[]> numbers;
};
std::unique_ptr<int> global;

SITE std::unique_ptr<int> site_released() { return std::make_unique<int>(1); }
SITE std::unique_ptr<int> site_global() { return std::make_unique<int>(2); }
SITE void site_owner(std::unique_ptr<int[]> numbers) { escape(new Owner{std::move(numbers)}); }
SITE std::unique_ptr<int[]> site_numbers() { return std::make_unique<int[]>(100); }

static void body() {
  site_released().release();
  site_released();
  global = site_global();
  site_owner(site_numbers());
}

int main() {
  run(body);
  return 0;
}
