#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `annotate` shows where a file is missing or another one now: instructions without debug information, lines without
# the program, neither of a program that was built again, and never the text of a source that changed.
source "$(dirname "$0")/lib.sh"
export FLARESTACK_CACHE_DIR=$PWD/cache

cat >program.c <<'C'
#include <time.h>
static double cpu(void) { struct timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
volatile unsigned sum;
__attribute__((noinline)) void busy(unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    sum += i; /* the hot line */
}
int main(void) { for (double end = cpu() + 0.2; cpu() < end;) busy(10000); }
C
annotate() { timeout 60 "$FLARESTACK" annotate "$@"; }
said() { tr '\n' ' ' <t.txt | grep -qE "$1" || fail "$1 is not said: $(cat t.txt)"; }
record() { timeout 60 "$FLARESTACK" record --quiet -o "$1.flare" -- "./$1"; }
gcc -O1 -g program.c -o full
gcc -O1 program.c -o names
gcc -O1 -s program.c -o stripped
for program in full names stripped; do record "$program"; done

annotate names.flare busy >t.txt
grep -qE '[0-9a-f]{4}  (add|mov) ' t.txt || fail "$(cat t.txt)"
said 'no source lines: .*names has no debug information'
annotate stripped.flare 'stripped\+0x' --top 1 >t.txt
grep -qE '[0-9a-f]{4}  (add|mov) ' t.txt || fail "$(cat t.txt)"

annotate full.flare busy >t.txt
grep -q 'the hot line' t.txt || fail "$(cat t.txt)"
# The source changed: a newer file, or one that is too short; then it is gone.
cp -p program.c kept.c
echo '/* more */' >>program.c
annotate full.flare busy >t.txt
said 'no source text: .*program.c changed since the program was built: it is younger'
! grep -q 'the hot line' t.txt || fail "$(cat t.txt)"
grep -qE '[0-9a-f]{4}  (add|mov) ' t.txt || fail "no instructions: $(cat t.txt)"
head -3 kept.c >program.c && touch -r kept.c program.c
annotate full.flare busy >t.txt
said 'it has 3 lines, and line 7 was compiled'
rm program.c
annotate full.flare busy >t.txt
said 'program.c is not on this machine'
said 'program.c:6'
cp -p kept.c program.c

# The program is gone: its lines, which are known from before, with their cost and no instruction.
mv full away
annotate full.flare busy >t.txt
said 'no instructions: .*full: No such file'
said 'the hot line'
! grep -qE '[0-9a-f]{4}  (add|mov) ' t.txt || fail "instructions out of nowhere: $(cat t.txt)"
# Another program has its name.
sed 's/sum += i/sum -= i/' program.c >other.c
gcc -O1 -g other.c -o full
! annotate full.flare busy >t.txt 2>&1 || fail "$(cat t.txt)"
said "no function of this profile matches 'busy'.*full changed since the recording \(build id differs\)"
annotate full.flare 'full\+0x' --format json >t.json
json_true t.json "'full changed since the recording (build id differs)' in d['functions'][0]['problems'][0]" "it is not said"
json_true t.json "d['functions'][0]['pieces'] == [] and d['functions'][0]['hints'] == []" "instructions of another program"
# Nothing to annotate in the kernel.
annotate names.flare '\[kernel\]' >t.txt 2>&1 || true
said 'is in no file|no function'
