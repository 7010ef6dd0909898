// SPDX-License-Identifier: Apache-2.0
// What a test program knows of its own heap, kept while it runs in a shared file truth.PID.N, which is right at every
// moment, whatever the process dies of. Allocates nothing, and maps by raw system calls. C and C++; one program has one
// copy, a library that it loads defines TRUTH_EXTERN (the program is linked with -rdynamic).
//
//   SITE void* site_x(size_t size) { return GOT(malloc(size), size); }    an allocating function, with a name of its
//   own give(block)                                                           free, counted
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SITE __attribute__((noinline, noclone))
#define GOT(block, size)             \
  __extension__({                    \
    void* got_ = (void*)(block);     \
    truth_got(__func__, got_, size); \
    got_;                            \
  })

enum { kTruthSites = 62, kTruthBlocks = 1 << 18 };
struct truth_numbers {
  int64_t allocations, bytes, live_blocks, live_bytes, temporary, peak_bytes;
};
struct truth_site {
  char name[48];
  struct truth_numbers numbers;
};
struct truth_file {
  struct truth_numbers all;
  int64_t foreign;  // blocks given back that nobody got: the program's own mistake
  int64_t site_count;
  struct truth_site sites[kTruthSites];
};
struct truth_block {
  void* block;         // NULL: free; (void*)1: was used
  int64_t site, size;  // site -1: inherited
  uint64_t serial;
};

#ifdef __cplusplus
extern "C" {
#endif
#ifdef TRUTH_EXTERN
void truth_got(const char* site, void* block, size_t size);
int truth_going(void* block, struct truth_block* was);
void truth_gone(const struct truth_block* was);
void truth_stays(const struct truth_block* was);
#else
static struct truth_file* truth_now;
static struct truth_block truth_blocks[kTruthBlocks];
static uint64_t truth_serial;
static char truth_locked;
static __thread uint64_t truth_last __attribute__((tls_model("initial-exec")));

static void truth_lock(void) {
  while (__atomic_test_and_set(&truth_locked, __ATOMIC_ACQUIRE)) sched_yield();
}
static void truth_unlock(void) { __atomic_clear(&truth_locked, __ATOMIC_RELEASE); }

static void truth_open(void) {
  char name[64];
  int fd = -1;
  for (int i = 0; fd < 0 && i < 100; ++i) {
    snprintf(name, sizeof name, "truth.%d.%d", (int)getpid(), i);
    fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  }
  if (fd < 0 || ftruncate(fd, sizeof *truth_now) != 0) _exit(120);
  truth_now = (struct truth_file*)syscall(SYS_mmap, NULL, sizeof *truth_now, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
}
static struct truth_block* truth_slot(void* block, int add) {
  uint64_t at = ((uint64_t)block >> 3) * 0x9e3779b97f4a7c15u >> 46;
  struct truth_block* gap = NULL;
  for (int i = 0; i < kTruthBlocks; ++i, at = (at + 1) % kTruthBlocks) {
    struct truth_block* here = truth_blocks + at;
    if (here->block == block) return here;
    if ((uint64_t)here->block <= 1 && gap == NULL) gap = here;
    if (here->block == NULL) return add ? gap : NULL;
  }
  _exit(121);
}
static void truth_count(struct truth_numbers* numbers, int64_t blocks, int64_t bytes) {
  numbers->live_blocks += blocks;
  numbers->live_bytes += bytes;
  if (blocks > 0) {
    numbers->allocations += blocks;
    numbers->bytes += bytes;
  }
}
// The block was got, in a function `site`. NULL is nothing.
void truth_got(const char* site, void* block, size_t size) {
  if (block == NULL) return;
  truth_lock();
  if (truth_now == NULL) truth_open();
  int64_t index = 0;
  while (index < truth_now->site_count && strcmp(truth_now->sites[index].name, site) != 0) ++index;
  if (index == kTruthSites) _exit(122);
  if (index == truth_now->site_count) strncpy(truth_now->sites[truth_now->site_count++].name, site, 47);
  struct truth_block* slot = truth_slot(block, 1);
  slot->block = block;
  slot->site = index;
  slot->size = (int64_t)size;
  slot->serial = truth_last = ++truth_serial;
  truth_count(&truth_now->sites[index].numbers, 1, slot->size);
  truth_count(&truth_now->all, 1, slot->size);
  if (truth_now->all.live_bytes > truth_now->all.peak_bytes) {
    truth_now->all.peak_bytes = truth_now->all.live_bytes;
    for (int64_t i = 0; i < truth_now->site_count; ++i)
      truth_now->sites[i].numbers.peak_bytes = truth_now->sites[i].numbers.live_bytes;
  }
  truth_unlock();
}
// Takes a block out before it is freed, as another thread may get its address at once. 0: nobody got it.
int truth_going(void* block, struct truth_block* was) {
  was->block = NULL;
  if (block == NULL) return 0;
  truth_lock();
  if (truth_now == NULL) truth_open();
  struct truth_block* slot = truth_slot(block, 0);
  if (slot != NULL) {
    *was = *slot;
    slot->block = (void*)1;
  } else {
    ++truth_now->foreign;
  }
  truth_unlock();
  return slot != NULL;
}
// What was taken out is freed.
void truth_gone(const struct truth_block* was) {
  if (was->block == NULL || was->site < 0) return;
  truth_lock();
  struct truth_numbers* numbers = &truth_now->sites[was->site].numbers;
  truth_count(numbers, -1, -was->size);
  truth_count(&truth_now->all, -1, -was->size);
  if (was->serial == truth_last) {
    ++numbers->temporary;
    ++truth_now->all.temporary;
  }
  truth_unlock();
}
// What was taken out stays: its reallocation failed.
void truth_stays(const struct truth_block* was) {
  if (was->block == NULL) return;
  truth_lock();
  *truth_slot(was->block, 1) = *was;
  truth_unlock();
}
// The thread allocates something that is nobody's here, such as an exception: what it got before is not temporary.
__attribute__((unused)) static void truth_other(void) { truth_last = 0; }
// fork, and in the child a new account: what is live is inherited, and its end is nothing.
__attribute__((unused)) static pid_t truth_fork(void) {
  truth_lock();
  const pid_t child = fork();
  if (child == 0) {
    truth_open();
    for (int i = 0; i < kTruthBlocks; ++i) truth_blocks[i].site = -1;
  }
  truth_unlock();
  return child;
}
#endif

__attribute__((unused)) static void truth_gives(void* block) {
  struct truth_block was;
  truth_going(block, &was);
  truth_gone(&was);
}
__attribute__((unused)) static void give(void* block) {
  truth_gives(block);
  free(block);
}
// BLOCK = REALLOC(old, size, realloc(old, size)): whatever comes of it is counted.
#define REALLOC(old, size, call)     \
  __extension__({                    \
    struct truth_block was_;         \
    truth_going(old, &was_);         \
    void* got_ = (call);             \
    if (got_ != NULL || (size) == 0) \
      truth_gone(&was_);             \
    else                             \
      truth_stays(&was_);            \
    truth_got(__func__, got_, size); \
    got_;                            \
  })
#ifdef __cplusplus
}
#endif
