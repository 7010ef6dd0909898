// SPDX-License-Identifier: Apache-2.0
// A threaded program for the corpus: eight threads that sort, hash, build maps and strings, throw, and meet at a lock.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

std::mutex total_mutex;
std::map<std::string, unsigned long> total;

[[gnu::noinline]] unsigned long fold(const std::vector<int>& numbers, size_t begin, size_t end) {
  if (end - begin < 8) {
    return std::accumulate(numbers.begin() + static_cast<long>(begin), numbers.begin() + static_cast<long>(end), 1ul,
                           [](unsigned long sum, int n) { return sum * 31 + static_cast<unsigned long>(n); });
  }
  const size_t middle = begin + (end - begin) / 2;
  return fold(numbers, begin, middle) ^ fold(numbers, middle, end);
}

[[gnu::noinline]] std::string word(unsigned long n) {
  if (n % 97 == 0) {
    throw std::runtime_error("no word for " + std::to_string(n));
  }
  return "word number " + std::to_string(n % 500);
}

void work(unsigned seed, unsigned rounds) {
  std::map<std::string, unsigned long> mine;
  for (unsigned round = 0; round < rounds; ++round) {
    std::vector<int> numbers(2000);
    for (int& n : numbers) {
      seed = seed * 1664525 + 1013904223;
      n = static_cast<int>(seed >> 8);
    }
    std::sort(numbers.begin(), numbers.end());
    qsort(numbers.data(), numbers.size(), sizeof numbers[0], [](const void* a, const void* b) {
      return *static_cast<const int*>(b) < *static_cast<const int*>(a) ? -1 : 1;
    });
    const unsigned long folded = fold(numbers, 0, numbers.size());
    for (unsigned long i = 0; i < 200; ++i) {
      try {
        mine[word(folded + i)] += i;
      } catch (const std::runtime_error& error) {
        mine[error.what()] = i;
      }
    }
    const std::lock_guard<std::mutex> lock(total_mutex);
    for (const auto& [key, value] : mine) {
      total[key] += value;
    }
    mine.clear();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned rounds = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 50;
  for (unsigned generation = 0; generation < 4; ++generation) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 8; ++i) {
      threads.emplace_back(work, generation * 8 + i, rounds);
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
  std::printf("%zu words\n", total.size());
}
