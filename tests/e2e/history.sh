#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# history: results of a trace, of bench's and of gate's JSON are kept, listed, shown and drawn; changes are found; a kill loses nothing
# that is stored; what is no history is refused.
source "$(dirname "$0")/lib.sh"

cc_program worker <<'C'
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) char* keep(long size) { return memset(malloc(size), 1, size); }
int main(int count, char** words) { return keep(atol(words[count - 1]))[0] - 1; }
C
git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one
commit="$(git rev-parse HEAD)"

timeout 60 "$FLARESTACK" record --quiet -o 'a trace.flare' -- ./worker 5000
"$FLARESTACK" history add 'a trace.flare' --parameter size=5000 >added
"$FLARESTACK" history add 'a trace.flare' --parameter size=5000 >again
grep -q ' is there already$' again || fail "added twice: $(cat again)"
"$FLARESTACK" history list --format json >list.json
json_true list.json 'len(d["results"]) == 1' "the trace"
json_true list.json "d['results'][0]['commit'] == '$commit' and d['results'][0]['step'] == 'worker'" "commit and step"
json_true list.json 'd["results"][0]["parameters"] == {"size": "5000"}' "the parameters"
"$FLARESTACK" history show "$(cut -c1-8 added)" --format json >show.json
json_true show.json 'any(p["metric"] == "peak" and p["value"] == 5000 and p["frames"][-1] == "keep" for p in d["paths"])' "the path"

# What the program names of its run is a result of its own.
cat >named.c <<'C'
#include <stdlib.h>
#include "flarestack.h"
int main(void) {
  for (int i = 0; i < 2; ++i) {
    flarestack_token load = flarestack_begin("load");
    char* volatile kept = malloc(100);
    (void)kept;
    flarestack_end(load);
  }
}
C
gcc -O1 -g -I"$SOURCE_DIR/include" named.c -o named
timeout 60 "$FLARESTACK" record --quiet -o named.flare -- ./named
"$FLARESTACK" history add --database regions.db named.flare --step job >regions
"$FLARESTACK" history list --database regions.db --format json >list.json
json_true list.json '[r["step"] for r in d["results"]] == ["job", "job:load"]' "a region"
json_true list.json '{m["name"]: m["value"] for m in d["results"][1]["metrics"] if m["unit"] != "ns"} == {"calls": 2, "peak_heap": 100, "allocations": 2, "allocated_bytes": 200, "live_delta_bytes": 200}' "its metrics"
"$FLARESTACK" history show --database regions.db "$(sed -n '2s/ .*//p' regions)" --format json >show.json
json_true show.json '[p["value"] for p in d["paths"] if p["metric"] == "allocated" and p["frames"][-1] == "main"] == [200]' "its path"

# A gate's results: of one, many are made, whose peak has another level from the ninth on. And what bench writes.
cat >flarestack.toml <<'T'
[gate]
runs = 2
warmup = 0
[[step]]
name = "keep"
command = ["./worker", "1000"]
peak_heap = { maximum = "1MiB" }
T
timeout 60 "$FLARESTACK" gate --format json -o gate.json
python3 - <<'P'
import json
document = json.load(open("gate.json"))
record = document["steps"][0]["record"]
for metric in record["metrics"]:
    metric["runs"] = metric["runs"][:1]
for i in range(16):
    record["time_ns"] += 86_400_000_000_000
    record["commit"] = f"commit-{i}"
    for metric in record["metrics"]:
        if metric["name"] == "peak_heap":
            metric["runs"] = [1000 if i < 8 else 1200]
    json.dump(document, open(f"gate.{i:02}.json", "w"))
json.dump({"schema": "flarestack.bench/1", "host": {"name": "far", "processor": "another", "processors": 64}, "commands": [
    {"command": "./worker {n}", "parameters": {"n": "7"}, "trace": None,
     "runs": {"wall_ns": [30, 10, 20], "user_ns": [1, 1, 1], "peak_rss_bytes": [4096, 4096, 4096], "status": [0, 0, 0]}}]}, open("bench.json", "w"))
P
"$FLARESTACK" history add gate.*.json bench.json --branch trunk >>added
"$FLARESTACK" history list --format json >list.json
json_true list.json 'len(d["results"]) == 18' "all of them"
json_true list.json '[(c["metric"], c["commit"], c["before"], c["after"]) for c in d["changes"]] == [("peak_heap", "commit-8", 1000, 1200)]' "the change"
json_true list.json '[m["value"] for r in d["results"] if r["kind"] == "bench" for m in r["metrics"]] == [20, 1, 4096]' "the runs of bench"
json_true list.json 'all(r["branch"] == "trunk" for r in d["results"] if r["kind"] == "bench")' "the branch"
"$FLARESTACK" history list >list.txt
grep -q '^  +20.0% peak_heap of keep: 0.98 KiB -> 1.17 KiB, since commit-8 ' list.txt || fail "the change in words: $(tail -2 list.txt)"

