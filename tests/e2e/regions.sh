#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Regions, numbers, pools and pauses as flarestack.h has a program tell them: what the report says of each is what the
# program says of itself, in threads, in forked children, after jumps and in spite of ends that end nothing; and it
# behaves the same without a recorder.
source "$(dirname "$0")/lib.sh"

cat >told.c <<'PROGRAM'
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "flarestack.h"

static volatile unsigned long sink;
static long cpu_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
static void burn(long ms) {
  long start = cpu_us();
  while (cpu_us() - start <= ms * 1000)
    for (int i = 0; i < 2000; ++i) sink += i;
}
static void* worker(void* argument) {
  for (int i = 0; i < 50; ++i) {
    flarestack_token outer = flarestack_begin("work");
    char* kept = malloc(100);
    flarestack_token inner = flarestack_begin("inner");
    char* passing = malloc(1000);
    free(passing);
    flarestack_end(inner);
    if (i % 2) free(kept);
    flarestack_end(outer);
  }
  flarestack_token left = flarestack_begin("left open");
  free(malloc(64));
  (void)left;
  return argument;
}
static jmp_buf back;
static void deep(int depth) {
  flarestack_begin("deep");
  if (depth == 0) longjmp(back, 1);
  if (depth > 0) deep(depth - 1);
}
int main(void) {
  // CPU time, nested; the tags of each call.
  for (int i = 1; i <= 2; ++i) {
    flarestack_token load = flarestack_begin("load");
    flarestack_tag("rows", i * 100);
    burn(150);
    flarestack_token parse = flarestack_begin("parse");
    burn(100);
    flarestack_end(parse);
    flarestack_end(load);
  }
  // Growth, and the peak of a call: 3 times 10000 bytes, of which 2 are freed in it.
  flarestack_token peak = flarestack_begin("peak");
  char* blocks[3];
  for (int i = 0; i < 3; ++i) blocks[i] = malloc(10000);
  free(blocks[1]);
  free(blocks[2]);
  flarestack_end(peak);
  flarestack_token release = flarestack_begin("release");
  free(blocks[0]);
  flarestack_end(release);
  flarestack_end(release);  // ends nothing
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, worker, NULL);
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  // What a jump leaves open ends with what it was in.
  flarestack_token jump = flarestack_begin("jump");
  if (!setjmp(back)) deep(4);
  flarestack_end(jump);
  // More than are kept at once: the rest is left out, and everything else goes on.
  flarestack_token many[100];
  for (int i = 0; i < 100; ++i) many[i] = flarestack_begin("many");
  for (int i = 99; i >= 0; --i) flarestack_end(many[i]);
  for (int i = 0; i < 3000; ++i) {
    char name[32];
    snprintf(name, sizeof name, "name %d", i);
    flarestack_end(flarestack_begin(name));
  }
  // A child has regions of its own, and ends none of its parent's.
  fflush(stdout);
  flarestack_token forked = flarestack_begin("fork");
  pid_t child = fork();
  if (child == 0) {
    flarestack_end(forked);
    flarestack_token in_child = flarestack_begin("child");
    free(malloc(4321));
    flarestack_end(in_child);
    exit(7);
  }
  int status = 0;
  waitpid(child, &status, 0);
  flarestack_end(forked);
  // Paused: nothing is recorded. What was there before and is freed meanwhile is freed, and the other way round.
  flarestack_token around = flarestack_begin("around the pause");
  char* before = malloc(2000);
  flarestack_pause();
  flarestack_end(flarestack_begin("unseen"));
  free(before);
  char* meanwhile = malloc(5000);
  char* grown = realloc(malloc(10), 3000);
  burn(200);
  flarestack_resume();
  free(meanwhile);
  free(grown);
  flarestack_end(around);
  for (int i = 0; i < 5; ++i) flarestack_counter("ticks", i * i - 3);
  // A pool in a block of the heap.
  char* arena = malloc(4096);
  for (int i = 0; i < 8; ++i) flarestack_pool_allocated("arena", arena + 512 * i, 100);
  for (int i = 0; i < 5; ++i) flarestack_pool_freeing("arena", arena + 512 * i);
  flarestack_pool_allocated("other", arena + 512, 7);
  free(arena);
  printf("child %d\n", WEXITSTATUS(status));
  return 0;
}
PROGRAM
gcc -std=gnu99 -O1 -g -Wall -Wextra -Werror -pthread -fno-builtin -I"$SOURCE_DIR/include" told.c -o told
same_with_and_without ./told
timeout 60 "$FLARESTACK" report --format json --metric cpu t.flare >report.json
timeout 60 "$FLARESTACK" report t.flare >report.txt
grep -q 'REGION' report.txt || fail "no regions in the text: $(cat report.txt)"

