# SPDX-License-Identifier: Apache-2.0
# The options of `record`, one by one, and what it says to those who use it wrongly.
source "$(dirname "$0")/lib.sh"

cc_program worker <<'EOS'
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
volatile unsigned long sink;
static double now(clockid_t clock) { struct timespec t; clock_gettime(clock, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
int main(int argc, char** argv) {  // burns that much CPU time
  for (double end = atof(argv[1]); now(CLOCK_PROCESS_CPUTIME_ID) < end;)
    for (int i = 0; i < 100000; i++) sink = sink * 31 + 7;
  puts("done");
  return argc > 2 ? atoi(argv[2]) : 0;
}
EOS

# run STATUS ARGUMENTS...: flarestack with them; output in out and err.
run() {
  local expected="$1" status=0
  timeout 60 "$FLARESTACK" "${@:2}" >out 2>err </dev/null || status=$?
  [ "$status" = "$expected" ] || fail "${*:2}: exit status $status, not $expected: $(tail -5 err)"
}
# info EXPRESSION MESSAGE: about t.flare.
info() {
  "$FLARESTACK" info --format json t.flare >i.json
  json_true i.json "$1" "$2"
}
sentence() { [ "$(wc -l <err)" = 1 ] && grep -Eq "^flarestack: .*$1" err || fail "not the sentence '$1': $(cat err)"; }

# Rates, and none.
run 0 record -o t.flare --cpu 100 -- ./worker 0.5
info 'abs(d["quality"]["samples"] - 50) <= 8 and d["clock"]["requested_hz"] == 100' "--cpu 100"
run 0 record -o t.flare --cpu 10000 -- ./worker 0.3
info 'abs(d["quality"]["samples"] + d["quality"]["samples_dropped"] - 3000) <= 450' "--cpu 10000"
run 0 record -o t.flare --no-cpu -- ./worker 0.1
info 'd["quality"]["samples"] == 0 and d["quality"]["complete"] and d["processes"][0]["exit"] == 0' "--no-cpu"
for bad in 0 10001 -1 many; do
  run 2 record --cpu "$bad" -- ./worker 0.1
  sentence 'cpu'
done

# Where the trace and the summary go.
run 0 record -- ./worker 0.05
ls flarestack.worker.*.flare >/dev/null || fail "no trace at the default place"
grep -q 'next: flarestack report flarestack.worker' err || fail "the summary: $(cat err)"
[ "$(cat out)" = "done" ] || fail "stdout is not the program's alone"
run 0 record --quiet -o t.flare -- ./worker 0.05
[ ! -s err ] || fail "--quiet: $(cat err)"
run 0 record --summary s.txt -o t.flare -- ./worker 0.05
[ ! -s err ] && grep -q 'flarestack report t.flare' s.txt || fail "--summary: $(cat err s.txt)"
run 0 record --quiet --summary s2.txt -o t.flare -- ./worker 0.05
[ -s s2.txt ] || fail "--quiet --summary"
run 3 record --summary no/such/folder/s.txt -o t.flare -- ./worker 0.05 3
sentence 'no/such/folder/s.txt'

# Ends: --duration leaves the program alone, --timeout ends it, kindly first.
run 3 record --quiet -o t.flare --duration 300ms -- ./worker 0.9 3
[ "$(cat out)" = "done" ] || fail "--duration ended the program"
info '0.25e9 < d["duration_ns"] < 1.5e9 and d["processes"][0]["end"]["kind"] == "still_running"' "--duration"
info 'd["quality"]["complete"] and d["quality"]["samples"] < 800' "--duration"
run 124 record --quiet -o t.flare --timeout 200ms -- sleep 30
info 'd["processes"][0]["exit"] == 143' "--timeout"
run 137 record --quiet -o t.flare --timeout 100ms -- sh -c 'trap "" TERM; while :; do sleep 0.2; done'
for bad in 10y -1s s; do
  rm -f ran
  run 2 record --duration "$bad" -- touch ran
  [ ! -e ran ] && sentence 'duration' || fail "--duration $bad ran the program"
done

# Children.
run 0 record --quiet -o t.flare -- sh -c './worker 0.05; ./worker 0.05'
info '[p["program"] for p in d["processes"]].count("worker") == 2' "children"
run 0 record --quiet -o t.flare --no-children -- sh -c './worker 0.05; ./worker 0.05; exit 0'
info '[p["program"] for p in d["processes"]].count("worker") == 0 and len(d["processes"]) == 1' "--no-children"
SECONDS=0
run 0 record --quiet -o t.flare --no-wait -- sh -c 'sleep 20 >/dev/null 2>&1 & echo $! >sleeper'
[ "$SECONDS" -lt 10 ] || fail "--no-wait waited"
kill "$(cat sleeper)"
run 0 record --quiet -o t.flare -- sh -c '(sleep 1; ./worker 0.2 >/dev/null) & exit 0'
info '[p["exit"] for p in d["processes"] if p["program"] == "worker"] == [0] and d["duration_ns"] > 1e9' "a daemon is followed"

# What cannot be run.
run 127 record -- no-such-program
sentence 'no-such-program: No such file or directory'
run 127 record -- ./no/such/program
sentence './no/such/program: No such file or directory'
echo 'no program' >text
run 126 record -- ./text
sentence './text: Permission denied'
run 126 record -- .
sentence '\.: Permission denied'
[ "$(ls flarestack.*.flare | wc -l)" = 1 ] || fail "a trace of what could not be run: $(ls)"

# Arguments are the program's own, whatever they look like; the -- may be left out before a program without options.
run 0 record --quiet -o t.flare -- printf '%s|' -o x --cpu -- --help '' 'a b' --quiet
[ "$(cat out)" = '-o|x|--cpu|--|--help||a b|--quiet|' ] || fail "arguments: $(cat out)"
run 0 record --quiet -o t.flare printf '%s|' one two
[ "$(cat out)" = 'one|two|' ] || fail "without --: $(cat out)"
run 0 record --quiet -o t.flare ls -d --color=never .
[ "$(cat out)" = '.' ] || fail "the program's options without --: $(cat out)"

# Wrong usage: exit status 2, one sentence, and what was probably meant.
run 2 record
sentence 'PROGRAM'
run 2 record --
sentence 'PROGRAM'
run 2 record --qiuet -- true
sentence "did you mean --quiet"
run 2 recrod -- true
sentence "unknown command 'recrod'; did you mean 'record'"
run 2 frobnicate
sentence "unknown command 'frobnicate'"
run 2 --no-such-option
sentence "no-such-option"
run 2 record --clock sundial -- true
sentence "clock"
run 0 record --help
grep -q 'Example' out || fail "record --help has no example"
run 2
