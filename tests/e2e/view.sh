#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The page of `flarestack view` carries what `report` says: every metric's total, and every function's own and whole value, of
# threads, processes, waiting, a heap, leaks; whole, filtered, of two traces, bundled.
source "$(dirname "$0")/lib.sh"

cat >game.cc <<'C'
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

volatile long sink;
__attribute__((noinline)) long think(int times) {
  long sum = 0;
  for (int i = 0; i < times; ++i) sum += i * sum % 7;  // the hottest line
  return sum;
}
__attribute__((noinline)) long recurse(int depth) { return depth == 0 ? think(100000) : recurse(depth - 1) + 1; }
inline __attribute__((always_inline)) void* grab(size_t size) { return malloc(size); }
__attribute__((noinline)) void* lose(size_t size) { return grab(size); }
void work(int number) {
  std::vector<std::string> names;
  for (int i = 0; i < 150; ++i) {
    names.emplace_back(100 + i, 'x');
    sink += recurse(i % 5 + number);
    std::string text = names.back() + "temporary";
    sink += text.size();
  }
  usleep(50000);
}
int main(int argc, char**) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(work, i);
  for (std::thread& each : threads) each.join();
  void* volatile held = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 40; ++i) held = lose(1000 + i);
  if (pid_t child = fork(); child == 0) {
    work(1);
    held = lose(argc * 500);
    held = nullptr;
    _exit(3);
  } else {
    waitpid(child, nullptr, 0);
  }
  std::string last(1 << 20, 'y');
  sink += last.size() + (held == nullptr);
  return 0;
}
C
g++ -std=c++20 -O1 -g -Wall -Wno-volatile -pthread game.cc -o game
check() { timeout 300 python3 "$SOURCE_DIR/tests/e2e/view/check.py" "$@" || fail "the page differs from report: $*"; }
record() { timeout 60 "$FLARESTACK" record --quiet "$@"; }

record --clock wall -o wall.flare -- ./game
timeout 100 "$FLARESTACK" view wall.flare -o wall.html
check wall.html 0 wall.flare >said
[ "$(wc -l <said)" = 8 ] || fail "not every metric is in the page: $(cat said)"
! grep -q " 0$" said || fail "a metric counts nothing: $(cat said)"

# Filters narrow it; a range of time is where the page begins.
timeout 100 "$FLARESTACK" view wall.flare -o - --ignore 'recurse|lose' --from 10ms >less.html
check less.html 0 wall.flare --ignore 'recurse|lose'
thread="$("$FLARESTACK" info --format json wall.flare | python3 -c 'import json, sys; print(json.load(sys.stdin)["processes"][1]["pid"])')"
timeout 100 "$FLARESTACK" view wall.flare -o child.html --process "$thread" --no-inline
check child.html 0 wall.flare --process "$thread" --no-inline

# A trace that was cut short: what is left of it, and one word about it.
record --no-heap -o cpu.flare -- ./game more
head -c $(($(stat -c %s cpu.flare) - 20)) cpu.flare >cut.flare
timeout 100 "$FLARESTACK" view cut.flare -o cut.html 2>err
[ "$(wc -l <err)" = 1 ] || fail "of damage it says: $(cat err)"
check cut.html 0 cut.flare

# Two recordings in one page; of one kind of values alone; the sources that came with a trace.
record --no-cpu --bundle -o heap.flare -- ./game
rm game game.cc
timeout 100 "$FLARESTACK" view cpu.flare heap.flare -o two.html --title '</title><script>'
check two.html 0 cpu.flare
check two.html 1 heap.flare
grep -q '<title>&lt;/title&gt;&lt;script&gt;</title>' two.html || fail "the title is not what was asked for"
sed -n '/^<script>/,/^<.script>/p' wall.html | sed '1s/<script>//; $d' >script.js
[ "$(wc -c <script.js)" -gt 10000 ] && node --check script.js || fail "the modules make no script"
python3 - wall.html two.html <<'PY' || fail "the page lacks what is beside the numbers"
import base64, gzip, json, re, struct, sys
def meta(path, number):
    text = open(path, encoding="utf-8").read()
    data = gzip.decompress(base64.b64decode(re.search(rf'id="profile-{number}"[^>]*>([^<]*)<', text)[1]))
    return json.loads(data[4:4 + struct.unpack("<I", data[:4])[0]])
wall, heap = meta(sys.argv[1], 0), meta(sys.argv[2], 1)
assert wall["default_metric"] == "wall" and heap["default_metric"] == "allocated"
assert {"cpu", "allocated"} <= {each["metric"] for each in wall["annotations"]}
assert any("think" in each["name"] and each["pieces"] for each in wall["annotations"])
assert any("the hottest line" in line for each in wall["sources"] for line in each["lines"])
assert any("return grab(size)" in line for each in heap["sources"] for line in each["lines"])  # bundled, and the program is gone
assert [each["exit"] for each in wall["processes"]] == ["exited 0", "exited 3"] and wall["processes"][1]["parent"] == 0
assert wall["leak_summary"]["definitely_lost"]["blocks"] >= 40 and any(
    each["stack"][1]["function"].startswith("lose") for each in wall["leak_sites"] if each["verdict"] == "definitely_lost")
assert wall["findings"] and wall["quality"] and len(wall["leak_checks"]) == 2
PY

# What cannot be: one sentence, status 1.
for words in "no.flare" "cpu.flare --metric live" "wall.flare --from 3x" "wall.flare --process nobody" "wall.flare no.flare"; do
  # shellcheck disable=SC2086  # words
  status=0 && "$FLARESTACK" view $words -o x.html 2>err || status=$?
  [ "$status" = 1 ] && [ "$(wc -l <err)" = 1 ] && [ ! -e x.html ] || fail "$words: status $status, $(cat err)"
done
