#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# heaptrack counts the same allocations of installed programs, and the same peak. It does not see what comes before it is
# initialised nor what it allocates itself (a dozen either way), and brings libstdc++, whose emergency pool of 72704 bytes is
# in its peak where the program is no C++. Temporary allocations are left out: heaptrack tells them by size and stack.
source "$(dirname "$0")/lib.sh"
command -v heaptrack >/dev/null || exit 0

# agrees COMMAND...
agrees() {
  heaptrack -o theirs "$@" >heaptrack.log 2>&1 || fail "heaptrack: $(tail -5 heaptrack.log)"
  heaptrack_print -f theirs.* >printed 2>/dev/null
  rm theirs.*
  "$FLARESTACK" record --quiet --no-cpu -o t.flare -- "$@" >/dev/null
  "$FLARESTACK" report --metric allocations --format json t.flare >r.json
  python3 - "$*" <<'P' || fail "$*: $(grep -E '^(calls|peak heap)' printed)"
import json, re, sys
text = open("printed").read()
calls = int(re.search(r"calls to allocation functions: (\d+)", text)[1])
number, unit = re.search(r"peak heap memory consumption: ([\d.]+)([BKM])", text).groups()
peak = float(number) * {"B": 1, "K": 1e3, "M": 1e6}[unit]
heap = json.load(open("r.json"))["heap"]
print(f"{sys.argv[1][:40]}: {heap['allocations']} allocations, {calls} by heaptrack; peak {heap['peak_bytes']}, {peak:.0f} by heaptrack")
assert heap["events_lost"] == heap["foreign_frees"] == 0
assert abs(heap["allocations"] - calls) <= 20 + 0.0005 * calls
assert min(abs(heap["peak_bytes"] + pool - peak) for pool in (0, 72704)) <= 0.01 * peak + 2000
P
}

cxx_program growing <<'C'
#include <map>
#include <memory>
#include <string>
#include <vector>
int main() {
  std::map<std::string, std::vector<int>> places;
  for (int i = 0; i < 20000; ++i) places["key number " + std::to_string(i % 3000)].push_back(i);
  const auto big = std::make_unique<std::string>(100000, 'x');
  return places.size() == 3000 ? 0 : static_cast<int>(big->size());
}
C
agrees ./growing
export PYTHONHASHSEED=0
python="$(python3 -c 'import sys; print(sys.executable)')"
agrees "$python" -I -S -c 'x = [str(i) for i in range(1000)]'
PYTHONMALLOC=malloc agrees "$python" -S -c 'x = [str(i) for i in range(1000)]'
agrees sqlite3 :memory: 'CREATE TABLE t(a, b); INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000) SELECT x, hex(x) FROM c; CREATE INDEX i ON t(b); SELECT count(*), max(b) FROM t;'
agrees perl -e 'my %h; $h{$_ % 1000} .= "x" for 1..100000; print scalar(keys %h), "\n"'
git init -q repository
for i in 1 2 3; do
  seq $((i * 50)) $((i * 4000)) >repository/file
  git -C repository add -A
  git -C repository -c user.email=a@example.org -c user.name=a commit -q -m "change $i"
done
agrees git -C repository --no-pager log -p --stat
