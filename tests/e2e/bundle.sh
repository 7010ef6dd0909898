#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A bundled trace is read in a chroot without the program, its separate debug file, its split units and its sources: the
# report is the same as at home. Cut off inside the bundle, the trace is still whole; packed twice, it does not grow.
source "$(dirname "$0")/lib.sh"

cat >part.h <<'H'
inline unsigned twice(unsigned v) {
  return v * 2654435761u + 7;
}
unsigned spin(unsigned n);
H
cat >part.c <<'C'
#include "part.h"
unsigned spin(unsigned n) {
  unsigned s = n;
  for (unsigned i = 0; i < 100000000; ++i)
    s = twice(s) ^ i;
  return s;
}
C
cat >main.c <<'C'
#include "part.h"
#include <stdio.h>
unsigned twice(unsigned v);
int main(void) { printf("%u\n", spin(3) + spin(4)); return 0; }
C
gcc -O1 -g -gsplit-dwarf -shared -fPIC -Wl,--build-id part.c -o libpart.so
gcc -O1 -g -Wl,--build-id main.c -o prog -L. -lpart -Wl,-rpath,"$PWD"
objcopy --only-keep-debug prog prog.debug && objcopy --strip-all --add-gnu-debuglink=prog.debug prog

functions() { python3 -c 'import json, sys
for f in json.load(sys.stdin)["functions"]: print(f["name"], f["module"], f["self"], f["file"], f["line"])'; }
"$FLARESTACK" record --quiet --no-heap --bundle -o packed.flare -- ./prog
"$FLARESTACK" record --quiet --no-heap -o plain.flare -- ./prog
cp packed.flare before.flare
"$FLARESTACK" bundle packed.flare >again
cmp -s packed.flare before.flare || fail "packed again it is another file: $(cat again)"
"$FLARESTACK" bundle plain.flare -o copy.flare >/dev/null
"$FLARESTACK" info copy.flare --format json >info.json
json_true info.json "d['bundle']['modules'] >= 3 and d['bundle']['debug_files'] >= 2 and d['bundle']['sources'] >= 3" "what is packed"
json_true info.json "d['quality']['complete']" "a bundled trace is complete"
"$FLARESTACK" report packed.flare --format json >home.json

# A source that changed since is told of, and not packed.
sleep 0.01 && touch part.h
"$FLARESTACK" bundle plain.flare -o younger.flare 2>missing >/dev/null
grep -q 'part.h changed since the program was built' missing || fail "no word of a source that changed: $(cat missing)"

cat >keeper.c <<'C'
#include <stdlib.h>
char* kept_here;
int main(void) { kept_here = malloc(5000); kept_here[0] = 1; return 0; }
C
gcc -O1 -g -Wl,--build-id keeper.c -o keeper
"$FLARESTACK" record --quiet --bundle -o keeper.flare -- ./keeper

mkdir -p jail/tmp jail/cache
for file in $(ldd "$FLARESTACK" | grep -o '/[^ ]*') "$FLARESTACK"; do cp -L --parents "$file" jail/; done
mv packed.flare copy.flare plain.flare younger.flare keeper.flare jail/
rm -f prog prog.debug libpart.so ./*.dwo part.c part.h main.c keeper keeper.c
in_jail() { FLARESTACK_CACHE_DIR="$1" chroot jail "$FLARESTACK" "${@:2}"; }
in_jail /cache report /packed.flare --format json >there.json
functions <home.json >home
functions <there.json >there
cmp home there || fail "the report differs: $(diff home there | head -5)"
grep -q '^twice libpart.so .*/part.h 2$' there || fail "no inlined call by the split unit: $(cat there)"
grep -q '^main prog .*/main.c 4$' there || fail "no main by the debug file: $(cat there)"
in_jail /cache annotate /packed.flare spin >spin.txt
grep -q 's = twice(s) ^ i' spin.txt || fail "annotate has no source from the bundle: $(cat spin.txt)"
grep -q 'return v \* 2654435761u' spin.txt || fail "annotate has no source of what was inlined: $(cat spin.txt)"
grep -q ' imul ' spin.txt || fail "annotate has no instructions from the bundle: $(cat spin.txt)"
in_jail /cache annotate /younger.flare spin >spin.txt
grep -q 'part.h is not on this machine' spin.txt || fail "a line of a source that changed: $(cat spin.txt)"
in_jail /cache leaks /keeper.flare --format json >held.json
grep -q '"variable": "kept_here"' held.json || fail "no name of the variable that holds: $(cat held.json)"
in_jail /none report /plain.flare --format json >without.json
json_true without.json "not any(f['name'] == 'twice' for f in d['functions'])" "names from nowhere"

truncate -s -100000 jail/copy.flare
in_jail /cut info /copy.flare --format json >cut.json
json_true cut.json "d['bundle']['files'] >= 1 and d['quality']['samples'] == $(json info.json "d['quality']['samples']")" "a trace that is cut in its bundle has its recording"