# What bench itself writes, with a trace of each command, from wherever it is read.
timeout 60 "$FLARESTACK" bench --runs 2 --warmup 0 --shell none --parameter n=3000,4000 -o traces --format json -- ./worker '{n}' >real.json
mkdir elsewhere && (cd elsewhere && "$FLARESTACK" history add --database ../bench.db ../real.json >/dev/null)
"$FLARESTACK" history list --database bench.db --format json >list.json
json_true list.json 'sorted((r["parameters"]["n"], [m["value"] for m in r["metrics"] if m["name"] == "peak_heap"][0], len([m for m in r["metrics"] if m["name"] == "wall_time"])) for r in d["results"]) == [("3000", 3000, 1), ("4000", 4000, 1)]' "what bench wrote"

# The page: whole, without anything to load, its links lead to the recordings.
mkdir pages
"$FLARESTACK" history dashboard -o pages/page.html
python3 - <<'P'
import html.parser, os, urllib.parse
class Page(html.parser.HTMLParser):
    count, links = {}, []
    def handle_starttag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1
        assert tag not in ("script", "link", "img", "iframe"), tag
        self.links += [value for name, value in attributes if name in ("href", "src")]
page = Page()
text = open("pages/page.html").read()
page.feed(text)
assert page.count["svg"] >= 10, page.count
assert page.links and all(os.path.exists("pages/" + urllib.parse.unquote(link)) for link in page.links), page.links
assert "commit-8" in text and "+20.0%" in text
P

# Killed at any time while it adds: what was stored is there, and what is there is whole.
for i in $(seq 12); do
  rm -f killed.db*
  "$FLARESTACK" history add --database killed.db gate.00.json >>added
  "$FLARESTACK" history add --database killed.db gate.*.json >>added &
  read -rt "0.0$((i * 7 % 10))$((i % 10))" <> <(:) || true
  kill -9 $! 2>/dev/null || true
  wait $! || true
  python3 - <<'P'
import sqlite3
d = sqlite3.connect("killed.db")
one = lambda sql: d.execute(sql).fetchone()[0]
assert one("PRAGMA integrity_check") == "ok"
assert one("SELECT count(*) FROM results WHERE commit_hash = 'commit-0'") == 1
assert one("SELECT count(*) FROM metrics") == 5 * one("SELECT count(*) FROM results")
P
done

# Several at once.
for i in 0 1 2 3; do "$FLARESTACK" history add --database shared.db gate.0[0-9].json "gate.1$i.json" >"added.$i" & added[i]=$!; done
for i in 0 1 2 3; do wait "${added[i]}" || fail "adding at the same time: $i"; done
"$FLARESTACK" history list --database shared.db --format json >list.json
json_true list.json 'len(d["results"]) == 14' "what four have added"

# What is none: one sentence, and it stays as it is.
expect_error() {
  local status=0 file="$1" before
  before="$(cksum <"$file")"
  "$FLARESTACK" history --database "$file" "${@:3}" >out 2>err || status=$?
  [ "$status" = 1 ] && [ "$(wc -l <err)" = 1 ] || fail "$*: $status $(cat err)"
  grep -q "$2" err || fail "$*: $(cat err)"
  [ "$(cksum <"$file")" = "$before" ] || fail "$file has changed"
}
python3 -c 'import sqlite3; d = sqlite3.connect("killed.db"); d.execute("PRAGMA user_version = 2")'
expect_error killed.db 'its schema has version 2, and this flarestack knows up to 1' list
expect_error killed.db 'its schema has version 2' add gate.00.json
python3 -c 'import sqlite3; d = sqlite3.connect("other.db"); d.execute("CREATE TABLE songs(name)")'
expect_error other.db 'a database of something else' add gate.00.json
head -c 3000 flarestack-history.db >half.db
expect_error half.db '^flarestack: half.db: ' list
head -c 3000 gate.json >half.json
expect_error flarestack-history.db '^flarestack: half.json: neither a trace nor JSON' add half.json
echo '{"schema": "flarestack.bench/2"}' >newer.json
expect_error flarestack-history.db 'not flarestack.bench/2' add gate.00.json newer.json

# What does nothing for an action is refused.
for words in 'list --commit x' 'add' 'show' 'list one' 'dashboard' 'export' 'draw'; do
  status=0
  "$FLARESTACK" history $words >out 2>err || status=$?
  [ "$status" = 2 ] && [ "$(wc -l <err)" = 1 ] || fail "history $words: $status $(cat err)"
done
