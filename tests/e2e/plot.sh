#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `plot` draws what the reports say: the heap's peak and when it was, the processors that were in use.
source "$(dirname "$0")/lib.sh"

cxx_program stages -I"$SOURCE_DIR/include" <<'CODE'
#include <flarestack.h>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
volatile long sink;
void burn() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  while (std::chrono::steady_clock::now() < end) sink = sink + 1;
}
int main() {
  char* kept = static_cast<char*>(malloc(3 << 20));
  memset(kept, 1, 3 << 20);
  burn();
  char* most = static_cast<char*>(malloc(8 << 20));
  memset(most, 1, 8 << 20);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // on no processor
  sink = sink + most[sink % 100];
  free(most);
  {
    flarestack::Region region("both");
    std::thread other(burn);
    burn();
    other.join();
  }
  sink = sink + kept[sink % 100];
  free(kept);
}
CODE
timeout 100 "$FLARESTACK" record --quiet -o t.flare -- ./stages
plot() { timeout 100 "$FLARESTACK" plot t.flare "$@"; }

plot >plot.txt
timeout 100 "$FLARESTACK" report t.flare --metric peak --format json -o peak.json
peak=$(json peak.json "d['heap']['peak_bytes']")
[ "$peak" -ge $((11 << 20)) ] || fail "peak $peak"
grep -qE "^Heap, live  peak 11\.[01] MiB at [0-9.]+ ms$" plot.txt || fail "$(cat plot.txt)"
[ "$(grep -cE '^(Heap, live|Resident memory|Processors in use)  ' plot.txt)" = 3 ] || fail "$(cat plot.txt)"
[ "$(LC_ALL=C.UTF-8 wc -L <plot.txt)" -le 100 ] || fail "too wide: $(cat plot.txt)"
grep -q "both" plot.txt || fail "the region: $(cat plot.txt)"

# The picture's numbers: its axes give the scale, its curves the values.
plot -o plot.svg
grep -q "both" plot.svg || fail "the region is not in the picture"
python3 - "$peak" <<'PY'
import json, re, sys, xml.etree.ElementTree as tree
peak = int(sys.argv[1])
name = "{http://www.w3.org/2000/svg}"
root = tree.parse("plot.svg").getroot()
texts = [(each.get("class"), float(each.get("x")), float(each.get("y")), each.text) for each in root.iter(name + "text")]
unit = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}
def top_of(y):  # the value at the top of the panel whose axis ends at y
    [label] = [text for style, _, at, text in texts if style == "dim end" and abs(at - 4 - y) < 0.2 and text != "0"]
    number, *of = label.split()
    return float(number) * unit[of[0]] if of else float(number)
def panel(title):
    [y] = [y for style, _, y, text in texts if text == title]
    return y + 16
def points(style):
    [path] = [each.get("d") for each in root.iter(name + "path") if each.get("class") == "curve " + style]
    return [(float(x), float(y), float(end)) for x, y, end in re.findall(r"([\d.]+) ([\d.]+)H([\d.]+)", path)]
top = panel("Heap, live")
highest = min(y for _, y, _ in points("heap"))
drawn = (top + 170 - highest) / 170 * top_of(top)
assert abs(drawn - peak) < 0.01 * peak, (drawn, peak)
[(_, _, dot)] = [(each.get("cx"), each.get("r"), float(each.get("cy"))) for each in root.iter(name + "circle")]
assert abs(dot - highest) < 0.2, (dot, highest)
top = panel("Processors in use")
used = sum((end - x) * (top + 170 - y) / 170 * top_of(top) for x, y, end in points("cpu")) / 886
open("used.txt", "w").write(str(used))
PY
timeout 100 "$FLARESTACK" report t.flare --metric cpu --format json -o cpu.json
timeout 100 "$FLARESTACK" info t.flare --format json >info.json
python3 - <<'PY'
import json
used, mean = float(open("used.txt").read()), json.load(open("cpu.json"))["total"] / json.load(open("info.json"))["duration_ns"]
assert abs(used - mean) < 0.03 * mean + 0.01, (used, mean)
PY

# One kind, one thread, a range; and what cannot be.
plot --show cpu --from 0 --to 200ms >cpu.txt
grep -q "200 ms$" cpu.txt && ! grep -q Heap cpu.txt || fail "$(cat cpu.txt)"
plot --thread stages >thread.txt
! grep -q Heap thread.txt || fail "$(cat thread.txt)"
rejected() {  # STDERR ARGUMENTS...
  local status=0
  timeout 100 "$FLARESTACK" plot "${@:2}" >out.txt 2>err.txt || status=$?
  [ "$status" = 1 ] && [ "$(wc -l <err.txt)" = 1 ] && [ ! -s out.txt ] || fail "status $status: $(cat err.txt out.txt)"
  grep -qF -- "$1" err.txt || fail "no '$1' in $(cat err.txt)"
}
rejected "leave out --thread" t.flare --show memory --thread stages
rejected "nothere" nothere.flare
timeout 100 "$FLARESTACK" record --quiet --no-heap -o bare.flare -- ./stages
rejected "no heap in it" bare.flare --show memory
