// SPDX-License-Identifier: Apache-2.0
// Suspended coroutines: one whose handle is kept and one whose handle is lost.
#include <coroutine>
#include <exception>

#include "corpus.h"

struct Task {
  struct promise_type {
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};
void* kept;

SITE void* site_inside() { return malloc(93); }
static Task work() {
  void* block = site_inside();
  co_await std::suspend_always{};
  free(block);
}
SITE Task site_kept() { return work(); }
SITE Task site_lost() { return work(); }
SITE Task site_finished() { return work(); }

static void body() {
  kept = site_kept().handle.address();
  site_lost();
  auto finished = site_finished().handle;
  finished.resume();
  finished.destroy();
}

int main() {
  run(body);
  return 0;
}
