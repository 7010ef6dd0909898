#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Threads that end by return, pthread_exit, cancellation while they burn or block, detached, with thread-local destructors
# and cleanup handlers, outliving main: each does all of its last work, and destructors' time is found where it is spent.
source "$(dirname "$0")/lib.sh"

cxx_program target <<'C'
#include <atomic>
#include <cstdio>
#include <ctime>
#include <pthread.h>
#include <threads.h>
#include <unistd.h>

static std::atomic<int> destroyed, keys_destroyed, cleaned, done;
static pthread_key_t key;
static volatile long sink;
static long thread_ms() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
[[gnu::noinline]] void burn_in_destructor(long until) {
  while (thread_ms() < until) for (int i = 0; i < 10000; ++i) sink = sink + i;
}
struct Local {
  int value = 0;
  ~Local() {
    burn_in_destructor(thread_ms() + 20);
    destroyed += value;
  }
};
static thread_local Local local;
static void clean(void*) { ++cleaned; }
static void* end(void* how) {
  local.value = 1;
  pthread_setspecific(key, how);
  pthread_cleanup_push(clean, nullptr);
  switch (static_cast<char*>(how)[0]) {
    case 'e': pthread_exit(how);
    case 'c': for (long i = 0;; ++i) { sink = sink + i; if (i % 1000 == 0) pthread_testcancel(); }
    case 'a': pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr); while (true) sink = sink + 1;
    case 'b': pause();
  }
  pthread_cleanup_pop(1);
  return how;
}
static void* detached(void* argument) {
  end(argument);
  ++done;
  return nullptr;
}
int main() {
  pthread_key_create(&key, [](void*) { ++keys_destroyed; });
  char ways[] = "recab";
  for (int round = 0; round < 5; ++round) {
    for (char* way = ways; *way != '\0'; ++way) {
      pthread_t id;
      void* result;
      pthread_create(&id, nullptr, end, way);
      usleep(2000);
      if (*way == 'c' || *way == 'a' || *way == 'b') pthread_cancel(id);
      pthread_join(id, &result);
      if (round == 0) std::printf("%c: %s\n", *way, result == PTHREAD_CANCELED ? "cancelled" : result == way ? "itself" : "?");
    }
  }
  for (int i = 0; i < 20; ++i) {
    pthread_t id;
    pthread_create(&id, nullptr, detached, ways);
    pthread_detach(id);
  }
  while (done < 20 || destroyed < 45) usleep(1000);
  thrd_t c11;
  int result = 0;
  thrd_create(&c11, [](void*) { return 77; }, nullptr);
  thrd_join(c11, &result);
  std::printf("%d %d %d %d\n", int(destroyed), int(keys_destroyed), int(cleaned), result);
  pthread_t last;
  static pthread_t main_thread = pthread_self();
  pthread_create(&last, nullptr, [](void*) -> void* {
    pthread_join(main_thread, nullptr);
    std::puts("main is gone");
    std::fflush(stdout);
    _exit(23);
  }, nullptr);
  pthread_exit(nullptr);
}
C
for options in "--cpu 1000" "--timer posix"; do
  RECORD_OPTIONS="$options" same_with_and_without ./target
  "$FLARESTACK" report --format json t.flare >t.json
  # A POSIX timer does not tell of a thread's time after its last tick, up to 4 ms.
  bar=0.75e9
  [[ "$options" != *posix* ]] || bar=0.6e9
  json_true t.json "sum(f['total'] for f in d['functions'] if f['name'] == 'burn_in_destructor(long)') > $bar" "45 times 20 ms in destructors"
done
grep -qx "45 45 45 77" bare.out || fail "$(cat bare.out)"
