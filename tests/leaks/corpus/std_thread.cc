// SPDX-License-Identifier: Apache-2.0
// std::thread, std::async, promises: what they keep is freed, what the functions leak is not.
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "corpus.h"

SITE void site_thread() { new long[6]; }
SITE void site_async() { new long[7]; }
SITE void site_promise() { escape(new std::promise<int>); }

static void body() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([] { run(site_thread); });
  for (auto& thread : threads) thread.join();
  std::async(std::launch::async, [] { run(site_async); }).get();
  site_promise();
}

int main() {
  run(body);
  return 0;
}
