#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The static page of `annotate` is well-formed whatever the names and the source hold, needs no other file and no script,
# and has all that the text has.
source "$(dirname "$0")/lib.sh"

cat >program.cc <<'C'
#include <ctime>
static double cpu() { timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
template <typename T, int N> struct Box { volatile T sum{}; void operator<<(const T& value); };
template <typename T, int N> __attribute__((noinline)) void Box<T, N>::operator<<(const T& value) {
  for (int i = 0; i < 10000 && i < N; ++i) sum = sum + value; // <script>alert("&")</script> ]]> '
}
int main() { Box<int, 20000> box; for (double end = cpu() + 0.2; cpu() < end;) box << 7; }
C
g++ -std=c++20 -O1 -g -Wall program.cc -o program
"$FLARESTACK" record --quiet -o t.flare -- ./program '<&>' </dev/null
"$FLARESTACK" annotate t.flare 'operator<<' --format html -o t.html
python3 - t.html <<'P'
import sys, xml.etree.ElementTree as tree
text = open(sys.argv[1], encoding="utf-8").read()
root = tree.fromstring(text)
shown = "".join(root.itertext())
assert 'Box<int, 20000>::operator<<(int const&)' in shown, shown[:2000]
assert '<script>alert("&")</script> ]]> \'' in shown, "the source's text"
names = {e.tag.split('}')[-1] for e in root.iter()}
assert "script" not in names and "link" not in names and "img" not in names, names
assert not [e for e in root.iter() if any(k.split('}')[-1] in ("src", "href") for k in e.attrib)], "another file"
classes = [c for e in root.iter() for c in e.attrib.get("class", "").split()]
assert classes.count("intel") == classes.count("att") > 5, "both syntaxes"
P
"$FLARESTACK" annotate t.flare 'operator<<' --format html --hot -o hot.html
python3 -c 'import sys, xml.etree.ElementTree as t; t.parse(sys.argv[1])' hot.html
