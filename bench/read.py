# SPDX-License-Identifier: Apache-2.0
"""How long a trace takes to become a report or a flame graph, against perf, heaptrack and symbolizers. Started by bench/run read."""
import argparse
import collections
import json
import pathlib
import re
import statistics
import subprocess
import tempfile

import large_program
from harness import BenchError, Results, Timeout, adopt_orphans, need_command, run, run_benchmark
from heap_profilers import output_of

CACHED_BAR_MS = 100
INLINE_BAR = 10
NO_INLINE_BAR = 1
LEAST_DEBUG_BYTES = 200_000_000
MIB = 1 << 20

EXPLAINED = """
How to read it. Times are of whole commands, their output dropped, files in the page cache; the median of the rounds. "cold" is with an
empty symbol cache, "cached" with what a first run left there. perf records the same program with the same arguments, for the same time.
perf shows inline frames only in stacks that it unwinds itself (--call-graph dwarf, 8 KiB of stack a sample), so that its way with inline
frames reads such a recording, of a fiftieth of the time where a million samples are asked for; it runs once, and is stopped after the
time limit: its figure is then at least so much."""


class Reader:
    """flarestack's commands that read a trace."""

    def __init__(self, build):
        self.program = str(build / "flarestack")

    def record(self, trace, target, *options):
        run([self.program, "record", "--quiet", *options, "-o", trace, "--", *target], timeout_s=1800)
        return trace

    def command(self, words, trace, folder):
        output = ["-o", folder / "output"] if words[0] == "flamegraph" else []
        return [self.program, *words, *output, trace]

    def times(self, words, trace, rounds):
        """(cold runs, cached runs)"""
        cold, cached = [], []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(prefix="flarestack-bench.") as folder:
                cache = {"FLARESTACK_CACHE_DIR": folder}
                command = self.command(words, trace, pathlib.Path(folder))
                cold.append(run(command, cache, timeout_s=600))
                cached.append(run(command, cache, timeout_s=600))
        return cold, cached

    def info(self, trace):
        return json.loads(output_of([self.program, "info", "--format", "json", trace]))

    def records(self, trace):
        """The trace record by record, as lines; never all of them at once, since what a process had resident before an exec
        counts as its child's."""
        with subprocess.Popen([self.program, "info", "--records", trace], stdout=subprocess.PIPE, text=True) as process:
            yield from process.stdout
            if process.wait() != 0:
                raise BenchError(f"flarestack info --records {trace}: exit status {process.returncode}")


def middle_s(runs):
    return statistics.median(each.wall_s for each in runs)


def most_mib(runs):
    return max(each.most_resident_bytes for each in runs) / MIB


def timed_or_limit(command, limit_s):
    """(seconds, whether it ended)"""
    try:
        return run(command, timeout_s=limit_s).wall_s, True
    except Timeout:
        return float(limit_s), False


def against_perf(options, results, name, ours, data, unwound, limit_s):
    """`ours`: cold seconds by command. `data`, `unwound`: of perf record, with frame pointers and with --call-graph dwarf."""
    peers = {"flamegraph": ["perf", "script"], "report": ["perf", "report", "--stdio", "-g", "none"]}
    rows = []
    for command, words in peers.items():
        plain = middle_s([run([*words, "--no-inline", "-i", data], timeout_s=1800) for _ in range(options.large_rounds)])
        inline_s, ended = timed_or_limit([*words, "-i", unwound], limit_s)
        rows.append([command, ours[command], plain, inline_s if ended else f"> {inline_s:.0f}"])
        results.figure(f"{name}: perf {words[1]} --no-inline's time / {command}'s, cold", plain / ours[command], "x",
                       ("at least", NO_INLINE_BAR))
        label = f"{name}: perf {words[1]}'s time with inline frames / {command}'s, cold"
        results.figure(label if ended else f"{label} (stopped)", inline_s / ours[command], "x", ("at least", INLINE_BAR))
    results.table(f"{name} perf", ["command", "ours s", "--no-inline s", "inline s"], rows)


