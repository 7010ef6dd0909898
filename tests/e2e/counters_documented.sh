#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/trace-format.md has a line for each counter that the recorder can write and that a recording holds.
source "$(dirname "$0")/lib.sh"

"$FLARESTACK" record --quiet -o t.flare -- python3 -c 'sum(i * i for i in range(2000000))'
"$FLARESTACK" info --records t.flare >records
sed -nE 's/^counter .* name="([a-z_]+)" .*/\1/p' records >recorded
grep -qx samples recorded || fail "no counters: $(cat records)"
sed -nE '/::counters\(\) const/,/^}/s/.*\{"([a-z_]+)", .*/\1/p' "$SOURCE_DIR"/profiler/*.cc >declared
grep -qx samples_dropped declared || fail "the recorder's list of counters is not where this test looks for it"
sed -nE 's/^\| `([a-z_]+)` \|.*/\1/p' "$SOURCE_DIR/docs/trace-format.md" | sort -u >documented
missing=$(sort -u recorded declared | comm -23 - documented)
[ -z "$missing" ] || fail "not in docs/trace-format.md: $missing"
