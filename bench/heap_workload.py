# SPDX-License-Identifier: Apache-2.0
"""What bench/heap.py has recorded in python3 with PYTHONMALLOC=malloc: ROUNDS times a tree is built, dumped and loaded."""
import json
import os
import resource
import sys
import time


def build(depth, number):
    if depth == 0:
        return [number, number / 7, f"leaf number {number}"]
    return {f"member {i}": build(depth - 1, number * 4 + i) for i in range(4)}


def main():
    start_s = time.monotonic()
    if "BENCH_CPU" in os.environ:
        os.sched_setaffinity(0, {int(os.environ["BENCH_CPU"])})
    checksum = 0
    for n in range(int(sys.argv[1])):
        text = json.dumps(build(6, n))
        checksum += len(text) + len(json.dumps(json.loads(text), indent=1))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    with open(os.environ.get("BENCH_RESULT", "/dev/null"), "w", encoding="utf-8") as file:
        json.dump({"wall_s": time.monotonic() - start_s, "user_s": usage.ru_utime, "system_s": usage.ru_stime, "checksum": checksum}, file)


main()
