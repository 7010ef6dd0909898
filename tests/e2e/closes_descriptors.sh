#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No descriptor is ours: what a program finds open, what number it gets next, and what it may close are as without us; with
# few descriptors allowed, too. It is recorded to its end after it has closed them all.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile long sink;
static void burn_after_close(void) {
  clock_t start = clock();
  while (clock() - start < CLOCKS_PER_SEC / 10) for (int i = 0; i < 10000; ++i) sink += i;
}
static void* thread(void* argument) { burn_after_close(); return argument; }
static void list(const char* when) {
  DIR* folder = opendir("/proc/self/fd");
  printf("%s:", when);
  for (struct dirent* entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
    char target[100] = "";
    if (readlinkat(dirfd(folder), entry->d_name, target, 99) > 0) printf(" %s=%.5s", entry->d_name, target);
  }
  closedir(folder);
  int next = open("/dev/null", O_RDONLY);
  printf(" next %d\n", next);
  close(next);
  fflush(stdout);
}
static void start_thread(void) {
  pthread_t id;
  pthread_create(&id, NULL, thread, NULL);
  pthread_join(id, NULL);
}
int main(int count, char** arguments) {
  const char* how = arguments[count - 1];
  list("at first");
  start_thread();
  list("after a thread");
  if (strcmp(how, "closefrom") == 0) closefrom(3);
  if (strcmp(how, "close_range") == 0) close_range(3, ~0U, CLOSE_RANGE_UNSHARE);
  if (strcmp(how, "loop") == 0) for (int i = 3; i < 4096; ++i) close(i);
  if (strcmp(how, "full") == 0) while (open("/dev/null", O_RDONLY) >= 0) {}
  if (strcmp(how, "all") == 0) {
    int keep = dup2(1, 1000);
    closefrom(0);
    (void)keep;
    burn_after_close();
    return open("/dev/null", O_RDONLY) == 0 && fork() >= 0 && (wait(NULL), 1) ? 17 : 18;
  }
  burn_after_close();
  start_thread();
  list("closed");
  if (fork() == 0) { list("child"); start_thread(); list("child"); _exit(0); }
  wait(NULL);
  struct rlimit none = {3, 4096};
  setrlimit(RLIMIT_NOFILE, &none);
  start_thread();
  if (fork() == 0) { start_thread(); printf("child without descriptors\n"); fflush(stdout); _exit(0); }
  wait(NULL);
  if (strcmp(how, "full") == 0) return 0;
  none.rlim_cur = 4;  // what the loader needs
  setrlimit(RLIMIT_NOFILE, &none);
  return system("echo started; exit 9") >> 8;
}
C
ulimit -S -n 1024
for how in closefrom close_range loop full all; do
  same_with_and_without ./target $how
  "$FLARESTACK" report --format json t.flare >t.json
  json_true t.json 'sum(f["total"] for f in d["functions"] if f["name"] == "burn_after_close") > 0.15e9' "recorded after the closing ($how)"
done
exec 3</dev/null 5</dev/null
same_with_and_without ./target loop
(ulimit -n 16 && same_with_and_without ./target full)
