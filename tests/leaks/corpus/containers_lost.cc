// SPDX-License-Identifier: Apache-2.0
// Containers that were made with new and forgotten: their nodes are indirectly lost.
#include <deque>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "corpus.h"

SITE auto* site_map() { return new std::map<int, std::string>; }
SITE auto* site_vector() { return new std::vector<std::vector<int>>; }
SITE auto* site_unordered() { return new std::unordered_map<int, int>; }
SITE auto* site_list() { return new std::list<int>; }
SITE auto* site_deque() { return new std::deque<long>; }
SITE void site_map_nodes(std::map<int, std::string>& map, int i) { map[i] = std::string(40, 'x'); }
SITE void site_vector_rooms(std::vector<std::vector<int>>& vector, int i) { vector.emplace_back(i + 1); }
SITE void site_unordered_nodes(std::unordered_map<int, int>& map, int i) { map[i] = i; }
SITE void site_list_nodes(std::list<int>& list, int i) { list.push_back(i); }
SITE void site_deque_rooms(std::deque<long>& deque, int i) { deque.push_back(i); }

static void body() {
  auto* map = site_map();
  auto* vector = site_vector();
  auto* unordered = site_unordered();
  auto* list = site_list();
  auto* deque = site_deque();
  for (int i = 0; i < 200; ++i) {
    site_map_nodes(*map, i);
    site_vector_rooms(*vector, i);
    site_unordered_nodes(*unordered, i);
    site_list_nodes(*list, i);
    site_deque_rooms(*deque, i);
  }
}

int main() {
  run(body);
  return 0;
}
