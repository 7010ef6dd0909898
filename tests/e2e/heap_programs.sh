#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs that people really run, with every allocation recorded: the same output and exit status, no event lost and no free
# without its allocation, and numbers that can be true. Two servers under load, and a database that is made and used. What
# is not installed is left out. LONG_TESTS=1: also Java and Chromium, which take half a minute.
source "$(dirname "$0")/lib.sh"

cat >sound.py <<'P'
import json, sys
info, report, processes = json.load(open("i.json")), json.load(open("r.json")), int(sys.argv[1])
quality, heap = info["quality"], report["heap"]
counters = {key: quality["counters"].get(key, 0) for key in ("unseen_frees", "heap_damaged_records", "ambiguous_frees")}
assert quality["complete"] and quality["heap_events_lost"] == quality["foreign_frees"] == 0 == sum(counters.values()), quality
assert not info["not_recorded"] and len(info["processes"]) >= processes, info
assert heap["allocations"] == heap["deallocations"] + heap["live_blocks_at_end"], heap
assert 0 < heap["live_bytes_at_end"] <= heap["peak_bytes"] <= heap["allocated_bytes"], heap
assert 100 < heap["allocations"] > heap["temporary_allocations"] and heap["stacks_truncated"] <= 0.001 * heap["allocations"] + 10, heap
assert sum(f["self"] for f in report["functions"]) <= report["total"] == heap["allocations"], report["total"]
P
# sound NAME [PROCESSES]: t.flare is complete and makes sense.
sound() {
  "$FLARESTACK" info --format json t.flare >i.json
  "$FLARESTACK" report --metric allocations --format json t.flare >r.json
  python3 sound.py "${2:-1}" || fail "$1"
}
# program NAME COMMAND...
program() {
  command -v "$2" >/dev/null || return 0
  same_with_and_without "${@:2}"
  sound "$1"
}

cat >work.py <<'C'
import json, re
data = [{"id": i, "mail": "u%d@example.org" % i, "tags": ["a", str(i)]} for i in range(2000)]
text = json.dumps(data)
print(len(json.loads(text)), len(re.findall(r"u(\d+)@(\w+)\.org", text)))
C
python="$(python3 -c 'import sys; print(sys.executable)')"
program python "$python" work.py
PYTHONMALLOC=malloc program "python with malloc" "$python" work.py
json_true r.json 'd["heap"]["allocations"] > 100000' "every object of Python's"
program perl perl -e 'my %h; $h{$_ % 1000} .= "x" for 1..300000; my $n = 0; $n += length for values %h; print "$n\n"'
program bash bash -c 'x=0; for ((i = 0; i < 3000; i++)); do x=$((x + i)); done; echo $x; echo "$(echo sub | tr a-z A-Z)"; exit 7'
program sqlite sqlite3 :memory: 'CREATE TABLE t(a, b); INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000) SELECT x, hex(x) FROM c; CREATE INDEX i ON t(b); SELECT count(*), max(b) FROM t;'
echo '#include <map>
#include <string>
int total(const std::map<std::string, int>& counts) { int sum = 0; for (auto& [k, v] : counts) sum += v + k.size(); return sum; }' >unit.cc
program g++ g++ -std=c++20 -O1 -c unit.cc -o unit.o
json_true i.json 'any("cc1plus" in p["program"] for p in d["processes"])' "the driver's children"
cat >app.js <<'C'
const all = [];
for (let i = 0; i < 50000; i++) all.push({i, s: "x" + i});
console.log(all.length, JSON.stringify(all).length);
C
program node node app.js
git init -q repository
for i in 1 2 3 4; do
  seq $((i * 50)) $((i * 4000)) >repository/file
  git -C repository add -A
  git -C repository -c user.email=a@example.org -c user.name=a commit -q -m "change $i"
done
program git git -C repository log -p --stat

# wait_for FILE...: a server's socket, at most 10 s.
wait_for() { for _ in $(seq 200); do [ ! -S "$1" ] || return 0; sleep 0.05; done; fail "$1 does not come"; }

if command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null; then  # Debian's has jemalloc
  "$FLARESTACK" record --quiet -o t.flare -- redis-server --unixsocket "$scratch/redis.sock" --port 0 --save '' >redis.out 2>&1 &
  recorder=$!
  wait_for redis.sock
  timeout 60 redis-benchmark -s redis.sock -q -n 5000 -t set,lpush,lrange_100 >/dev/null
  echo "redis: $(redis-cli -s redis.sock info memory | grep -E '^(used_memory|mem_allocator):' | tr -d '\r' | tr '\n' ' ')"
  redis-cli -s redis.sock shutdown nosave
  wait "$recorder" || fail "redis-server: exit status $?"
  sound redis
  json_true r.json 'd["heap"]["allocations"] > 50000' "every command allocates"
