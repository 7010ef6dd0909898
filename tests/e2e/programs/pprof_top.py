#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what pprof says of a profile with what flarestack says of a trace.

    pprof_top.py PPROF PROFILE SAMPLE_INDEX UNIT < report.json

Every function's flat and cumulative value, and the total, must be the same. UNIT is pprof's: ns, B or count. Functions
of one name in several modules are one in pprof's list: only their flat values are compared.
"""
import collections
import json
import re
import subprocess
import sys

pprof, profile, index, unit = sys.argv[1:]
text = subprocess.run(
    [pprof, "-top", f"-sample_index={index}", f"-unit={unit}", "-nodecount=1000000", "-nodefraction=0", "-edgefraction=0",
     "-symbolize=none", profile], check=True, capture_output=True, text=True, timeout=100).stdout
number = lambda word: int(re.fullmatch(r"(-?\d+)(?:\.00)?[a-zA-Z]*", word).group(1))
total = number(re.search(r" of ([^ ]+) total", text).group(1))
flat, cumulative = collections.Counter(), collections.Counter()
for line in text.split("cum%\n", 1)[1].splitlines():
    own, _, _, all_of_it, _, name = line.split(None, 5)
    name = re.sub(r" \((partial-)?inline\)$", "", name)
    flat[name] += number(own)
    cumulative[name] += number(all_of_it)

report = json.load(sys.stdin)
ours_flat, ours_cumulative, count = collections.Counter(), collections.Counter(), collections.Counter()
for function in report["functions"]:
    ours_flat[function["name"]] += function["self"]
    ours_cumulative[function["name"]] += function["total"]
    count[function["name"]] += 1
assert total == report["total"] > 0, (total, report["total"])
different = {name: (flat[name], ours_flat[name]) for name in flat | ours_flat if flat[name] != ours_flat[name]}
assert not different, f"flat, pprof's and ours: {different}"
different = {name: (cumulative[name], ours_cumulative[name]) for name in cumulative | ours_cumulative
             if count[name] == 1 and cumulative[name] != ours_cumulative[name]}
assert not different, f"cumulative, pprof's and ours: {different}"
print(f"{index}: {total} in {len(flat)} functions")
