#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench: commands take turns, each is measured as often as was asked for, what makes the difference is named, and an interrupt
# or a failure costs nothing that was measured.
source "$(dirname "$0")/lib.sh"
bench() { timeout 120 "$FLARESTACK" bench "$@"; }

cc_program work <<'C'
#include <stdlib.h>
#include <string.h>
static volatile unsigned sink;
__attribute__((noinline)) void shared(void) { for (unsigned i = 0; i < 30000000; ++i) sink = sink * 1664525 + i; }
__attribute__((noinline)) void extra(int times) {
  for (int n = 0; n < times; ++n) for (unsigned i = 0; i < 30000000; ++i) sink = sink * 22695477 + i;
}
__attribute__((noinline)) void *hoard(int mib) { return memset(malloc(mib << 20), 1, mib << 20); }
int main(int count, char **arguments) {
  shared();
  extra(atoi(arguments[1]));
  free(hoard(40 * atoi(arguments[1]) + 1));
  return count - 2;
}
C
bench --runs 5 --parameter n=0,3 -o traces --export all.json --export all.md --format json -- ./work '{n}' >out.json
cmp out.json all.json
json_true out.json "d['schema'] == 'flarestack.bench/1' and [c['parameters'] for c in d['commands']] == [{'n': '0'}, {'n': '3'}]" "commands"
json_true out.json "all(len(c['runs'][k]) == 5 for c in d['commands'] for k in ('wall_ns', 'user_ns', 'system_ns', 'peak_rss_bytes', 'status'))" "runs"
json_true out.json "all(0.2 < c['runs']['user_ns'][i] / 1.0 and c['runs']['user_ns'][i] <= 1.5 * c['runs']['wall_ns'][i] for c in d['commands'] for i in range(5))" "CPU time"
# Four times the work, and 120 MiB more.
json_true out.json "2 < d['commands'][1]['statistics']['user_ns']['median'] / d['commands'][0]['statistics']['user_ns']['median'] < 8" "CPU time"
json_true out.json "d['comparison']['fastest'] == 0 and d['comparison']['others'][0]['ratio'] > 1" "the fastest"
json_true out.json "119 << 20 < d['commands'][1]['statistics']['peak_rss_bytes']['median'] - d['commands'][0]['statistics']['peak_rss_bytes']['median'] < 121 << 20" "peak"
json_true out.json "[(c['metric'], c['functions'][0]['name'], c['functions'][0]['module']) for c in d['causes']] == [('cpu', 'extra', 'work'), ('allocated', 'hoard', 'work')]" "causes"
json_true out.json "d['causes'][1]['functions'][0]['self'] - d['causes'][1]['functions'][0]['base_self'] == 120 << 20" "allocated bytes"
grep -q '^| `./work 0` (fastest) |' all.md
"$FLARESTACK" report --format json "$(json out.json "d['commands'][1]['trace']")" >report.json
json_true report.json "d['functions'][0]['name'] == 'extra'" "the kept trace"

# Warm-ups and runs of all in turn; what comes before each run is not measured, and sees its parameter.
bench --warmup 1 --runs 3 --no-record --prepare 'echo p{x} >>order; sleep 0.05' --parameter x=1,2 'echo {x} >>order' 'echo b{x} >>order' --format json >turns.json
[ "$(tr '\n' ' ' <order)" = "$(for _ in 1 2 3 4; do printf 'p1 1 p1 b1 p2 2 p2 b2 '; done)" ] || fail "turns: $(tr '\n' ' ' <order)"
json_true turns.json "d['shell']['command'] == '/bin/sh' and all(c['through_shell'] for c in d['commands'])" "the shell"
json_true turns.json "max(c['statistics']['wall_ns']['median'] for c in d['commands']) < 40e6" "what --prepare takes"
# A line that needs no shell has none; what the shell does itself, or what stands in quotes, needs one.
bench --runs 2 --no-record --format json 'sleep 0.001' ':' "test 'a b' = 'a b'" >shell.json
json_true shell.json "[c['through_shell'] for c in d['commands']] == [False, True, True]" "lines that need a shell"
bench --runs 2 --no-record --shell none --format json "test 'a b' = 'a b'" >shell.json
json_true shell.json "not d['commands'][0]['through_shell'] and d['shell'] is None" "--shell none"

# At least ten runs where nobody says how many.
bench --no-record --format json -- sleep 0.4 >ten.json
json_true ten.json "len(d['commands'][0]['runs']['wall_ns']) == 10" "runs by default"

# An interrupt ends the command that runs, here the fourth run, and the three before are told.
cat >third.sh <<'SH'
echo >>count
[ "$(wc -l <count)" -lt 4 ] || { kill -INT $PPID; exec sleep 60; }
SH
status=0
bench --runs 9 --format json 'sh third.sh' >stopped.json || status=$?
[ "$status" = 1 ] || fail "interrupted: status $status"
json_true stopped.json "d['interrupted'] and len(d['commands'][0]['runs']['wall_ns']) == 3" "what was measured until then"

# refuses STATUS SENTENCE OPTIONS...
refuses() {
  local status=0
  bench "${@:3}" >refused.out 2>refused.err || status=$?
  [ "$status" = "$1" ] && [ "$(cat refused.err)" = "flarestack: $2" ] && [ ! -s refused.out ] || fail "${*:3}: status $status: $(cat refused.err)"
}
refuses 1 "sh -c 'exit 3': it ended with exit status 3; --ignore-failure measures it all the same" --runs 2 -- sh -c 'exit 3'
refuses 1 './absent: it ended with exit status 127; --ignore-failure measures it all the same' --runs 2 ./absent
refuses 1 'run ./absent: No such file or directory' --runs 2 -- ./absent
refuses 1 "--prepare 'exit 9' ended with exit status 9" --prepare 'exit 9' true
refuses 2 'there is no command to measure' --runs 2
refuses 2 '--parameter n: no command has {n}' --parameter n=1,2 true
refuses 2 "--parameter n: the value '1' is there twice" --parameter n=1,1 'sleep {n}'
refuses 2 '--parameter: it is NAME=VALUE,VALUE,..., not n=' --parameter n= 'sleep {n}'
refuses 2 '--prepare is there 2 times, for 3 commands: it is one for all, or one for each' --prepare a --prepare b true : false
bench --runs 3 --ignore-failure --no-record --format json -- sh -c 'exit 3' >status.json
json_true status.json "d['commands'][0]['runs']['status'] == [3, 3, 3]" "statuses"
