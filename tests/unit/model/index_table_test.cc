// SPDX-License-Identifier: Apache-2.0
#include "model/index_table.h"

#include <vector>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

// The numbers of `things`, put down one after the other with the hash that `hash` gives.
template <typename Hash>
std::vector<uint32_t> numbers_of(const std::vector<uint32_t>& things, const Hash& hash) {
  IndexTable table;
  std::vector<uint32_t> known;
  std::vector<uint32_t> numbers;
  for (const uint32_t thing : things) {
    const auto next = static_cast<uint32_t>(known.size());
    const uint32_t found =
        table.find_or_add(hash(thing), next, [&](uint32_t number) { return known[number] == thing; });
    if (found == next) known.push_back(thing);
    numbers.push_back(found);
  }
  return numbers;
}

// 0 to 9999, and then all of them again.
std::vector<uint32_t> twice() {
  std::vector<uint32_t> things;
  for (uint32_t i = 0; i < 20'000; ++i) things.push_back(i % 10'000);
  return things;
}

}  // namespace

TEST_CASE("each thing has the number it got first, however large the table grows") {
  CHECK(numbers_of(twice(), [](uint32_t thing) { return hash_of(thing, 7); }) == twice());
}

TEST_CASE("things of one hash are told apart by comparison, also where they reach over the table's end") {
  CHECK(numbers_of(twice(), [](uint32_t thing) { return thing % 100 == 0 ? UINT64_MAX : hash_of(7, thing); }) ==
        twice());
}

TEST_CASE("a pair's hash depends on the order of its numbers and spreads over the upper bits") {
  CHECK(hash_of(1, 2) != hash_of(2, 1));
  CHECK(hash_of(1, 2) >> 32 != hash_of(1, 3) >> 32);
}

}  // namespace flarestack
