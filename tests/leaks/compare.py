#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the leak corpus bare, recorded, under memcheck and with LeakSanitizer, and compares the verdicts site by site.

    tests/leaks/compare.py --flarestack PROGRAM --work FOLDER [--markdown] [--only WORD]... [--jobs N]
    tests/leaks/compare.py --peers-only --work FOLDER [--repeat N]
"""
import argparse
import concurrent.futures
import os
import sys

import peers

VERDICTS = ("definite", "indirect", "possible", "reachable")


def cell(found, site, verdict):
    blocks, size = found.get((site, verdict), (0, 0))
    return f"{blocks}/{size}" if blocks else "-"


def program_row(name, source, options):
    folder = os.path.join(options.work, "runs", name)
    program = peers.build(source, options.build)
    results = []
    for _ in range(options.repeat):
        bare = peers.run([program], folder)
        checked, memcheck = peers.memcheck([program], folder)
        sanitized, lsan = peers.lsan(program, folder)
        trouble = []
        if bare != checked:
            trouble.append(f"bare {bare} memcheck {checked}")
        if bare[:2] != sanitized[:2]:
            trouble.append(f"bare {bare} lsan {sanitized}")
        results.append((dict(memcheck), dict(lsan), trouble))
    lines = []
    memcheck, lsan, trouble = results[0]
    for other in results[1:]:
        for i in range(2):
            a = {k: v for k, v in results[0][i].items() if k[0]}
            b = {k: v for k, v in other[i].items() if k[0]}
            if a != b:
                lines.append(f"   NOT DETERMINISTIC {a} {b}")
    lines += ["   " + t for t in trouble]
    for site in sorted({site for site, _ in [*memcheck, *lsan]}):
        lines.append(f"   {site or '(runtime)':24} " + " ".join(f"{cell(memcheck, site, v):>14}" for v in VERDICTS) +
                     f"  lsan {cell(lsan, site, 'lost'):>12}")
    return name + ": " + peers.first_sentence(source), lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers-only", action="store_true")
    parser.add_argument("--work", required=True)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    options.work = os.path.abspath(options.work)
    options.build = os.path.join(options.work, "programs")
    os.makedirs(options.build, exist_ok=True)
    os.environ["CORPUS_BUILD"] = options.build
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        rows = [(name, pool.submit(program_row, name, source, options)) for name, source in peers.programs(options.only).items()]
        for name, row in rows:
            try:
                head, lines = row.result()
            except peers.Trouble as trouble:
                head, lines = name, ["   TROUBLE " + str(trouble)]
            print(head, *lines, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
