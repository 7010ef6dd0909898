#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A recorder that is killed at any moment of attaching, recording and detaching: the program's threads go on, and what they
# allocate stays what it was; whoever attaches or detaches next can do so at once. REMOTE_KILLS: how many (24; ./check --attach:
# 500). Needs ptrace.
source "$(dirname "$0")/lib.sh"

cc_program works <<'C'
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
enum { kThreads = 6 };
static volatile int *counts, wrong;
static int over(void) { return access("end", F_OK) == 0; }
static void block(int number, size_t size) {
  unsigned char* bytes = memset(malloc(size), number, size);
  bytes = realloc(bytes, size * 2);
  for (size_t i = 0; i < size; ++i) wrong += bytes[i] != number;
  free(bytes);
}
static void* allocates(void* argument) {
  const int me = (int)(long)argument;
  for (int i = 0; i % 1000 != 0 || !over(); ++i, ++counts[me]) block(me + 1, 20 + (size_t)i % 300);
  return argument;
}
static void* passes(void* argument) { block(9, 50); return argument; }
static void* starts(void* argument) {
  pthread_t id;
  void* back;
  for (; !over(); ++counts[(long)argument]) {
    if (pthread_create(&id, NULL, passes, argument) != 0 || pthread_join(id, &back) != 0 || back != argument) ++wrong;
  }
  return argument;
}
static void* waits(void* argument) {
  for (; !over(); ++counts[(long)argument]) { block(8, 60); poll(NULL, 0, 1); usleep(500); }
  return argument;
}
int main(void) {
  void* (*const work[kThreads])(void*) = {allocates, allocates, allocates, starts, waits, waits};
  pthread_t ids[kThreads];
  const int file = open("progress", O_CREAT | O_RDWR, 0600);
  if (ftruncate(file, kThreads * sizeof(int)) != 0) return 1;
  counts = mmap(NULL, kThreads * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  for (long i = 0; i < kThreads; ++i) pthread_create(&ids[i], NULL, work[i], (void*)i);
  for (int i = 0; i < kThreads; ++i) pthread_join(ids[i], NULL);
  printf("%d wrong\n", wrong);
  return 3;
}
C
./works >out 2>&1 &
target=$!
for _ in $(seq 500); do [ -s progress ] && break; read -rt 0.01 <> <(:) || true; done
python3 "$SOURCE_DIR/tests/e2e/programs/attach_kills.py" "$target" "${REMOTE_KILLS:-24}" progress || fail "$(cat out)"
touch end
timeout 30 tail --pid="$target" -f /dev/null || fail "the program does not end"
status=0
wait "$target" || status=$?
[ "$status" = 3 ] && [ "$(cat out)" = "0 wrong" ] || fail "status $status: $(cat out)"
