#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each program of programs/work/ has a function that does one kind of work and one that looks like it: `annotate` says so
# of the one, with the instructions that do it, and not of the other.
source "$(dirname "$0")/lib.sh"

quoted=0
programs="$SOURCE_DIR/tests/e2e/programs/work"
for source in "$programs"/*.c; do
  name=$(basename "$source" .c)
  kind=${name//_/-}
  quotes=$(sed -n 's|^// quotes: ||p' "$source")
  # shellcheck disable=SC2046  # words
  gcc -g -Wall -Wextra $(sed -n 's|^// flags: ||p' "$source") "$source" -o "$name"
  timeout 60 "$FLARESTACK" record --quiet -o t.flare -- "./$name"
  for function in shows looks_like; do
    timeout 60 "$FLARESTACK" annotate t.flare "$function" --format json >"$function.json"
    json_true "$function.json" "d['functions'][0]['name'] == '$function' and d['functions'][0]['total'] > 30e6" "$name: not measured"
  done
  hints="d['functions'][0]['hints']"
  json_true shows.json "'$kind' in [h['kind'] for h in $hints]" "$name: shows has no such hint, but $(json shows.json "[h['kind'] for h in $hints]")"
  hint="[h for h in $hints if h['kind'] == '$kind'][0]"
  json_true shows.json "$hint['share'] >= 0.1 and $hint['confidence'] in ('possible', 'likely', 'sure') and len($hint['why']) > 40 and len($hint['remedy']) > 20" \
    "$name: what the hint says"
  json_true shows.json "__import__('re').search(r'$quotes', $hint['instructions'][0]['intel']) is not None" "$name: the quoted instruction"
  json_true shows.json "$hint['instructions'][0]['file'].endswith('$name.c') and $hint['instructions'][0]['line'] > 0" "$name: the quoted line"
  # Where it is a bottleneck of its own, the report says the same.
  "$FLARESTACK" report t.flare --format json >report.json
  found="[f['hints'] for f in d['findings'] if f['id'] == 'cpu.function' and f['title'].split('(')[0] == 'shows']"
  json_true report.json "$found in ([], [$(json shows.json "[h for h in $hints if h['kind'] != 'call-bound']")])" "$name: the report's hints"
  quoted=$((quoted + $(json report.json "len($found)")))
  json_true looks_like.json "'$kind' not in [h['kind'] for h in $hints]" "$name: looks_like has the hint as well"
done

[ "$quoted" -ge 8 ] || fail "the report quotes the instructions of $quoted programs only"

# The text has them too, above the code.
"$FLARESTACK" annotate t.flare shows >t.txt
grep -q '^What kind of work it is' t.txt || fail "$(cat t.txt)"
"$FLARESTACK" report t.flare >report.txt
grep -q '^ *code: .*%' report.txt || fail "no instructions in the report: $(cat report.txt)"
