// SPDX-License-Identifier: Apache-2.0
// Static containers, whose destructors free all; a static that a function keeps by pointer.
#include <map>
#include <string>
#include <vector>

#include "corpus.h"

std::map<std::string, std::vector<int>> table;

SITE void site_table(int i) { table["a long key, the number of which is " + std::to_string(i)].assign(i, i); }
SITE std::string& site_singleton() {
  static auto* const singleton = new std::string("the text of a singleton that is never destroyed");
  return *singleton;
}
SITE std::string& site_local() {
  static std::string local("the text of a static local that is destroyed at exit");
  return local;
}

static void body() {
  for (int i = 0; i < 100; ++i) site_table(i);
  site_singleton();
  site_local();
}

int main() {
  run(body);
  return 0;
}