def read_all(options, results, reader, name, trace, commands, rounds):
    """Cold seconds by command; prints all of it."""
    rows, ours = [], {}
    for words in commands:
        cold, cached = reader.times(words, trace, rounds)
        ours[words[0]] = middle_s(cold)
        rows.append([" ".join(words), middle_s(cold), middle_s(cached) * 1000, statistics.median(each.cpu_s for each in cached) * 1000,
                     most_mib(cold), most_mib(cached)])
    results.table(name, ["command", "cold s", "cached ms", "cached CPU ms", "cold MiB", "cached MiB"], rows)
    return ours, rows


def count_records(results, reader, name, trace):
    counts = collections.Counter(line.split(" ", 1)[0] for line in reader.records(trace))
    rows = [[kind, counts[kind]] for kind in ("frame", "stack", "sample", "allocation")]
    results.table(f"{name} records", ["record", "count"], rows)
    return counts


def perf_record(scratch, call_graph, hz, target):
    data = scratch / f"perf.{call_graph}"
    run(["perf", "record", "-q", "-e", "cpu-clock", "-F", hz, "--call-graph", call_graph, "-o", data, *target], timeout_s=1800)
    return data


def measure_normal(options, results, reader, scratch, program):
    results.say(f"A normal trace: {options.normal_s} s of two threads at 1 kHz, with the heap, 8 walks through the program")
    target = [program, 2, 8, options.normal_s / 2, 3]
    target = [str(word) for word in target]
    trace = reader.record(scratch / "normal.flare", target)
    count_records(results, reader, "normal", trace)
    ours, rows = read_all(options, results, reader, "normal", trace, [["flamegraph"], ["report"], ["leaks"]], options.rounds)
    for row in rows[:2]:
        results.figure(f"a normal trace, cached: {row[0]}", row[2], "ms", CACHED_BAR_MS)
    against_perf(options, results, "a normal trace", ours, perf_record(scratch, "fp", 1000, target), perf_record(scratch, "dwarf", 1000, target),
                 options.limit_s)
    return trace, ours


def addresses_of(reader, trace, program):
    """Where the frames of the trace lie in the program: the instruction, or the call before a return address."""
    module, offsets = None, set()
    for line in reader.records(trace):
        if line.startswith("module ") and f'"{program}"' in line:
            module = re.search(r" id=(\d+) ", line)[1]
        elif line.startswith("frame ") and f" module={module} " in line:
            offset = int(re.search(r" offset=0x([0-9a-f]+) ", line)[1], 16)
            offsets.add(offset - 1 if " address=return " in line else offset)
    if not offsets:
        raise BenchError(f"{trace}: no frames of {program}")
    return sorted(offsets)


def measure_addresses(options, results, reader, scratch, trace, program, ours):
    """The symbolizers get the addresses of the trace that lie in the program, each once."""
    offsets = addresses_of(reader, trace, program)
    results.say(f"The {len(offsets)} addresses of that trace in the program, resolved by others")
    (scratch / "addresses").write_text("".join(f"{offset:#x}\n" for offset in offsets))
    ways = {"llvm-symbolizer": ["llvm-symbolizer", "--inlining", f"--obj={program}"],
            "eu-addr2line": ["eu-addr2line", "-i", "-f", "-C", "-e", program]}
    rows = [["flarestack flamegraph, whole", ours["flamegraph"]]]
    for name, words in ways.items():
        line = " ".join(map(str, words)) + f" <{scratch / 'addresses'}"
        took_s, ended = timed_or_limit(["bash", "-c", line], options.limit_s)
        rows.append([name, took_s if ended else f"> {took_s:.0f}"])
        results.figure(f"the same addresses: {name}'s time / flamegraph's, cold" + ("" if ended else " (stopped)"),
                       took_s / ours["flamegraph"], "x", ("at least", NO_INLINE_BAR))
    results.table("addresses", ["resolved by", "s"], rows)


def bytes_a_record(results, name, counts, rows):
    records = sum(counts[kind] for kind in ("stack", "sample", "allocation"))
    for row in rows:
        results.figure(f"{name}: memory a stack, sample or allocation record: {row[0]}", row[4] * MIB / records, "bytes")


