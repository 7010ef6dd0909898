// SPDX-License-Identifier: Apache-2.0
// memcheck's heuristic stdstring: the reference-counted strings of before C++11 point behind their header.
#define _GLIBCXX_USE_CXX11_ABI 0
#include <string>

#include "corpus.h"

alignas(std::string) static char place[2][sizeof(std::string)];

SITE void site_held() { new (place[0]) std::string("a string of forty characters or so, held"); }
SITE void site_shared() {
  std::string one("a string whose text two share, one of which is gone by the end");
  new (place[1]) std::string(one);
}
SITE void site_lost() { escape(new std::string("a string that is lost with what it points to")); }

static void body() {
  site_held();
  site_shared();
  site_lost();
}

int main() {
  run(body);
  return 0;
}
