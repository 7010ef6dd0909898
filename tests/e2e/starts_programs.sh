#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every way to start a program or to leave one's parent: the same output and statuses, and each process in the trace under
# its own command line.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;
#define ARGUMENTS(word) (char*[]){"./said", word, "two words", "", NULL}
#define CHILD(statement) do { if (fork() == 0) { statement; perror("exec"); _exit(99); } wait_for(); } while (0)
static void wait_for(void) {
  int status;
  wait(&status);
  printf("status %d\n", WEXITSTATUS(status));
  fflush(stdout);
}
int main(void) {
  char* few[] = {"ONE=1", NULL};
  pid_t pid;
  setenv("PATH", "/usr/bin:.", 1);
  CHILD(execve("./said", ARGUMENTS("execve"), few));
  CHILD(execve("./said", ARGUMENTS("execve-none"), (char*[]){NULL}));
  CHILD(execve("./said", ARGUMENTS("execve-null"), NULL));
  CHILD(execv("./said", ARGUMENTS("execv")));
  CHILD(execvp("said", ARGUMENTS("execvp")));
  CHILD(execvpe("said", ARGUMENTS("execvpe"), few));
  CHILD(execl("./said", "./said", "execl", "b", "c", NULL));
  CHILD(execlp("said", "said", "execlp", NULL));
  CHILD(execle("./said", "said", "execle", NULL, few));
  CHILD(fexecve(open("said", O_RDONLY | O_CLOEXEC), ARGUMENTS("fexecve"), environ));
  CHILD(execveat(AT_FDCWD, "said", ARGUMENTS("execveat"), environ, 0));
  CHILD(execveat(open("/", O_PATH | O_CLOEXEC), "usr/bin/env", (char*[]){"env", "-u", "PATH", "./said", "execveat-at", NULL}, environ, 0));
  CHILD(execveat(open("said", O_PATH | O_CLOEXEC), "", ARGUMENTS("execveat-empty"), environ, AT_EMPTY_PATH));
  CHILD(execvp("text", (char*[]){"text", "of", "sh", NULL}));
  CHILD(execvp("no-such-program", ARGUMENTS("x")); _exit(3));
  CHILD(execv("/", ARGUMENTS("x")); _exit(4));
  if (vfork() == 0) { execv("./said", ARGUMENTS("vfork")); _exit(5); }
  wait_for();
  if (vfork() == 0) { execv("./no-such", ARGUMENTS("vfork")); _exit(6); }
  wait_for();
  printf("%d\n", posix_spawn(&pid, "./said", NULL, NULL, ARGUMENTS("posix_spawn"), few));
  wait_for();
  printf("%d\n", posix_spawnp(&pid, "said", NULL, NULL, ARGUMENTS("posix_spawnp"), environ));
  wait_for();
  printf("%d\n", posix_spawnp(&pid, "no-such", NULL, NULL, ARGUMENTS("posix_spawnp"), environ));
  printf("%d\n", WEXITSTATUS(system("./said system; exit 8")));
  FILE* pipe = popen("./said popen", "r");
  char line[100];
  while (fgets(line, sizeof line, pipe)) printf("read: %s", line);
  printf("%d\n", WEXITSTATUS(pclose(pipe)));
  fflush(stdout);
  int ends[2];
  if (pipe2(ends, 0) == 0 && fork() == 0) {  // and its child is nobody's
    setsid();
    if (fork() == 0) { execv("./said", ARGUMENTS("double fork")); }
    _exit(0);
  }
  close(ends[1]);  // the end of the pipe is the end of both, so the grandchild's word comes before the child's status
  char nothing;
  if (read(ends[0], &nothing, 1) != 0 || pipe2(ends, 0) != 0) return 1;
  wait_for();
  if (fork() == 0) {
    if (daemon(1, 1) != 0) _exit(1);
    if (fork() == 0) { execv("./said", ARGUMENTS("daemon")); }
    _exit(0);
  }
  close(ends[1]);
  if (read(ends[0], &nothing, 1) != 0) return 1;
  wait_for();
  return 0;
}
C
cc_program said <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
extern char** environ;
int main(int count, char** arguments) {
  for (int i = 0; i < count; ++i) printf("[%s]", arguments[i]);
  int variables = 0;
  for (char** v = environ; *v != NULL; ++v) variables += strncmp(*v, "LD_PRELOAD=", 11) != 0 && strncmp(*v, "FLARESTACK_SESSION=", 19) != 0;
  printf(" %d\n", variables);
  return 0;
}
C
echo './said text "$@"' >text  # without #!
chmod +x text
same_with_and_without ./target
[ "$(grep -c '^status' bare.out)" = 22 ] || fail "$(cat bare.out)"
"$FLARESTACK" info --format json t.flare >t.json
json_true t.json 'not d["not_recorded"]' "everything is recorded"
for how in execve execve-none execve-null execv execvp execvpe execl execlp execle fexecve execveat execveat-at execveat-empty text vfork \
  posix_spawn posix_spawnp system popen 'double fork' daemon; do
  json_true t.json "sum(p['arguments'][1:2] == ['$how'] and p['exit'] == 0 for p in d['processes']) == 1" "$how"
done
