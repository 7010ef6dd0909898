#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the counts of a corpus run (counters.h) and prints one line a program, then the differences.

usage: summary.py NAME=DIRECTORY...

A difference is explained, as docs/unwinding.md does, if the trace met code without CFI and libunwind, which misjudges the stack
pointer after such a frame, came to an address that is no code while ours reached the root. Exit status 1: fewer than 99.99 % of
the traces equal (explained ones apart), or the cache and a full walk disagree anywhere, or nothing was compared.
"""
import pathlib
import struct
import sys

MAGIC = 0x31656C6361726F00 + 1
TALLY, PLACE = struct.Struct("<10Q"), struct.Struct("<64sQQ")
FIELDS = "traces equal theirs_early ours_early incremental frames kept heuristic to_root elided".split()


def place(data, offset):
    module, module_offset, address = PLACE.unpack_from(data, offset)
    name = module.split(b"\0")[0].decode()
    return f"{name}+0x{module_offset:x}" if name else f"0x{address:x}"


def read(path):
    data = path.read_bytes()
    magic, program = struct.unpack_from("<Q64s", data)
    if magic != MAGIC:
        return None
    tallies = [dict(zip(FIELDS, TALLY.unpack_from(data, 72 + 80 * use))) for use in (0, 1)]
    seen, count = struct.unpack_from("<QQ", data, 232)
    differences = []
    for i in range(min(count, 32)):
        at = 248 + 256 * i
        kind, frame, ours, theirs = struct.unpack_from("<4I", data, at)
        heuristic_to_root = kind & 2 != 0
        their_next = place(data, at + 16 + 160)
        differences.append((("sample", "allocation")[kind & 1], frame, ours, theirs,
                            *(place(data, at + 16 + 80 * k) for k in range(3)),
                            heuristic_to_root and "+" not in their_next))
    return program.split(b"\0")[0].decode(), tallies, seen, count, differences


def main():
    arguments = sys.argv[1:]
    print(f"{'program':<14} {'at':<11} {'traces':>9} {'frames':>7} {'kept':>6} {'heuristic':>9} {'differ':>7} {'equal':>9}")
    total = {"traces": 0, "unequal": 0, "incremental": 0}
    explained, unexplained = 0, []
    for argument in arguments:
        name, directory = argument.split("=", 1)
        sums = [dict.fromkeys(FIELDS, 0) for _ in (0, 1)]
        for path in sorted(pathlib.Path(directory).glob("*.counters")):
            counts = read(path)
            if counts is None:
                continue
            for use in (0, 1):
                for field in FIELDS:
                    sums[use][field] += counts[1][use][field]
            for difference in counts[4]:
                if difference[-1]:
                    explained += 1
                else:
                    unexplained.append((name, *difference))
        for use, label in ((0, "samples"), (1, "allocations")):
            s = sums[use]
            if s["traces"] == 0:
                continue
            unequal = s["traces"] - s["equal"]
            print(f"{name:<14} {label:<11} {s['traces']:>9} {s['frames'] / s['traces']:>7.1f}"
                  f" {s['kept'] / s['traces']:>6.1f} {s['heuristic']:>9} {unequal:>7} {100 * s['equal'] / s['traces']:>8.3f}%")
            total["traces"] += s["traces"]
            total["unequal"] += unequal
            total["incremental"] += s["incremental"]
    for name, kind, frame, ours, theirs, last_equal, our_next, their_next, _ in unexplained[:20]:
        print(f"  {name} {kind}: equal for {frame} frames to {last_equal}; ours {our_next} ({ours} in all), "
              f"libunwind {their_next} ({theirs})")
    traces = total["traces"]
    good = traces - max(0, total["unequal"] - explained)
    share = 100 * good / traces if traces else 0
    print(f"total: {traces} traces, {total['unequal']} differ from libunwind ({explained} of them explained), "
          f"{share:.4f} % equal or explained; {total['incremental']} differ between cache and full walk")
    sys.exit(0 if traces and share >= 99.99 and total["incremental"] == 0 else 1)


main()