def measure_samples(options, results, reader, scratch, program):
    results.say(f"{options.samples} samples of two threads at 10 kHz, each on {options.sample_walks} walks through the program")
    hz = 10_000  # so that a million samples need no quarter of an hour
    def target(samples):
        return [str(word) for word in (program, 2, options.sample_walks, samples / hz / 2, 1)]

    trace = reader.record(scratch / "samples.flare", target(options.samples), "--cpu", hz, "--no-heap")
    quality = reader.info(trace)["quality"]
    results.figure("samples in the trace", quality["samples"], "samples")
    counts = count_records(results, reader, "samples", trace)
    ours, rows = read_all(options, results, reader, "samples", trace, [["flamegraph"], ["report"]], options.large_rounds)
    bytes_a_record(results, "samples", counts, rows)
    against_perf(options, results, "samples", ours, perf_record(scratch, "fp", hz, target(options.samples)),
                 perf_record(scratch, "dwarf", hz, target(options.samples / 50)), 3 * options.limit_s)


def measure_paths(options, results, reader, scratch, program):
    results.say("The heap by call path: each of the walks once, its blocks by where they were allocated")
    target = [str(word) for word in (program, 1, options.walks, 0, 0)]
    trace = reader.record(scratch / "paths.flare", target, "--no-cpu")
    counts = count_records(results, reader, "paths", trace)
    results.figure("call paths in the trace", counts["stack"], "stacks")
    ours, rows = read_all(options, results, reader, "paths", trace, [["report"], ["flamegraph"], ["leaks"]], options.large_rounds)
    bytes_a_record(results, "call paths", counts, rows)
    peer = scratch / "heaptrack"
    run(["heaptrack", "-o", peer, *target], timeout_s=1800)
    printed = [run(["heaptrack_print", f"{peer}.zst"], timeout_s=1800) for _ in range(options.large_rounds)]
    results.table("paths heaptrack", ["command", "s", "MiB"], [["heaptrack_print", middle_s(printed), most_mib(printed)]])
    results.figure("call paths: heaptrack_print's time / report's, cold", middle_s(printed) / ours["report"], "x",
                   ("at least", NO_INLINE_BAR))


def main():
    parser = argparse.ArgumentParser(prog="bench/run read", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--json", type=pathlib.Path, required=True, help="where the results go")
    parser.add_argument("--quick", action="store_true", help="a few minutes: does it work; the figures are worth little")
    options = parser.parse_args()
    settings = (dict(units=8, normal_s=4, rounds=1, large_rounds=1, samples=40_000, sample_walks=2_000, walks=4_000, limit_s=20)
                if options.quick else
                dict(units=40, normal_s=20, rounds=3, large_rounds=1, samples=1_000_000, sample_walks=20_000, walks=50_000, limit_s=40))
    for name, value in settings.items():
        setattr(options, name, value)
    for name, package in [("perf", "linux-perf"), ("heaptrack", "heaptrack"), ("llvm-symbolizer", "llvm"), ("eu-addr2line", "elfutils")]:
        need_command(name, package)
    adopt_orphans()
    results = Results("read", settings)
    print(EXPLAINED)
    program = large_program.build(options.build / f"bench/large-{options.units}", options.units)
    debug_bytes = large_program.debug_bytes(program)
    results.say(f"The program: {program.stat().st_size / MIB:.0f} MiB")
    results.figure("its debug information", debug_bytes / 1e6, "MB", None if options.quick else ("at least", LEAST_DEBUG_BYTES / 1e6))
    reader = Reader(options.build)
    with tempfile.TemporaryDirectory(prefix="flarestack-bench.") as folder:
        scratch = pathlib.Path(folder)
        trace, ours = measure_normal(options, results, reader, scratch, program)
        measure_addresses(options, results, reader, scratch, trace, program, ours)
        measure_samples(options, results, reader, scratch, program)
        measure_paths(options, results, reader, scratch, program)
    results.finish(options.json)


run_benchmark(main)
