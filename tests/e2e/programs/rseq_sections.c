// SPDX-License-Identifier: Apache-2.0
// rseq_sections COUNTERS THREADS: threads (one: the only one) that are nearly always inside a restartable sequence of
// their own, some tens of microseconds long. COUNTERS: a file of an int32 for each thread, how often it has come to the
// end. SIGTERM ends it; it says then what it found wrong, and its status is the number of that:
//   unprotected  inside, while the kernel no longer knew that it was: it would not have aborted it
//   clobbered    registers, or the thread's own value, that are not what was put there
//   torn         the end was reached without a commit, or was aborted with one
// Restartable sequences: Linux, Documentation/userspace-api/rseq.rst; glibc registers the area of each thread.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <time.h>
#include <unistd.h>

enum { kMostThreads = 16, kSpins = 60000 };

static volatile sig_atomic_t stop;
static volatile int32_t* counters;
static struct Tally {
  long commits, aborts, unprotected, clobbered, torn, inside_ns, all_ns;
} tallies[kMostThreads];
static __thread volatile uint64_t own_value;

static void on_term(int signal) { stop = signal; }

static long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

enum Outcome { kCommitted, kAborted, kUnprotected, kClobbered };

// One section: keeps `value` in general and vector registers while it spins, and commits by one store of it.
__attribute__((noinline)) static enum Outcome section(struct rseq* area, uint64_t value, uint64_t* committed) {
  __asm__ goto(
      ".pushsection __rseq_cs, \"aw\"\n"
      ".balign 32\n"
      "3: .long 0, 0\n"
      ".quad 1f, 2f - 1f, 4f\n"
      ".popsection\n"
      "lea 3b(%%rip), %%rax\n"
      "mov %%rax, 8(%[area])\n"  // the kernel aborts from the next instruction on
      "1:\n"
      "mov %[value], %%r8\n"
      "mov %[value], %%r9\n"
      "not %%r9\n"
      "movq %%r8, %%xmm7\n"
      "movq %%r9, %%xmm15\n"
      "mov %[spins], %%ecx\n"
      "5:\n"
      "dec %%ecx\n"
      "jnz 5b\n"
      "cmpq $0, 8(%[area])\n"
      "je %l[unprotected]\n"
      "movq %%xmm7, %%rax\n"
      "cmp %%rax, %[value]\n"
      "jne %l[clobbered]\n"
      "cmp %%r8, %[value]\n"
      "jne %l[clobbered]\n"
      "movq %%xmm15, %%rax\n"
      "cmp %%rax, %%r9\n"
      "jne %l[clobbered]\n"
      "mov %%r8, (%[committed])\n"
      "2:\n"
      ".pushsection __rseq_failure, \"ax\"\n"
      ".byte 0x0f, 0xb9, 0x3d\n"  // ud1, of which the signature is the operand
      ".long %c[signature]\n"
      "4: jmp %l[aborted]\n"
      ".popsection\n"
      :
      : [area] "r"(area), [value] "r"(value), [committed] "r"(committed), [spins] "i"(kSpins), [signature] "i"(RSEQ_SIG)
      : "rax", "rcx", "r8", "r9", "xmm7", "xmm15", "memory", "cc"
      : aborted, unprotected, clobbered);
  return kCommitted;
aborted:
  return kAborted;
unprotected:
  return kUnprotected;
clobbered:
  return kClobbered;
}

static void* works(void* argument) {
  const long number = (long)argument;
  struct Tally* tally = &tallies[number];
  struct rseq* area = (struct rseq*)((char*)__builtin_thread_pointer() + __rseq_offset);
  uint64_t committed = 0;
  uint64_t last = 0;
  const long start_ns = now_ns();
  for (uint64_t round = 1; !stop; ++round) {
    const uint64_t value = round * 0x9E3779B97F4A7C15u + (uint64_t)number;
    own_value = value;
    const long before_ns = now_ns();
    const enum Outcome outcome = section(area, value, &committed);
    tally->inside_ns += now_ns() - before_ns;
    const int has_committed = committed == value;
    tally->commits += outcome == kCommitted;
    tally->aborts += outcome == kAborted;
    tally->unprotected += outcome == kUnprotected;
    tally->clobbered += outcome == kClobbered || own_value != value;
    tally->torn += has_committed != (outcome == kCommitted) || (!has_committed && committed != last);
    last = committed;
    counters[number] = (int32_t)tally->commits;
    if (round % 64 == 0) free(malloc(100));
  }
  tally->all_ns = now_ns() - start_ns;
  return argument;
}

int main(int count, char** arguments) {
  const int threads = count > 2 ? atoi(arguments[2]) : 1;
  const int file = open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (__rseq_size == 0) return 77;  // not registered: an old kernel, or GLIBC_TUNABLES
  if (threads > kMostThreads || file < 0 || ftruncate(file, threads * (long)sizeof(int32_t)) != 0) return 99;
  counters = mmap(NULL, kMostThreads * sizeof(int32_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  signal(SIGTERM, on_term);
  pthread_t ids[kMostThreads];
  for (long i = 1; i < threads; ++i) pthread_create(&ids[i], NULL, works, (void*)i);
  works(NULL);
  struct Tally all = tallies[0];
  for (int i = 1; i < threads; ++i) {
    pthread_join(ids[i], NULL);
    all.commits += tallies[i].commits;
    all.aborts += tallies[i].aborts;
    all.unprotected += tallies[i].unprotected;
    all.clobbered += tallies[i].clobbered;
    all.torn += tallies[i].torn;
    all.inside_ns += tallies[i].inside_ns;
    all.all_ns += tallies[i].all_ns;
  }
  printf("commits %ld aborts %ld unprotected %ld clobbered %ld torn %ld inside %ld%%\n", all.commits, all.aborts,
         all.unprotected, all.clobbered, all.torn, all.inside_ns * 100 / all.all_ns);
  return (all.unprotected != 0) | (all.clobbered != 0) << 1 | (all.torn != 0) << 2 | (all.aborts == 0) << 3;
}
