#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Calls of the allocator that do not return, to the last block (truth/truth.h): operator new that throws, also from a
# new_handler, exceptions through frames that allocate, rethrown and kept; a handler that jumps out of the allocator, as
# programs do that limit the time or survive a fault; and handlers that allocate themselves.
source "$(dirname "$0")/lib.sh"

cxx_program throws $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
static volatile size_t huge = size_t{1} << 62;
SITE void* site_small(size_t size) { return GOT(::operator new(size), size); }
SITE void* site_huge() { truth_other(); return GOT(::operator new(huge), huge); }
SITE void* site_huge_array() { truth_other(); return GOT(::operator new[](huge, std::align_val_t{64}), huge); }
struct Block {
  void* block;
  explicit Block(size_t size) : block(site_small(size)) {}
  ~Block() { truth_gives(block); ::operator delete(block); }
};
struct Mine { int number; };
SITE void descend(int depth) {
  Block block(10 + (size_t)depth);
  truth_other();
  if (depth == 0) throw Mine{depth};
  try {
    descend(depth - 1);
  } catch (const Mine&) {
    if (depth % 3 == 0) throw;
    truth_other();
    throw Mine{depth};
  }
}
static int handled;
static void on_no_memory() {
  Block block(100);
  if (++handled % 3 != 0) return;
  truth_other();
  throw std::bad_alloc();
}
int main() {
  int caught = 0;
  std::exception_ptr kept;
  for (int i = 0; i < 50; ++i) {
    try { site_huge(); } catch (const std::bad_alloc&) { ++caught; }
    try { Block block(20); site_huge_array(); } catch (...) { ++caught; kept = std::current_exception(); }
    try { descend(12); } catch (const Mine&) { ++caught; }
  }
  kept = nullptr;
  std::set_new_handler(on_no_memory);
  for (int i = 0; i < 50; ++i) try { site_huge(); } catch (const std::bad_alloc&) { ++caught; }
  return caught == 200 && handled == 150 ? 6 : 3;
}
C
# What is thrown is allocated too, by the runtime, and given back.
heap_truth --unknown '^libstdc|cxa_allocate|get_globals|^_Unwind|libgcc|^_dl_|^__cxa' -- ./throws
"$FLARESTACK" report --metric live --format json t.flare >r.json
json_true r.json 'd["heap"]["live_bytes_at_end"] == 72704' "only the runtime's emergency pool is left"

# Signal handlers that allocate where that is allowed: of faults and signals that the program itself brings about.
cc_program handlers $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
SITE void* site_main(size_t size) { return GOT(malloc(size), size); }
SITE void* site_handler(size_t size) { return GOT(malloc(size), size); }
SITE void* site_fault(size_t size) { return GOT(malloc(size), size); }
static sigjmp_buf back;
static void* blocks[2000];
static int next;
static void on_signal(int number) {
  (void)number;
  give(site_handler(5));
  blocks[next++] = site_handler(15);
}
static void on_fault(int number) {
  (void)number;
  site_fault(25);
  siglongjmp(back, 1);
}
int main(void) {
  static char stack[1 << 16];
  stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&other, NULL);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR2, &action, NULL);
  action.sa_handler = on_fault;
  sigaction(SIGSEGV, &action, NULL);
  volatile char* nowhere = (char*)16;
  for (volatile int i = 0; i < 300; ++i) {
    void* block = site_main(10);
    raise(i % 2 ? SIGUSR1 : SIGUSR2);
    if (sigsetjmp(back, 1) == 0) {
      site_main(30);
      *nowhere = 1;
    }
    give(block);
    give(site_main(40));
  }
  while (next > 0) give(blocks[--next]);
  return 6;
}
C
heap_truth --peak -- ./handlers

# An allocator of the program's own that may be interrupted anywhere: handlers of a timer allocate with it, or jump out of
# it. What they allocate is counted; who jumps out leaves at most its own event behind, and the rest is exact.
cc_program interrupted -fno-builtin -rdynamic -pthread <<'C'
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
static char pool[256 << 20] __attribute__((aligned(16)));
static size_t used;
static void* take(size_t size) {
  size_t from = __atomic_fetch_add(&used, (size + 31) / 16 * 16, __ATOMIC_RELAXED);
  if (from + size > sizeof pool) _Exit(77);
  *(size_t*)(pool + from) = size;
  for (volatile int i = 0; i < 300; ++i) continue;  // be interrupted here too
  return pool + from + 16;
}
#define ENTRY __attribute__((noinline, noclone))
ENTRY void* malloc(size_t size) { return take(size); }
ENTRY void* calloc(size_t count, size_t size) { return take(count * size); }
ENTRY void* realloc(void* old, size_t size) {
  void* block = take(size);
  if (old != NULL) memcpy(block, old, size < ((size_t*)old)[-2] ? size : ((size_t*)old)[-2]);
  return block;
}
ENTRY void free(void* block) { __asm__ volatile("" ::"r"(block) : "memory"); }
ENTRY void* aligned_alloc(size_t alignment, size_t size) { return alignment <= 16 ? take(size) : NULL; }
#define SITE __attribute__((noinline, noclone))
#define KEEP(what) ({ void* block_ = (what); __asm__ volatile("" ::"r"(block_) : "memory"); block_; })
SITE void* site_loop(void) { return KEEP(malloc(10)); }
SITE void* site_timer(void) { return KEEP(malloc(20)); }
SITE void* site_after(void) { return KEEP(malloc(30)); }
static sigjmp_buf back;
static volatile int ticks, jumps;
static void on_timer(int number) {
  (void)number;
  const int error = errno;
  if (!jumps) free(site_timer());
  ++ticks;
  errno = error;
  if (jumps) siglongjmp(back, 1);
}
int main(void) {
  struct sigaction action = {.sa_handler = on_timer};
  sigaction(SIGVTALRM, &action, NULL);
  struct itimerval timer = {{0, 1000}, {0, 1000}}, stop = {{0, 0}, {0, 0}};
  volatile long loops = 0;
  setitimer(ITIMER_VIRTUAL, &timer, NULL);
  while (ticks < 50) { free(site_loop()); ++loops; }
  setitimer(ITIMER_VIRTUAL, &stop, NULL);
  const long handled = ticks;
  jumps = 1;
  sigsetjmp(back, 1);
  if (ticks < 100) {
    setitimer(ITIMER_VIRTUAL, &timer, NULL);
    for (;;) { free(site_loop()); ++loops; }
  }
  setitimer(ITIMER_VIRTUAL, &stop, NULL);
  for (int i = 0; i < 10000; ++i) free(site_after());
  FILE* account = fopen("account", "w");
  fprintf(account, "%ld %ld\n", handled, loops);
  fclose(account);
  puts("went on");
  return 6;
}
C
same_with_and_without ./interrupted
"$FLARESTACK" report --metric allocations --threshold 0 --format json t.flare >r.json
read -r handled loops <account
count='{f["name"]: f["self"] for f in d["functions"]}'
json_true r.json "$count['site_after'] == 10000" "after the jumps"
json_true r.json "$loops - d['heap']['events_lost'] <= $count['site_loop'] <= $loops + 100" "$loops loops"
json_true r.json "$handled - d['heap']['events_lost'] <= $count['site_timer'] <= $handled" "$handled handlers"
json_true r.json 'd["heap"]["events_lost"] <= 100 and d["heap"]["foreign_frees"] == 0' "no more than one event a jump"
