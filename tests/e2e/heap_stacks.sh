#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The stack of every single allocation is right: a program calls at random, allocates, returns, throws and jumps out of
# many frames, in main, in threads, in coroutines that switch at any depth and in handlers on another stack, and keeps
# account of each path; the recording has the same paths with the same counts. And recursion that is deeper than a stack
# may be in a record keeps root and leaf.
source "$(dirname "$0")/lib.sh"

# What each of the walking functions does.
cat >body.h <<'C'
  walker.names[depth] = kName;
  volatile int rounds = (int)walker.number(4) + 1;
  void (*const functions[])(Walker&, int) = {a, b, c, d};
  try {
    if (walker.number(6) == 0) {
      if (setjmp(walker.back[depth]) != 0) { walker.names[depth] = kName; site(walker, depth); rounds = 0; }
      walker.has_back[depth] = true;
    }
    while (rounds > 0 && walker.steps > 0) {
      rounds = rounds - 1;
      switch (--walker.steps, walker.number(8)) {
        case 0: case 1: site(walker, depth); break;
        case 2: if (depth > 4 && walker.number(4) == 0) throw Unwind{1 + (int)walker.number((unsigned)depth - 1)}; break;
        case 3:
          for (int to = depth - 1; to > 1; --to)  // jumps as far as to the oldest frame that is still there
            if (walker.has_back[to] && walker.number(8) == 0) {
              for (int i = to + 1; i <= depth; ++i) walker.has_back[i] = false;
              longjmp(walker.back[to], 1);
            }
          break;
        case 4:
          if (walker.next != nullptr) swapcontext(&walker.context, walker.next);
          else { in_handler = &walker; handler_depth = depth; raise(walker.number(2) ? SIGUSR1 : SIGUSR2); }
          break;
        default: if (depth < kDepth - 2) functions[walker.number(4)](walker, depth + 1);
      }
      walker.names[depth] = kName;
    }
  } catch (const Unwind& unwind) {
    for (int i = depth + 1; i < kDepth; ++i) walker.has_back[i] = false;
    if (unwind.depth < depth) { walker.has_back[depth] = false; throw; }
    site(walker, depth);
  }
  walker.has_back[depth] = false;
C
cxx_program walk -I. -fno-optimize-sibling-calls -fno-builtin <<'C'
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <ucontext.h>
#define FRAME __attribute__((noinline, noclone))
enum { kDepth = 40, kPaths = 1 << 15 };
struct Path { char names[kDepth + 2]; long count; };
static Path paths[kPaths];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;  // never contended while a context is switched
struct Walker {
  char names[kDepth + 2] = {};  // of the frames below, one letter each
  unsigned seed = 1;
  int steps = 0;
  jmp_buf back[kDepth + 2];
  bool has_back[kDepth + 2] = {};
  ucontext_t context, *next = nullptr;
  unsigned number(unsigned below) { return (seed = seed * 1664525 + 1013904223) / 65536 % below; }
};
static void count(const Walker& walker, int depth) {
  char names[kDepth + 2] = {};
  memcpy(names, walker.names, (size_t)depth + 1);
  unsigned long at = 5381;
  for (const char* c = names; *c != 0; ++c) at = at * 33 + (unsigned char)*c;
  pthread_mutex_lock(&lock);
  for (at %= kPaths; paths[at].count != 0 && strcmp(paths[at].names, names) != 0;) at = (at + 1) % kPaths;
  memcpy(paths[at].names, names, sizeof names);
  ++paths[at].count;
  pthread_mutex_unlock(&lock);
}
FRAME void site(Walker& walker, int depth) {
  void* block = malloc(walker.number(100));
  count(walker, depth);
  if (walker.number(2) != 0) free(block);
}
struct Unwind { int depth; };
FRAME void a(Walker&, int);
FRAME void b(Walker&, int);
FRAME void c(Walker&, int);
FRAME void d(Walker&, int);
static thread_local Walker* in_handler;
static thread_local int handler_depth;
FRAME void h(int) { in_handler->names[handler_depth + 1] = 'h'; site(*in_handler, handler_depth + 1); __asm__ volatile(""); }
FRAME void a(Walker& walker, int depth) {
  enum { kName = 'a' };
#include "body.h"
}
FRAME void b(Walker& walker, int depth) {
  enum { kName = 'b' };
  volatile char frame[200];
  frame[walker.number(200)] = 1;
#include "body.h"
  frame[0] = frame[1];
}
FRAME void c(Walker& walker, int depth) {
  enum { kName = 'c' };
  volatile char* frame = (char*)__builtin_alloca(walker.number(3000) + 1);
  frame[0] = 1;
#include "body.h"
}
FRAME void d(Walker& walker, int depth) {
  enum { kName = 'd' };
  alignas(64) volatile char frame[64];
  frame[walker.number(64)] = 1;
#include "body.h"
  frame[0] = frame[1];
}
static void run(char name, Walker& walker) {
  walker.names[0] = name;
  while (walker.steps > 0) a(walker, 1);
}
FRAME void m(Walker& walker) { run('m', walker); __asm__ volatile(""); }
FRAME void* t(void* argument) {
  static char stacks[3][1 << 16];
  stack_t stack = {stacks[(long)argument], 0, 1 << 16};
  sigaltstack(&stack, nullptr);
  static Walker walkers[3];
  walkers[(long)argument].seed = (unsigned)(long)argument + 7;
  walkers[(long)argument].steps = 40000;
  run('t', walkers[(long)argument]);
  return nullptr;
}
static Walker one, two, main_walker;
static ucontext_t home;
FRAME void x() { run('x', one); one.next = nullptr; two.next = &home; setcontext(&two.context); }
FRAME void y() { run('y', two); setcontext(&home); }
int main() {
  struct sigaction action = {};
  action.sa_handler = h;
  sigaction(SIGUSR1, &action, nullptr);
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR2, &action, nullptr);
  static char stacks[2][1 << 18];
  static char other[1 << 16];
  stack_t stack = {other, 0, sizeof other};
  sigaltstack(&stack, nullptr);
  main_walker.steps = 60000;
  m(main_walker);
  for (int i = 0; i < 2; ++i) {
    Walker& walker = i == 0 ? one : two;
    getcontext(&walker.context);
    walker.context.uc_stack = {stacks[i], 0, sizeof stacks[i]};
    makecontext(&walker.context, i == 0 ? x : y, 0);
    walker.next = i == 0 ? &two.context : &one.context;
    walker.seed = 100 + (unsigned)i;
    walker.steps = i == 0 ? 30000 : 60000;
  }
  if (swapcontext(&home, &one.context) != 0) return 3;
  pthread_t ids[3];
  for (long i = 0; i < 3; ++i) pthread_create(&ids[i], nullptr, t, (void*)i);
  for (pthread_t id : ids) pthread_join(id, nullptr);
  FILE* file = fopen("paths", "w");
  for (const Path& path : paths) if (path.count != 0) fprintf(file, "%s %ld\n", path.names, path.count);
  return fclose(file);
}
C
cat >paths.py <<'P'
import collections, sys
truth = {l.split()[0]: int(l.split()[1]) for l in open("paths")}
got = collections.Counter()
for line in open("folded"):
    stack, _, count = line.rpartition(" ")
    frames = [f.split("(")[0] for f in stack.split(";")]
    if "site" not in frames: continue
    inner = [f for f in frames if len(f) == 1]
    assert frames[-1] == "site" and (frames[0] in ("_start", "clone3", "__clone") or "x" in inner or "y" in inner), stack
    got["".join(inner)] += int(count)
