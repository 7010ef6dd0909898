#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# history export to a real ClickHouse server: once is enough, everything arrives, and all queries of docs/history.md run.
source "$(dirname "$0")/lib.sh"

cc_program shop <<'C'
#include <stdlib.h>
#include <string.h>
#include <time.h>
__attribute__((noinline)) long price(long sum) { for (int i = 0; i < 1000; ++i) sum = sum * 31 + i; return sum; }
__attribute__((noinline)) void lose(void) { char* lost = malloc(100); __asm__ volatile("" : : "r"(memset(lost, 1, 100)) : "memory"); }
int main(void) {
  long sum = 1;
  while (clock() < CLOCKS_PER_SEC / 10) sum = price(sum);
  lose();
  return sum == 0;
}
C

# A server of our own: a free port, nothing outside of this folder.
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
cat >config.xml <<X
<yandex>
  <logger><level>warning</level><log>$scratch/server.log</log><errorlog>$scratch/server.err</errorlog></logger>
  <http_port>$port</http_port><listen_host>127.0.0.1</listen_host>
  <path>$scratch/data/</path><tmp_path>$scratch/tmp/</tmp_path>
  <mark_cache_size>33554432</mark_cache_size><users_config>users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
</yandex>
X
cat >users.xml <<'X'
<yandex>
  <profiles><default><max_memory_usage>1000000000</max_memory_usage></default></profiles><quotas><default/></quotas>
  <users>
    <default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
    <writer><password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></writer>
  </users>
</yandex>
X
clickhouse-server --config-file=config.xml >server.out 2>&1 &
server=$!
url="http://127.0.0.1:$port"
ask() { python3 -c 'import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1], sys.stdin.buffer.read(), 60).read().decode())' "$url"; }
for i in $(seq 240); do
  [ "$(ask <<<"SELECT 1" 2>ask.err)" = 1 ] && break
  kill -0 $server || fail "the server ended: $(tail -5 server.out server.err)"
  [ "$i" -lt 240 ] || fail "the server does not answer: $(cat ask.err)"
  read -rt 0.25 <> <(:) || true
done

# Two commits on one host, with what a row has to survive.
add() { "$FLARESTACK" history add --step shop --branch "it's \"new\"" "$@" >>added; }
timeout 60 "$FLARESTACK" record --quiet -o base.flare -- ./shop
timeout 60 "$FLARESTACK" record --quiet -o new.flare -- ./shop
add --commit base --parameter 'size={1}' base.flare
add --commit new --parameter 'size={1}' new.flare
export_it() { timeout 100 "$FLARESTACK" history export --clickhouse "${1-$url}"; }
[ "$(export_it)" = "2 results written, 0 were there already" ] || fail "the first export"
[ "$(export_it "http://writer:secret@127.0.0.1:$port/")" = "0 results written, 2 were there already" ] || fail "the second one"
"$FLARESTACK" history list --format json >list.json
[ "$(ask <<<"SELECT id FROM flarestack.results ORDER BY time_ns")" = "$(json list.json '"\n".join(r["id"] for r in d["results"])')" ] || fail "the ids"
[ "$(ask <<<"SELECT DISTINCT branch, parameter_values FROM flarestack.results FORMAT TabSeparatedRaw")" = "it's \"new\"	['{1}']" ] || fail "the names"
[ "$(ask <<<"SELECT sum(value) FROM flarestack.metrics WHERE name = 'leaked_bytes'")" = 200 ] || fail "the leaks"
stored="$(python3 -c 'import sqlite3; d = sqlite3.connect("flarestack-history.db"); print(*(d.execute("SELECT count(*) FROM " + t).fetchone()[0] for t in ("metrics", "functions", "paths")))')"
arrived() { for table in metrics functions paths; do ask <<<"SELECT count() FROM flarestack.$table FINAL"; done | xargs; }
[ "$(arrived)" = "$stored" ] || fail "rows: $(arrived) of $stored"

# An export that broke off before the results' own rows: the next one writes them, and nothing is there twice.
ask <<<"DROP TABLE flarestack.results"
[ "$(export_it)" = "2 results written, 0 were there already" ] || fail "the export after a broken one"
[ "$(arrived)" = "$stored" ] || fail "rows after a second export: $(arrived) of $stored"

# Every query of the document; what is asked of the fleet has an answer.
python3 - "$SOURCE_DIR/docs/history.md" <<'P'
import re, sys
for i, query in enumerate(re.findall(r"```sql\n(.*?)```", open(sys.argv[1]).read(), re.S)):
    open(f"query.{i}.sql", "w").write(query)
P
[ "$(find . -name 'query.*.sql' | wc -l)" -ge 11 ] || fail "the document's queries"
for query in query.*.sql; do
  ask <"$query" >"$query.out" 2>"$query.err" || fail "$(cat "$query"): $(cat "$query.err")"
  if ! grep -q 'DROP PARTITION\|times > 1.2' "$query"; then [ -s "$query.out" ] || fail "no answer to $(cat "$query")"; fi
done
cat query.*.out >answers
grep -q '^_start;.*main;price [0-9]*$' answers || fail "no collapsed stacks: $(head -20 answers)"
grep -q "'lose'\]" answers || fail "no path to what is lost"

# Servers that are none, or refuse: one sentence, and the history is as it was.
expect_error() {
  local status=0
  export_it "$1" >out 2>err || status=$?
  [ "$status" = 1 ] || fail "$1: exit status $status"
  [ "$(wc -l <err)" = 1 ] || fail "$1: $(cat err)"
  grep -q "$2" err || fail "$1: $(cat err)"
}
expect_error "http://writer:wrong@127.0.0.1:$port" "^flarestack: 127.0.0.1:$port: HTTP status 401: "
expect_error "file:///etc/passwd" "^flarestack: file:///etc/passwd: "
kill $server
for i in $(seq 120); do kill -0 $server 2>/dev/null || break; read -rt 0.25 <> <(:) || true; done
expect_error "$url" "^flarestack: $url: Failed to connect"
[ "$("$FLARESTACK" history list --format json | cksum)" = "$(cksum <list.json)" ] || fail "the history has changed"
