#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs on another C library, musl, dynamic and static: launched or as children of a recorded shell they run as without
# us, and the reason why they are not recorded is told.
source "$(dirname "$0")/lib.sh"

cat >target.c <<'C'
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
extern char** environ;
static void* thread(void* text) { printf("thread %s\n", (char*)text); return text; }
int main(int count, char** arguments) {
  struct sigaction action;
  int signals = 0;  // with a handler
  for (int i = 1; i < 65; ++i) signals += sigaction(i, NULL, &action) == 0 && action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
  pthread_t id;
  pthread_create(&id, NULL, thread, arguments[count - 1]);
  pthread_join(id, NULL);
  for (char** v = environ; count > 1 && *v != NULL; ++v) puts(*v);
  printf("%d signals, errno %d\n", signals, errno);
  fflush(stdout);
  if (count > 2) return 5;
  if (fork() == 0) { execl(arguments[0], arguments[0], "of", "exec", NULL); _exit(99); }
  int status;
  wait(&status);
  fprintf(stderr, "status %d\n", WEXITSTATUS(status));
  return 7;
}
C
musl-gcc -O1 -g -pthread target.c -o dynamic
musl-gcc -O1 -g -pthread -static target.c -o static
cat >both.sh <<'SH'
for program in ./dynamic ./static; do
  env -i A=1 $program
  echo "$program: $?"
  env -i A=1 $program with-environment
  echo "$program: $?"
done
exec ./dynamic
SH
musl="another C library than glibc"
same_with_and_without sh both.sh
[ "$(grep -c '^thread exec' bare.out)" = 5 ] || fail "$(cat bare.out)"
"$FLARESTACK" info --format json t.flare >t.json
for program in ./dynamic ./static; do
  reason="$([ $program = ./static ] && echo "statically linked" || echo "$musl")"
  json_true t.json "any(u['command'].endswith('$program') and '$reason' in u['reason'] for u in d['not_recorded'])" "a child's reason"
  same_with_and_without env $program last
  "$FLARESTACK" info --format json t.flare >u.json
  json_true u.json "[(u['command'], '$reason' in u['reason']) for u in d['not_recorded']] == [('$program', True)]" "what was executed"
  status=0
  env -i A=1 "FLARESTACK_CACHE_DIR=$FLARESTACK_CACHE_DIR" "$FLARESTACK" record -o u.flare -- $program >out 2>err || status=$?
  env -i A=1 "FLARESTACK_CACHE_DIR=$FLARESTACK_CACHE_DIR" $program >bare.out 2>/dev/null || [ $? = 7 ]
  [ "$status" = 7 ] && cmp bare.out out || fail "$program: exit status $status"
  "$FLARESTACK" info u.flare | tr -s '\n ' ' ' >text
  grep -q "$reason" text || fail "info does not say why: $(cat text)"
  "$FLARESTACK" info --format json u.flare >u.json
  json_true u.json "[(p['program'], p['exit'], p['sampling'], '$reason' in p['heap_not_recorded']) for p in d['processes']][0] == ('${program#./}', 7, 'perf_rings', True) and d['not_recorded'] == []" \
    "what was launched is sampled from outside"
done
