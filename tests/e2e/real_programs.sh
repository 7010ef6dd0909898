# SPDX-License-Identifier: Apache-2.0
# Programs that people really run, as installed: they behave as without us, their stacks reach the function that a thread
# begins with, and the functions that matter have names. A program that is not installed is left out.
source "$(dirname "$0")/lib.sh"

cat >roots.py <<'EOS'
# Prints the percentage of sampled user time (not [kernel], [startup], [not sampled]) whose stack begins where threads begin.
import sys
rooted = total = 0
for line in open(sys.argv[1]):
    stack, _, weight = line.rpartition(" ")
    root = stack.split(";")[0]
    if not root.startswith("["):
        total += int(weight)
        rooted += int(weight) if root in ("_start", "_dl_start_user", "clone3", "__clone", "start_thread") else 0
print(100 if total == 0 else 100 * rooted // total)
EOS

# program NAME EXPECTED-FUNCTION COMMAND...: recorded and bare; EXPECTED is a regular expression of a line of the report.
program() {
  local name="$1" expected="$2"
  shift 2
  command -v "$1" >/dev/null || return 0
  same_with_and_without "$@"
  "$FLARESTACK" export t.flare --format collapsed -o folded
  "$FLARESTACK" report t.flare --threshold 0 >report
  "$FLARESTACK" flamegraph t.flare -o "$name.svg"
  local rooted
  rooted="$(python3 roots.py folded)"
  [ "$rooted" -ge 95 ] || fail "$name: $rooted % of its stacks reach a thread's beginning: $(cut -d';' -f1 folded | sort | uniq -c)"
  grep -Eq "$expected" report || fail "$name: no $expected in $(cat report)"
  "$FLARESTACK" info --format json t.flare >i.json
  json_true i.json 'd["quality"]["complete"] and d["quality"]["samples"] > 20 and d["quality"]["samples_dropped"] == 0' "$name"
  json_true i.json '0.95 < d["quality"]["cpu_ns"] / d["quality"]["accounted_cpu_ns"] < 1.05' "$name"
  json_true i.json 'd["quality"]["unknown_code_ns"] < 0.1 * d["quality"]["cpu_ns"]' "$name"
}

cat >work.py <<'EOS'
import json, re
data = [{"id": i, "mail": "u%d@example.org" % i, "tags": ["a", str(i)]} for i in range(3000)]
for _ in range(6):
    text = json.dumps(data)
    json.loads(text)
    print(len(re.findall(r"u(\d+)@(\w+)\.org", text)))
EOS
program python _PyEval_EvalFrameDefault "$(python3 -c 'import sys; print(sys.executable)')" work.py

program sqlite sqlite3VdbeExec sqlite3 :memory: \
  'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300000) SELECT sum(x * 2 % 7) FROM c;'

cat >unit.cc <<'EOS'
#include <map>
#include <string>
int total(const std::map<std::string, int>& counts) { int sum = 0; for (auto& [k, v] : counts) sum += v + k.size(); return sum; }
EOS
program gxx 'cc1plus' g++ -std=c++20 -O1 -c unit.cc -o unit.o
json_true i.json '[p["program"] for p in d["processes"] if "cc1plus" in p["program"]] != []' "the driver's children"

cat >app.js <<'EOS'
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
const numbers = Array.from({length: 100000}, (_, i) => (i * 7919) % 100003);
console.log(fib(27), numbers.sort((x, y) => x - y)[7]);
EOS
program node 'JS:[*^~]?fib .*app.js' node --perf-basic-prof app.js
rm -f "/tmp/perf-$(json i.json 'd["processes"][0]["pid"]').map"

head -c 3000000 "$(command -v "$FLARESTACK")" >data
program zstd '[kernel]|zstd' zstd -q -f -T2 -12 data -o data.zst
program xz 'liblzma' xz -k -f -1 data

program perl 'Perl_' perl -e 'my %h; $h{$_ % 1000} .= "x" for 1..1500000; my $n = 0; $n += length for values %h; print "$n\n"'
program bash 'bash' bash -c 'x=0; for ((i = 0; i < 60000; i++)); do x=$((x + i)); done; echo $x; echo "$(echo sub)"; exit 7'

printf 'all: one.o two.o\n\t@env WORD=done sh -c "echo $$WORD"\n%%.o: %%.c\n\tgcc -O2 -c $<\n' >Makefile
for name in one two; do for i in $(seq 400); do echo "int ${name}_$i(int a) { return a * $i + a % ($i + 3); }"; done >$name.c; done
program make 'cc1' make -s -B all
json_true i.json "sorted(p['program'] for p in d['processes'] if p['exit'] == 0 and p['program'] in ('cc1', 'make')) == ['cc1', 'cc1', 'make']" \
  "make starts two compilers"

if command -v git >/dev/null; then
  git init -q repository
  for i in $(seq 12); do
    seq $((i * 50)) $((i * 4000)) >repository/file
    git -C repository add -A
    git -C repository -c user.email=a@example.org -c user.name=a commit -q -m "change $i"
  done
  program git 'git' git -C repository log -p --stat
fi

if command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null; then
  "$FLARESTACK" record --quiet -o redis.flare -- redis-server --unixsocket "$scratch/redis.sock" --port 0 --save '' >redis.out 2>&1 &
  recorder=$!
  for _ in $(seq 200); do [ -S redis.sock ] && break; sleep 0.05; done
  timeout 60 redis-benchmark -s redis.sock -q -n 10000 -t set,lrange_100 >/dev/null
  redis-cli -s redis.sock shutdown nosave
  wait "$recorder" || fail "redis-server: exit status $?"
  "$FLARESTACK" export redis.flare --format collapsed -o folded
  grep -q ';processCommand;.*lrangeCommand' folded || fail "redis-server: no lrangeCommand: $(head -5 folded)"
fi
