#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# attach PID of a program that no agent can enter, where perf_event_open is refused too: its running threads are stopped for
# snapshots. Shares and totals are what the program says, and its waits return what they return without us.
source "$(dirname "$0")/lib.sh"

cc_program no_perf <<'C'
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int count, char** arguments) {
  struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (count < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return 9;
  execv(arguments[1], arguments + 1);
  return 9;
}
C
cc_program work -I"$SOURCE_DIR/tests/e2e/programs" -static <<'C'
#include "keep_agent_out.h"
#include "three_to_one.h"
#include "works.h"
static void* works(void* argument) { for (long n = 0; !stop; n = next(n)) both(10000 + (n >> 8) % 20000); return argument; }
int main(void) {
  keep_agent_out();
  pthread_t ids[3];
  char line[20];
  if (fgets(line, sizeof line, stdin) == NULL) return 1;
  const double before = used();
  for (int i = 0; i < 2; ++i) pthread_create(&ids[i], NULL, works, NULL);
  pthread_create(&ids[2], NULL, waits, NULL);
  if (fgets(line, sizeof line, stdin) == NULL) return 1;
  stop = 1;
  for (int i = 0; i < 3; ++i) pthread_join(ids[i], NULL);
  printf("%.6f\n", used() - before);
  return 4;
}
C

begin ./work
RECORDER_UNDER=./no_perf begin_attach "$target" -o t.flare >recorder.out
echo go >&3
burn "$target" 300
echo end >&3
end 4
end_attach
[ "$(wc -l <out)" = 1 ] || fail "the program: $(cat out)"
grep -q "sampled from outside, by stopping its running threads for snapshots.*since process .* filters its system calls" recorder.err || fail "$(cat recorder.err)"
"$FLARESTACK" info --format json t.flare >info.json
json_true info.json 'd["processes"][0]["sampling"] == "snapshots" and d["processes"][0]["exit"] == 4 and d["clock"]["kind"] == "snapshots"' "what info and report say (1)"
json_true info.json "abs(d['processes'][0]['cpu_ns'] / ($(cat out) * 1e9) - 1) < 0.02" "CPU time as the program says, $(cat out) s"
"$FLARESTACK" report --format json t.flare >report.json
json_true report.json '(lambda t: 0.65 < t["heavy"] / (t["heavy"] + t["light"]) < 0.85)({f["name"]: f["total"] for f in d["functions"]})' "shares"
json_true report.json '[f["total"] for f in d["functions"] if f["name"] == "works"][0] > 0.85 * d["total"]' "stacks to the thread's start"
