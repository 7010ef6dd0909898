#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Python module: regions as context managers and decorators, numbers, pauses; and nothing at all without a recorder.
source "$(dirname "$0")/lib.sh"

cat >told.py <<'PROGRAM'
import threading
import flarestack

@flarestack.region("parse")
def parse(depth):
    """Parses."""
    return depth if depth == 0 else parse(depth - 1)

def work():
    for i in range(10):
        with flarestack.region("work", rows=i):
            parse(1)

with flarestack.region("load"):
    for _ in range(3):
        parse(0)
try:
    with flarestack.region("raises"):
        raise ValueError
except ValueError:
    pass
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for i in range(4):
    flarestack.counter("count", -i)
flarestack.pause()
with flarestack.region("unseen"):
    pass
flarestack.resume()
print(parse.__name__, parse.__doc__, parse(2), flarestack.is_recorded())
PROGRAM
export PYTHONPATH="$SOURCE_DIR/python" PYTHONDONTWRITEBYTECODE=1
timeout 60 python3 told.py >bare.out
[ "$(cat bare.out)" = "parse Parses. 0 False" ] || fail "bare: $(cat bare.out)"
timeout 120 "$FLARESTACK" record --quiet -o t.flare -- python3 told.py >recorded.out
[ "$(cat recorded.out)" = "parse Parses. 0 True" ] || fail "recorded: $(cat recorded.out)"
timeout 60 "$FLARESTACK" report --format json t.flare >report.json
json_true report.json "{r['path']: r['calls'] for r in d['regions']} == {'load': 1, 'load/parse': 3, 'raises': 1, 'work': 30, 'work/parse': 30, 'work/parse/parse': 30, 'parse': 1, 'parse/parse': 1, 'parse/parse/parse': 1}" "calls"
json_true report.json "all(r['unfinished'] == 0 for r in d['regions'])" "ends"
json_true report.json "[(t['name'], t['count'], t['sum']) for r in d['regions'] if r['path'] == 'work' for t in r['tags']] == [('rows', 30, 135)]" "tags"
json_true report.json "[len(r['threads']) for r in d['regions'] if r['path'] == 'work'] == [3]" "threads"
json_true report.json "[(c['name'], c['count'], c['sum']) for c in d['counters']] == [('count', 4, -6)]" "counters"
