#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Holds the unwinder against libunwind inside real programs, at random instants and at allocations.
#
#   tests/oracle/run.sh [--short] ORACLE_BUILD_DIR        e.g. build/tests/oracle
#
# --short takes a few seconds, the long form some minutes. Programs that are not installed are left out, and said so.
set -u
here=$(cd "$(dirname "$0")" && pwd)
short=
if [ "${1:-}" = --short ]; then
  short=1
  shift
fi
build=$(cd "${1:?directory of libunwind_oracle.so}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
runs=()

# run NAME SECONDS COMMAND...: under the oracle, output dropped; the program must still succeed.
run() {
  local name=$1 seconds=$2
  shift 2
  if ! command -v "$1" > /dev/null; then
    echo "$name: $1 is not installed, left out"
    return
  fi
  mkdir -p "$work/$name"
  if ! (cd "$work" && ORACLE_DIR=$work/$name ORACLE_INTERVAL_US=$interval ORACLE_EVERY=$every LD_PRELOAD=$build/libunwind_oracle.so \
    timeout "$seconds" "$@" > "$work/$name.out" 2>&1); then
    echo "$name: failed under the oracle:"
    tail -5 "$work/$name.out"
    failed=1
  fi
  runs+=("$name=$work/$name")
}

if [ $short ]; then interval=500 every=997 scale=1; else interval=100 every=97 scale=20; fi
failed=

cat > "$work/work.py" << 'PY'
import json, re, sys, hashlib, collections
scale = int(sys.argv[1])
for n in range(scale):
    tree = {str(i): [{"name": "x" * (i % 50), "values": list(range(i % 20))}] for i in range(2000)}
    text = json.dumps(tree)
    again = json.loads(text)
    words = collections.Counter(re.findall(r"[a-z]+|\d+", text))
    digest = hashlib.sha256(text.encode()).hexdigest()
    def fib(k): return k if k < 2 else fib(k - 1) + fib(k - 2)
    fib(16)
    sorted(words.items(), key=lambda item: (item[1], item[0]))
print(digest)
PY
cat > "$work/work.sql" << SQL
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000 * $scale) insert into t select i, hex(i * 7919), i / 3.0 from n;
create index tb on t(b);
select count(*), sum(length(b)), avg(c) from t where b like '%A%' group by a % 17 order by 2;
select x.a from t x join t y on y.b = x.b where x.a % 1000 = 1;
SQL
cat > "$work/work.cc" << 'CC'
#include <algorithm>
#include <map>
#include <string>
#include <vector>
std::map<std::string, std::vector<int>> m;
int main() { m["a"].push_back(1); std::sort(m["a"].begin(), m["a"].end()); return int(m.size()) - 1; }
CC
cat > "$work/work.js" << 'JS'
const scale = Number(process.argv[2]);
let total = 0;
for (let n = 0; n < scale * 3; n++) {
  const items = Array.from({length: 20000}, (_, i) => ({name: 'item' + (i * 7919) % 1000, value: i}));
  items.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : a.value - b.value);
  total += JSON.parse(JSON.stringify(items)).map(x => x.name.replace(/\d+/g, d => d + 1)).join('').length;
}
console.log(total);
JS
head -c $((400000 * scale)) < <(while cat "$here"/*.cc "$here"/*.py; do :; done) > "$work/text"
cc1plus=$(gcc -print-prog-name=cc1plus 2> /dev/null || echo cc1plus)

run python3 120 python3 "$work/work.py" $((scale + 1))
run python3-malloc 240 env PYTHONMALLOC=malloc python3 "$work/work.py" $((scale / 4 + 1))
run sqlite3 120 sqlite3 :memory: ".read $work/work.sql"
run xz 120 xz -k -3 -f "$work/text"
g++ -E "$work/work.cc" -o "$work/work.ii"
run cc1plus 240 "$cc1plus" -quiet -fpreprocessed -O2 "$work/work.ii" -o "$work/work.s"
run node 240 node "$work/work.js" "$scale"
run openssl 120 openssl speed -seconds 1 -evp aes-256-ctr
run openssl-rsa 120 openssl speed -seconds 1 rsa2048
git init -q "$work/repository"
cp -r "$here/.." "$work/repository/tests" 2> /dev/null
git -C "$work/repository" add -A
git -C "$work/repository" -c user.name=x -c user.email=x@x commit -q -m x
run git 120 git -C "$work/repository" repack -adfq --depth=50 --window=$((20 * scale))
run git-grep 120 git -C "$work/repository" grep -c unwind
run threads 240 "$build/oracle_threads" $((4 * scale))
run zstd 120 zstd -q -f -T2 -12 "$work/text" -o "$work/text.zst"

python3 "$here/summary.py" "${runs[@]}" || failed=1
[ ! $failed ]
