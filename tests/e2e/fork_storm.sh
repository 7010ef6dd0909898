#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 2000 forks one after the other, then forks from eight threads at once, while a ninth burns CPU: every child gets its
# own status through, at a period far shorter than a fork, too; every child is in the trace.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int stop;
static int forks_each;
static int fork_some(int count) {
  int wrong = 0;
  for (int i = 0; i < count; ++i) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) _exit(i % 256);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != i % 256) ++wrong;
  }
  return wrong;
}
static void* forker(void* argument) { return fork_some(forks_each) != 0 ? argument : NULL; }
static void* burner(void* argument) {
  char* memory = calloc(32, 1 << 20);  // makes fork slow
  for (size_t i = 0; !stop; i += 4096) memory[i % (32 << 20)]++;
  free(memory);
  return argument;
}
int main(int count, char** arguments) {
  int alone = atoi(arguments[count - 2]);
  forks_each = atoi(arguments[count - 1]);
  pthread_t threads[8], burning;
  printf("wrong: %d\n", fork_some(alone));
  pthread_create(&burning, NULL, burner, NULL);
  for (int i = 0; i < 8; ++i) pthread_create(&threads[i], NULL, forker, threads);
  void* wrong = NULL;
  for (int i = 0; i < 8; ++i) {
    void* result;
    pthread_join(threads[i], &result);
    if (result != NULL) wrong = result;
  }
  stop = 1;
  pthread_join(burning, NULL);
  printf("in threads: %s\n", wrong != NULL ? "wrong" : "right");
  return 42;
}
C
# all_there FORKS
all_there() {
  "$FLARESTACK" info --format json t.flare >t.json
  json_true t.json "len(d['processes']) == $1 + 1 and not d['not_recorded']" "every child is recorded"
}
same_with_and_without ./target 2000 5
all_there 2040
RECORD_OPTIONS="--cpu 10000" same_with_and_without ./target 20 10
all_there 100
RECORD_OPTIONS="--cpu 10000 --timer posix" same_with_and_without ./target 20 10
all_there 100
