// SPDX-License-Identifier: Apache-2.0
// One unit of the large program: containers and algorithms over types of its own, so that the compiler has much to
// instantiate, inline and describe. bench/large_program.py compiles it a few times, with another PAYLOAD each, and
// makes the other units out of the assembly by giving the namespace another name.
#include "large_unit.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace unit000 {

using Payload = PAYLOAD;

template <int N>
struct Key {
  std::string name;
  uint64_t rank;
  bool operator<(const Key& other) const { return rank != other.rank ? rank < other.rank : name < other.name; }
};

template <int N>
class Table {
 public:
  void add(uint64_t number) {
    const Key<N> key{"key " + std::to_string(number % 61), number % 7};
    entries_[key].push_back(static_cast<Payload>(number % 1009));
    index_.insert_or_assign(key.name, key);
  }
  double sum() {
    std::function<double(double, const typename Entries::value_type&)> add_entry = [](double sum, const auto& entry) {
      return std::accumulate(entry.second.begin(), entry.second.end(), sum + static_cast<double>(entry.first.rank));
    };
    for (auto& [key, values] : entries_) std::sort(values.begin(), values.end(), std::greater<>());
    return std::accumulate(entries_.begin(), entries_.end(), 0.0, add_entry);
  }
  double order() {
    std::vector<std::shared_ptr<Key<N>>> keys;
    for (const auto& [name, key] : index_) keys.push_back(std::make_shared<Key<N>>(key));
    std::stable_sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return *a < *b; });
    std::set<std::pair<uint64_t, std::string>> seen;
    for (const auto& key : keys) seen.emplace(key->rank, key->name);
    return static_cast<double>(seen.size());
  }
  double print() {
    std::ostringstream text;
    std::deque<std::variant<Key<N>, Payload>> parts;
    for (const auto& [key, values] : entries_) {
      parts.emplace_back(key);
      if (!values.empty()) parts.emplace_back(values.front());
    }
    for (const auto& part : parts) {
      std::visit(
          [&](const auto& value) {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Payload>)
              text << value;
            else
              text << value.name << value.rank;
          },
          part);
    }
    return static_cast<double>(text.str().size());
  }

 private:
  using Entries = std::map<Key<N>, std::vector<Payload>>;
  Entries entries_;
  std::unordered_map<std::string, Key<N>> index_;
};

template <int N>
double work(Walk& walk) {
  double result = 0;
  for (int round = 0; round < walk.work; ++round) {
    Table<N> table;
    for (int i = 0; i < 20; ++i) table.add(walk.draw(1 << 20));
    result += table.sum() + table.order() + table.print();
  }
  return result;
}

// Each way on is another call path, through code of the library that is inlined or not.
template <int N>
double step(Walk& walk) {
  if (walk.steps_left == 0) return work<N>(walk);
  std::vector<Key<N>> held(1 + walk.draw(4));
  switch (walk.draw(4)) {
    case 0:
      return walk.go_on() + static_cast<double>(held.size());
    case 1: {
      const std::function<double()> on = [&] { return walk.go_on() + static_cast<double>(held.front().name.size()); };
      return on() + 1;
    }
    case 2: {
      std::map<int, Key<N>> known{{N, held.front()}};
      return std::accumulate(known.begin(), known.end(), 0.0,
                             [&](double sum, const auto&) { return sum + walk.go_on(); });
    }
    default: {
      std::variant<Payload, Key<N>> choice = held.front();
      return std::visit([&](const auto&) { return walk.go_on(); }, choice) + 1;
    }
  }
}

}  // namespace unit000

extern const Walk::Step unit000_steps[] = {
    unit000::step<0>, unit000::step<1>, unit000::step<2>, unit000::step<3>,
    unit000::step<4>, unit000::step<5>, unit000::step<6>, unit000::step<7>,
};
