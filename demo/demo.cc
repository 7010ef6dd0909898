// SPDX-License-Identifier: Apache-2.0
// A small search engine that works for two seconds, for a first look at flarestack. Three things in it are worth
// finding, and a profile shows each of them:
//   - the thread "ranker" spends its time in cosine(), called through score_page() and inlined into it;
//   - the thread "indexer" spends its own on strings: normalise() allocates five times for each word;
//   - open_session() leaks: end_session() forgets the session's history.
#include <pthread.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace demo {
namespace {

using Clock = std::chrono::steady_clock;

// Numbers that look random and are the same in every run.
class Sequence {
 public:
  explicit Sequence(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return state_ >> 33;
  }

 private:
  uint64_t state_;
};

constexpr size_t kFeatures = 64;
using Features = std::array<float, kFeatures>;

struct Page {
  std::string text;
  Features features;
};

struct Session {
  std::vector<uint32_t> queries;
  uint32_t* history = nullptr;
};

std::vector<Page> fetch_pages(size_t count) {
  constexpr std::array<std::string_view, 8> kWords{"Instrumentation,",   "microarchitecture", "Interoperability;",
                                                   "a-priori-knowledge", "representations.",  "Multithreadedness",
                                                   "synchronisations,",  "unpredictability"};
  Sequence numbers(1);
  std::vector<Page> pages(count);
  for (Page& page : pages) {
    for (int i = 0; i < 120; ++i) {
      page.text += kWords[numbers.next() % kWords.size()];
      page.text += std::to_string(numbers.next() % 50);
      page.text += ' ';
    }
    for (float& feature : page.features) feature = static_cast<float>(numbers.next() % 1000) / 1000.0F;
  }
  return pages;
}

// The indexer: words to the pages that hold them.

std::string lower(const std::string& word) {
  std::string result = word;
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return result;
}

std::string without_punctuation(const std::string& word) {
  std::string result;
  for (char c : word) {
    if (c != ',' && c != ';' && c != '.') result += c;
  }
  return result;
}

std::string stem(const std::string& word) {
  return word.size() > 3 && word.back() == 's' ? word.substr(0, word.size() - 1) : word;
}

[[gnu::noinline]] std::string normalise(std::string_view word) {
  return "word:" + stem(without_punctuation(lower(std::string(word))));
}

using Index = std::unordered_map<std::string, std::vector<uint32_t>>;

[[gnu::noinline]] void index_page(const Page& page, uint32_t number, Index& index) {
  std::string_view rest = page.text;
  while (!rest.empty()) {
    size_t space = rest.find(' ');
    index[normalise(rest.substr(0, space))].push_back(number);
    rest.remove_prefix(space + 1);
  }
}

size_t run_indexer(const std::vector<Page>& pages, Clock::time_point deadline) {
  size_t indexed = 0;
  while (Clock::now() < deadline) {
    Index index;
    for (uint32_t number = 0; number < pages.size(); ++number) index_page(pages[number], number, index);
    indexed += index.size();
  }
  return indexed;
}

// The ranker: which page answers a query best.

inline float dot(const Features& a, const Features& b) {
  float sum = 0;
  for (size_t i = 0; i < kFeatures; ++i) sum += a[i] * b[i];
  return sum;
}

inline float length(const Features& a) { return std::sqrt(dot(a, a)); }

inline float cosine(const Features& a, const Features& b) { return dot(a, b) / (length(a) * length(b)); }

[[gnu::noinline]] float score_page(const Page& page, const Features& query) {
  return cosine(page.features, query) * 0.9F + static_cast<float>(page.text.size() % 7) * 0.01F;
}

[[gnu::noinline]] uint32_t best_page(const std::vector<Page>& pages, const Features& query) {
  uint32_t best = 0;
  float best_score = -1;
  for (uint32_t number = 0; number < pages.size(); ++number) {
    float score = score_page(pages[number], query);
    if (score > best_score) {
      best_score = score;
      best = number;
    }
  }
  return best;
}

[[gnu::noinline]] std::unique_ptr<Session> open_session() {
  auto session = std::make_unique<Session>();
  session->history = new uint32_t[64]();
  return session;
}

[[gnu::noinline]] void end_session(std::unique_ptr<Session> session) {
  session->queries.clear();  // and session->history is never deleted
}

size_t run_ranker(const std::vector<Page>& pages, Clock::time_point deadline) {
  Sequence numbers(2);
  size_t checksum = 0;
  while (Clock::now() < deadline) {
    std::unique_ptr<Session> session = open_session();
    for (uint32_t i = 0; i < 20; ++i) {
      Features query;
      for (float& feature : query) feature = static_cast<float>(numbers.next() % 1000) / 1000.0F;
      session->queries.push_back(i);
      session->history[i] = best_page(pages, query);
      checksum += session->history[i];
    }
    end_session(std::move(session));
  }
  return checksum;
}

int run() {
  std::vector<Page> pages = fetch_pages(500);
  Clock::time_point deadline = Clock::now() + std::chrono::seconds(2);
  size_t indexed = 0;
  size_t checksum = 0;
  std::thread indexer([&] { indexed = run_indexer(pages, deadline); });
  pthread_setname_np(indexer.native_handle(), "indexer");
  std::thread ranker([&] { checksum = run_ranker(pages, deadline); });
  pthread_setname_np(ranker.native_handle(), "ranker");
  indexer.join();
  ranker.join();
  std::printf("indexed %zu words, checksum %zu\n", indexed, checksum);
  return 0;
}

}  // namespace
}  // namespace demo

int main() { return demo::run(); }
