// SPDX-License-Identifier: Apache-2.0
// A shared_ptr in a leaked holder: make_shared's objects are held by interior pointers, and by their counter's start.
#include <memory>

#include "corpus.h"

struct Object {
  long value[4];
};
std::shared_ptr<Object>* holder;
Object* volatile raw;

SITE std::shared_ptr<Object>* site_holder(std::shared_ptr<Object> object) {
  return new std::shared_ptr<Object>(std::move(object));
}
SITE std::shared_ptr<Object> site_object() { return std::make_shared<Object>(); }
SITE std::shared_ptr<Object>* site_interior() { return new std::shared_ptr<Object>(std::make_shared<Object>()); }

static void body() {
  holder = site_holder(site_object());
  raw = site_interior()->get();
}

int main() {
  run(body);
  return 0;
}