# is PATH KEY VALUE: what the report says of a region, of all processes together.
is() {
  local said
  said="$(json report.json "sum(r['$2'] for r in d['regions'] if r['path'] == '$1')")"
  [ "$said" = "$3" ] || fail "region $1: $2 is $said, not $3: $(json report.json "[r for r in d['regions'] if r['path'] == '$1']")"
}
is load calls 2
is load/parse calls 2
json_true report.json "[(t['name'], t['count'], t['sum'], t['smallest'], t['largest'], t['last']) for r in d['regions'] if r['path'] == 'load' for t in r['tags']] == [('rows', 2, 300, 100, 200, 200)]" "tags"
is peak allocations 3
is peak allocated_bytes 30000
is peak deallocated_bytes 20000
is peak live_delta_bytes 10000
is peak live_delta_blocks 1
is peak peak_bytes 30000
is release live_delta_bytes -10000
is work calls 100
is work allocations 200
is work allocated_bytes 110000
is work self_allocated_bytes 10000
is work deallocated_bytes 105000
is work live_delta_blocks 50
is work peak_bytes 1100
is work/inner calls 100
is work/inner live_delta_bytes 0
is work/inner peak_bytes 1000
json_true report.json "[[t['calls'] for t in r['threads']] for r in d['regions'] if r['path'] == 'work'] == [[50, 50]]" "by thread"
is 'left open' calls 2
is 'left open' unfinished 2
is 'left open' allocated_bytes 128
is jump unfinished 0
json_true report.json "sum(r['calls'] for r in d['regions'] if r['name'] == 'deep') == 5 and sum(r['unfinished'] for r in d['regions'] if r['name'] == 'deep') == 5" "a jump out of regions"
json_true report.json "sum(r['calls'] for r in d['regions'] if r['name'] == 'many') == 64" "depth"
json_true report.json "sum(r['calls'] for r in d['regions'] if r['name'].startswith('name ')) == 3000" "names"
is fork calls 1
is fork unfinished 0
is child allocated_bytes 4321
is 'around the pause' allocated_bytes 2000
is 'around the pause' deallocated_bytes 2000
json_true report.json "not any(r['name'] == 'unseen' for r in d['regions'])" "a pause"
json_true report.json "[(c['name'], c['count'], c['sum'], c['smallest'], c['largest'], c['last']) for c in d['counters']] == [('ticks', 5, 15, -3, 13, 13)]" "counters"
json_true report.json "[(p['name'], p['allocations'], p['allocated_bytes'], p['live_bytes_at_end'], p['live_blocks_at_end']) for p in d['pools']] == [('arena', 8, 800, 300, 3), ('other', 1, 7, 7, 1)]" "pools"
json_true report.json "next(p['peak_bytes'] for p in d['pools'] if p['name'] == 'arena') == 800" "a pool's peak"
# CPU time: 2 x 250 ms of which 2 x 100 ms nested, by the thread's own clock; samples are of 1 ms each.
json_true report.json "all(450e6 < r['cpu_ns'] < 560e6 and 260e6 < r['self_cpu_ns'] < 350e6 for r in d['regions'] if r['path'] == 'load')" "CPU time"
json_true report.json "all(r['wall_ns'] >= 500e6 and 200e6 <= r['wall_ns'] - r['self_wall_ns'] for r in d['regions'] if r['path'] == 'load')" "wall time"
# What was burnt in the pause is in no total: 500 ms were, outside of it, and 200 in it.
json_true report.json "500e6 * 0.9 < d['total'] < 650e6" "the pause in the CPU total"
# The heap is none the worse for it.
timeout 60 "$FLARESTACK" info --format json t.flare >info.json
json_true info.json "d['heap']['live_blocks_at_end'] >= 50 and d['quality']['heap_events_lost'] == 0" "the heap"

# By region: what was done in it, and in what is nested in it.
timeout 60 "$FLARESTACK" report --format json --metric allocated --region work t.flare >work.json
json_true work.json "d['total'] == 110000" "--region"
timeout 60 "$FLARESTACK" report --format json --metric cpu --region parse t.flare >parse.json
json_true parse.json "170e6 < d['total'] < 240e6" "--region of CPU time"
status=0
timeout 60 "$FLARESTACK" report --region nowhere t.flare >out 2>err || status=$?
[ "$status" = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q "no region 'nowhere'" err || fail "status $status: $(cat err)"

# Without the heap there are regions all the same, every call of them: more than a ring holds.
cat >burst.cc <<'PROGRAM'
#include "flarestack.h"
#include <stdexcept>
int main() {
  for (int i = 0; i < 300000; ++i) flarestack::Region region("burst");
  flarestack::Region outer("outer", "size", 5);
  try {
    flarestack::Region thrown("thrown");
    throw std::runtime_error("out of it");
  } catch (const std::exception&) {
  }
}
PROGRAM
g++ -std=c++11 -O1 -Wall -Wextra -Werror -I"$SOURCE_DIR/include" burst.cc -o burst
RECORD_OPTIONS=--no-heap same_with_and_without ./burst
timeout 60 "$FLARESTACK" report --format json t.flare >report.json
is burst calls 300000
is outer/thrown calls 1
is outer/thrown unfinished 0