fi

if command -v nginx >/dev/null && command -v curl >/dev/null; then
  mkdir html
  seq 5000 >html/index.html
  cat >nginx.conf <<C
worker_processes 2; daemon off; pid $scratch/nginx.pid; error_log $scratch/error.log; events { worker_connections 64; }
http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
gzip on; gzip_min_length 10; server { listen unix:$scratch/nginx.sock; root $scratch/html; } }
C
  chmod 755 "$scratch"  # its workers are somebody else
  "$FLARESTACK" record --quiet -o t.flare -- nginx -p "$scratch" -c "$scratch/nginx.conf" >nginx.out 2>&1 &
  recorder=$!
  wait_for nginx.sock
  for i in $(seq 100); do echo "url = http://localhost/index.html"; done >urls
  timeout 60 curl -sS --compressed --unix-socket nginx.sock -K urls >pages
  kill -QUIT "$(cat nginx.pid)"
  wait "$recorder" || fail "nginx: exit status $?: $(cat nginx.out)"
  [ "$(wc -l <pages)" = 500000 ] || fail "nginx: $(wc -l <pages) lines"
  sound nginx 3
fi

postgres="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)"
if [ -n "$postgres" ]; then
  mkdir -m 777 pg
  as=()
  [ "$(id -u)" != 0 ] || { as=(runuser -u nobody -- env HOME="$scratch/pg"); chmod 755 "$scratch"; }  # it refuses to run as root
  timeout 120 "${as[@]}" "$FLARESTACK" record --quiet -o pg/t.flare -- "$postgres/initdb" -D "$scratch/pg/data" -A trust -N >initdb.out 2>&1 ||
    fail "initdb: exit status $?: $(tail -5 initdb.out)"
  mv pg/t.flare t.flare
  sound initdb 5
  timeout 120 "${as[@]}" "$FLARESTACK" record --quiet -o pg/t.flare -- "$postgres/postgres" -D "$scratch/pg/data" -k "$scratch/pg" -h '' -F >postgres.out 2>&1 &
  recorder=$!
  wait_for pg/.s.PGSQL.5432
  for _ in $(seq 100); do ! "$postgres/pg_isready" -q -h "$scratch/pg" || break; sleep 0.05; done
  bench=("${as[@]}" timeout 60 "$postgres/pgbench" -h "$scratch/pg")
  "${bench[@]}" -i -q postgres >bench.out 2>&1 || fail "pgbench -i: $(cat bench.out)"
  "${bench[@]}" -c 2 -t 50 postgres >bench.out 2>&1 || fail "pgbench: $(cat bench.out)"
  grep -q 'processed: 100/100' bench.out || fail "pgbench: $(cat bench.out)"
  kill -INT "$(head -1 pg/data/postmaster.pid)"
  wait "$recorder" || fail "postgres: exit status $?: $(tail -5 postgres.out)"
  mv pg/t.flare t.flare
  sound postgres 6
fi

[ "${LONG_TESTS:-0}" = 1 ] || exit 0
echo 'import java.util.*;
public class Main { public static void main(String[] a) { Map<Integer, String> m = new HashMap<>(); for (int i = 0; i < 100000; i++) m.put(i, "s" + i); System.out.println(m.size()); } }' >Main.java
if command -v java >/dev/null; then
  same_with_and_without java -version
  same_with_and_without java Main.java
  "$FLARESTACK" info --format json t.flare >i.json
  json_true i.json 'd["quality"]["complete"] and d["quality"]["heap_events_lost"] == 0 and d["quality"]["foreign_frees"] == 0' java
fi
if command -v chromium >/dev/null; then
  echo '<p id=x></p><script>document.getElementById("x").textContent = [...Array(50000).keys()].reduce((a, b) => a + b);
    for (let i = 0; i < 2000; i++) document.body.append(document.createElement("i"));</script>' >page.html
  run=(chromium --headless --no-sandbox --disable-gpu "--user-data-dir=$scratch/profile" --dump-dom "file://$scratch/page.html")
  timeout 100 "${run[@]}" >bare.out 2>/dev/null
  timeout 100 "$FLARESTACK" record --quiet -o t.flare -- "${run[@]}" >recorded.out 2>/dev/null || fail "chromium: exit status $?"
  cmp bare.out recorded.out || fail "chromium's page differs"
  grep -q 1249975000 bare.out || fail "$(head -c 300 bare.out)"
  "$FLARESTACK" info --format json t.flare >i.json
  json_true i.json 'd["quality"]["complete"] and d["quality"]["heap_events_lost"] == 0 and d["quality"]["heap_events"] > 500000' chromium
fi
