// SPDX-License-Identifier: Apache-2.0
// Containers that are never destroyed, in static memory.
#include <deque>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "corpus.h"

template <typename T>
union Immortal {
  Immortal() { new (&value) T; }
  ~Immortal() {}
  T value;
};
Immortal<std::map<int, std::string>> map;
Immortal<std::vector<long>> vector;
Immortal<std::unordered_map<std::string, int>> unordered;
Immortal<std::list<int>> list;
Immortal<std::deque<long>> deque;

SITE void site_map(int i) { map.value[i] = std::string(20 + i, 'm'); }
SITE void site_vector(int i) { vector.value.push_back(i); }
SITE void site_unordered(int i) { unordered.value[std::string(30, 'a' + i % 20)] = i; }
SITE void site_list(int i) { list.value.push_back(i); }
SITE void site_deque(int i) { deque.value.push_back(i); }

static void body() {
  for (int i = 0; i < 300; ++i) {
    site_map(i);
    site_vector(i);
    site_unordered(i);
    site_list(i);
    site_deque(i);
  }
}

int main() {
  run(body);
  return 0;
}
