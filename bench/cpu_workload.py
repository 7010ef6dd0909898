# SPDX-License-Identifier: Apache-2.0
"""What bench/cpu.py lets the profilers sample in python3: ROUNDS rounds of calls, dictionaries, text and sorting."""
import json
import os
import resource
import sys
import time


class Node:
    def __init__(self, depth, number):
        self.number = number
        self.children = [Node(depth - 1, number * 3 + i) for i in range(2)] if depth else []

    def total(self):
        return self.number + sum(child.total() for child in self.children)


def work(rounds):
    checksum = 0
    for n in range(rounds):
        words = [f"word {i * 7919 % 501}" for i in range(500)]
        counts = {}
        for word in words:
            counts[word] = counts.get(word, 0) + len(word)
        text = json.dumps(sorted(counts.items(), key=lambda item: (item[1], item[0])))
        checksum ^= len(json.loads(text)) + Node(7, n).total()
    return checksum


def main():
    start_s = time.monotonic()
    if "BENCH_CPU" in os.environ:
        os.sched_setaffinity(0, {int(os.environ["BENCH_CPU"])})
    if sys.argv[1] == "calibrate":
        work(20)
        best = 0
        for _ in range(5):
            before_s = time.process_time()
            work(50)
            best = max(best, 50 / (time.process_time() - before_s))
        print(f"{best:.0f}")
        return
    work(int(sys.argv[1]))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    with open(os.environ.get("BENCH_RESULT", "/dev/null"), "w", encoding="utf-8") as file:
        json.dump({"wall_s": time.monotonic() - start_s, "user_s": usage.ru_utime, "system_s": usage.ru_stime}, file)


main()