wrong = [(p, truth.get(p), got.get(p)) for p in sorted(set(truth) | set(got)) if truth.get(p) != got.get(p)]
print(len(truth), "paths,", sum(truth.values()), "allocations,", len(wrong), "wrong:", wrong[:5])
assert len(truth) > 1000 and {"m", "t", "x", "y"} == {p[0] for p in truth} and not wrong
P
same_with_and_without ./walk
"$FLARESTACK" export --metric allocations --format collapsed t.flare -o folded
python3 paths.py || fail "paths differ"
"$FLARESTACK" info --format json t.flare >i.json
json_true i.json 'd["quality"]["complete"] and d["quality"]["heap_events_lost"] == d["quality"]["foreign_frees"] == 0' "quality"

cc_program deep -fno-optimize-sibling-calls -fno-builtin <<'C'
#include <stdlib.h>
#define FRAME __attribute__((noinline, noclone))
FRAME void* site(size_t size) { void* block = malloc(size); __asm__ volatile("" ::"r"(block) : "memory"); return block; }
FRAME int recurse(int depth) {
  if (depth % 500 == 0) free(site(10));
  return depth == 0 ? 1 : recurse(depth - 1) + 1;
}
FRAME int outermost(int depth) { return recurse(depth) + 1; }
int main(void) { return outermost(50000) == 50002 && outermost(3000) == 3002 ? 6 : 3; }
C
ulimit -s 16384
same_with_and_without ./deep
"$FLARESTACK" export --metric allocations --format collapsed t.flare -o folded
python3 - <<'P' || fail "deep stacks: $(cut -c1-200 folded)"
whole = cut = 0
for line in open("folded"):
    stack, _, count = line.rpartition(" ")
    frames = stack.split(";")
    if frames[-1] != "site": continue
    assert frames[0] == "_start" and frames[-2] == "recurse" and frames.count("outermost") == 1, (len(frames), frames[:6], frames[-3:])
    marks = [f for f in frames if "elided" in f]
    whole, cut = whole + (not marks) * int(count), cut + bool(marks) * int(count)
    assert len(marks) <= 1 and len(frames) <= 4097 + 1, (marks, len(frames))
print(whole, cut)
assert whole + cut == 101 + 7 and 7 + 7 <= whole <= 9 + 7
P
json_true <("$FLARESTACK" report --metric allocations --format json t.flare) '{f["name"]: f["total"] for f in d["functions"]}["outermost"] == 108' "counted once per stack"
