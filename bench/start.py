# SPDX-License-Identifier: Apache-2.0
"""What it costs to start programs under flarestack, the memory it adds, its handler's stack. Started by bench/run start."""
import argparse
import pathlib
import random
import statistics
import tempfile

from harness import Results, median_and_interval, run, run_benchmark
from profilers import Bare, Flarestack, Perf

START_BAR_MS = 30
CHILD_BAR_MS = 5
HANDLER_BAR_BYTES = 1024
FIXED_BAR_BYTES = 8 << 20
THREAD_BAR_BYTES = 256 << 10
SHORT_THREADS_BAR_BYTES = 16 << 20
CHILDREN = 200


class FlarestackWithSummary(Flarestack):
    """As it is typed: with the summary at the end, for which the trace is read and symbolized."""

    name = "flarestack, summary"

    def command(self, target, hz, trace):
        command, environment = super().command(target, hz, trace)
        return [word for word in command if word != "--quiet"], environment


def wall_added_ms(options, scratch, target, rounds):
    """By profiler, of each round: what it took longer than the bare program in the same round."""
    profilers = [Bare(), Flarestack(options.build), FlarestackWithSummary(options.build), Perf("perf -g", ["-g"])]
    times = {profiler.name: [] for profiler in profilers}
    for _ in range(rounds):
        random.shuffle(profilers)
        for profiler in profilers:
            command, environment = profiler.command(target, 1000, str(scratch / "start.trace"))
            environment = {**environment, "FLARESTACK_CACHE_DIR": str(scratch / "cache")}
            times[profiler.name].append(1000 * run(command, environment).wall_s)
    bare = times.pop("bare")
    return statistics.median(bare), {name: [with_ms - bare_ms for with_ms, bare_ms in zip(values, bare)]
                                     for name, values in times.items()}


def measure_start(options, results, scratch):
    results.say("Start: `record -- true` over bare `true`, wall time")
    bare_ms, added = wall_added_ms(options, scratch, ["true"], options.starts)
    results.figure("true, bare", bare_ms, "ms")
    for name, values in added.items():
        median, low, high = median_and_interval(values)
        results.figure(f"true, added by {name}", median, "ms", START_BAR_MS if name.startswith("flarestack") else None, (low, high))

    results.say(f"Children: sh starts {CHILDREN} programs one after the other; for each, a fork and an exec")
    script = f"i=0; while [ $i -lt {CHILDREN} ]; do /bin/true; i=$((i+1)); done"
    bare_ms, added = wall_added_ms(options, scratch, ["sh", "-c", script], options.child_rounds)
    results.figure("a child, bare", bare_ms / CHILDREN, "ms")
    for name, values in added.items():
        median, low, high = median_and_interval([value / CHILDREN for value in values])
        results.figure(f"a child, added by {name}", median, "ms", CHILD_BAR_MS if name == "flarestack" else None, (low, high))


MEMORY_EXPLAINED = """
Memory of the target: its own account (/proc/self/status) less the bare program's. private: anonymous memory (unwinders, tables);
shared: the session's rings as far as they were touched. Sampled at 10 kHz until every ring has wrapped: that is the most they take."""


def memory_added(options, scratch, arguments):
    target = [str(options.build / "bench/memory_workload"), *map(str, arguments)]
    bare = run(target, timeout_s=300).own
    command, environment = Flarestack(options.build).command(target, 10_000, str(scratch / "memory.flare"))
    with_us = run(command, environment, timeout_s=300).own
    added = {key: with_us[key] - bare[key] for key in ("RssAnon", "RssShmem", "VmHWM")}
    return [added["RssAnon"], added["RssShmem"], added["VmHWM"]]


def measure_memory(options, results, scratch):
    results.say("Memory" + MEMORY_EXPLAINED)
    rows = []
    bars = []
    for threads in (1, 64):
        row = memory_added(options, scratch, ["alive", threads, options.thread_seconds])
        rows.append([f"{threads} threads alive", *(round(value / 1024) for value in row)])
        # The main thread is one as well.
        bars.append((f"memory added, {threads} threads", sum(row[:2]), FIXED_BAR_BYTES + (threads + 1) * THREAD_BAR_BYTES))
    row = memory_added(options, scratch, ["short", options.short_threads])
    rows.append([f"{options.short_threads} short threads", *(round(value / 1024) for value in row)])
    bars.append((f"memory added, {options.short_threads} short threads", sum(row[:2]), SHORT_THREADS_BAR_BYTES))
    results.table("memory", ["program", "private KiB", "shared KiB", "VmHWM KiB"], rows)
    for name, value, bar in bars:
        results.figure(name, value / 1024, "KiB", bar / 1024)


def measure_handler(options, results, scratch):
    results.say("Stack: what a sample takes of the thread's stack below its red zone, painted and looked at afterwards")
    target = [str(options.build / "bench/handler_stack"), "0.5"]
    frame = run([*target, "own"]).own["stack_bytes"]
    command, environment = Flarestack(options.build).command(target, 10_000, str(scratch / "stack.flare"))
    sampled = run(command, environment).own["stack_bytes"]
    results.figure("the kernel's signal frame and an empty handler", frame, "bytes")
    results.figure("added by flarestack's handler", sampled - frame, "bytes", HANDLER_BAR_BYTES)


def main():
    parser = argparse.ArgumentParser(prog="bench/run start", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--json", type=pathlib.Path, required=True, help="where the results go")
    parser.add_argument("--quick", action="store_true", help="under a minute: does it work; the figures are worth little")
    options = parser.parse_args()
    settings = (dict(starts=5, child_rounds=1, thread_seconds=0.02, short_threads=1000) if options.quick else
                dict(starts=40, child_rounds=7, thread_seconds=0.3, short_threads=20_000))
    for name, value in settings.items():
        setattr(options, name, value)
    results = Results("start", settings)
    with tempfile.TemporaryDirectory(prefix="flarestack-bench.") as folder:
        scratch = pathlib.Path(folder)
        measure_start(options, results, scratch)
        measure_memory(options, results, scratch)
        measure_handler(options, results, scratch)
    results.finish(options.json)


run_benchmark(main)
