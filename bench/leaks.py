# SPDX-License-Identifier: Apache-2.0
"""What a leak verdict costs, against memcheck and LeakSanitizer, and how long a program stops for it. Started by bench/run leaks."""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

from harness import BenchError, Results, Timeout, need_command, run, run_benchmark
from heap_profilers import Bare, Valgrind, output_of
from heap_programs import programs

PAUSE_BAR_MS = 1000
PAUSE_BAR_MIB = 1024
RATIO_BAR = 10
BLOCK_BYTES = 128  # what is asked for; with its header a block takes 144
MEMCHECK = ["--leak-check=full", "--show-leak-kinds=all", "--leak-check-heuristics=all", "--log-file={trace}"]

EXPLAINED = """
How to read it. Runs are interleaved: in each round every checker runs once, in random order, and so does the bare program; what is
shown is the median over the rounds of the whole command. Single-threaded programs are bound to the last processor, recorders to none.
  flarestack   record --no-cpu, and then leaks, with what it needs of symbols cached but at the first time
  memcheck     --leak-check=full, all kinds and heuristics
  lsan         GCC's LeakSanitizer, preloaded: what -fsanitize=leak links, for programs that cannot be built anew as well"""


class Flarestack:
    name = "flarestack"

    def __init__(self, build):
        self.program = str(build / "flarestack")

    def command(self, target, trace):
        return [self.program, "record", "--quiet", "--no-cpu", "-o", trace, "--", *target], {}

    def files(self, trace):
        return [trace]

    def report(self, trace):
        """(seconds, the document)"""
        start_s = time.perf_counter()
        text = output_of([self.program, "leaks", "--format", "json", "--top", "0", trace])
        return time.perf_counter() - start_s, json.loads(text)


class Memcheck(Valgrind):
    def __init__(self):
        super().__init__("memcheck", MEMCHECK)
        self.name = "memcheck"


class LeakSanitizer:
    name = "lsan"

    def __init__(self):
        need_command("gcc", "gcc")
        self.library = os.path.realpath(subprocess.run(["gcc", "-print-file-name=liblsan.so"], capture_output=True, text=True, check=True).stdout.strip())
        if not os.path.exists(self.library):
            raise BenchError("liblsan.so is not there; try: apt-get install libgcc-12-dev")

    def command(self, target, trace):
        return target, {"LD_PRELOAD": self.library, "LSAN_OPTIONS": f"exitcode=0:log_path={trace}"}

    def files(self, trace):
        folder = pathlib.Path(trace).parent
        return [str(path) for path in folder.glob(pathlib.Path(trace).name + ".*")]


class Comparison:
    """One program with every checker."""

    def __init__(self, program, checkers, scratch, timeout_s):
        self.program, self.checkers, self.scratch, self.timeout_s = program, checkers, scratch, timeout_s
        self.seconds = {checker.name: [] for checker in checkers}
        self.given_up = {}  # name -> why
        self.outcome = None

    def round(self):
        for checker in random.sample(self.checkers, len(self.checkers)):
            if checker.name in self.given_up:
                continue
            trace = str(self.scratch / "trace")
            command, environment = checker.command(self.program.command, trace)
            cpu = self.program.cpu if self.program.tells_itself else None
            try:
                done = run(command, {**self.program.environment, **environment}, cpu=cpu, timeout_s=self.timeout_s)
            except Timeout:
                self.given_up[checker.name] = f">{self.timeout_s}"
                self.seconds[checker.name] = [self.timeout_s]
                continue
            except BenchError:
                if not isinstance(checker, LeakSanitizer):
                    raise
                self.given_up[checker.name] = "crashes"  # preloaded, it does so in some programs as they start
                continue
            outcome = self.program.outcome(done)
            if isinstance(checker, Memcheck):  # its long doubles have 64 bits: SQLite rounds otherwise
                outcome = self.outcome
            self.outcome = self.outcome or outcome
            if outcome != self.outcome:
                raise BenchError(f"{self.program.name} does something else with {checker.name}: {outcome}, not {self.outcome}")
            report_s = checker.report(trace)[0] if isinstance(checker, Flarestack) else 0
            self.seconds[checker.name].append(done.wall_s + report_s)
            for path in checker.files(trace):
                os.unlink(path)

    def median(self, name):
        return statistics.median(self.seconds[name])

    def cells(self):
        """A row of the table: seconds, then times the bare program's."""
        names = [checker.name for checker in self.checkers]
        bare_s = self.median("bare")
        yield self.program.name
        for name in names:
            yield self.given_up.get(name) or round(self.median(name), 3)
        for name in names[1:]:
            yield None if name in self.given_up else f"{self.median(name) / bare_s:.1f}"

    def ratio(self):
        """memcheck's time in times of ours, and its 95 % interval (bootstrap over the rounds)."""
        draw = random.Random(1)
        ours, theirs = self.seconds["flarestack"], self.seconds["memcheck"]

        def of():
            return statistics.median(draw.choices(theirs, k=len(theirs))) / statistics.median(draw.choices(ours, k=len(ours)))

        drawn = sorted(of() for _ in range(1000))
        return self.median("memcheck") / self.median("flarestack"), (drawn[25], drawn[974])


def measure_programs(options, results, scratch, checkers):
    results.say("Whole runs" + EXPLAINED)
    for program in programs(options.build, scratch, options.part):
        if options.only and not any(word in program.name for word in options.only):
            continue
        comparison = Comparison(program, checkers, scratch, options.timeout_s)
        for _ in range(options.rounds):
            comparison.round()
        header = ["program", *(f"{checker.name} s" for checker in checkers), *(f"{checker.name} x" for checker in checkers[1:])]
        results.table("programs", header, [list(comparison.cells())])
        ratio, interval = comparison.ratio()
        results.figure(f"{program.name}: memcheck's time / ours", ratio, "x", ("at least", RATIO_BAR), interval)


def scan(options, checker, shape, mib, scratch):
    """(wall seconds, of which the pause in ms, check, report) of one program of so much live heap; its verdicts are right."""
    blocks = (mib << 20) // BLOCK_BYTES
    trace = str(scratch / "scan")
    target = [str(options.build / "bench/leak_workload"), shape, str(blocks), str(BLOCK_BYTES)]
    done = run(checker.command(target, trace)[0], timeout_s=options.timeout_s)
    _, report = checker.report(trace)
    os.unlink(trace)
    check = report["checks"][0]
    if check.get("problem"):
        raise BenchError(f"{' '.join(target)}: the check was not complete: {check['problem']}")
    found = {kind: report["summary"][f"{kind}ly_lost"]["blocks"] for kind in ("definite", "indirect")}
    if any(found[kind] != done.own[kind] for kind in found):
        raise BenchError(f"{' '.join(target)}: {found} blocks lost by the report, and by the program {done.own}")
    return done.wall_s, check["pause_ns"] / 1e6


def measure_pauses(options, results, scratch):
    results.say(f"Pause for the verdict at the program's end, against live heap in blocks of {BLOCK_BYTES} bytes: the median of {options.scan_rounds}.\n"
                "Every thousandth or so is lost, and that is what the report has to say. tree: nodes in no order; map: std::map; table: an array")
    checker = Flarestack(options.build)
    for mib in options.sizes_mib:
        rows = []
        for shape in ("tree", "map", "table"):
            scans = [scan(options, checker, shape, mib, scratch) for _ in range(options.scan_rounds)]
            pause_ms = statistics.median(pause for _, pause in scans)
            blocks = (mib << 20) // BLOCK_BYTES
            rows.append([mib, shape, blocks, round(pause_ms, 1), round(1e6 * pause_ms / blocks, 1), round(statistics.median(wall for wall, _ in scans), 2)])
        results.table("pauses", ["MiB", "shape", "blocks", "pause ms", "ns a block", "whole run s"], rows)
        if mib == PAUSE_BAR_MIB:
            for row in rows:
                results.figure(f"{mib} MiB in {row[2]} blocks, {row[1]}: pause", row[3], "ms", PAUSE_BAR_MS)


def measure_large(options, results, scratch, checkers):
    mib = options.large_mib
    results.say(f"Whole runs with {mib} MiB of live heap, once each")
    target = [str(options.build / "bench/leak_workload"), "tree", str((mib << 20) // BLOCK_BYTES), str(BLOCK_BYTES)]
    seconds = {}
    for checker in checkers:
        trace = str(scratch / "large")
        command, environment = checker.command(target, trace)
        seconds[checker.name] = run(command, environment, timeout_s=600).wall_s
        if isinstance(checker, Flarestack):
            seconds[checker.name] += checker.report(trace)[0]
        for path in checker.files(trace):
            os.unlink(path)
    results.table("large", ["MiB", *(f"{name} s" for name in seconds)], [[mib, *(round(value, 2) for value in seconds.values())]])
    results.figure(f"{mib} MiB: memcheck's time / ours", seconds["memcheck"] / seconds["flarestack"], "x", ("at least", RATIO_BAR))


def main():
    parser = argparse.ArgumentParser(prog="bench/run leaks", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--json", type=pathlib.Path, required=True, help="where the results go")
    parser.add_argument("--quick", action="store_true", help="a minute or two: does it work; the figures are worth little")
    parser.add_argument("--only", action="append", help="only programs with this in their name, and nothing else; may be repeated")
    options = parser.parse_args()
    settings = (dict(part=1 / 20, rounds=1, timeout_s=60, scan_rounds=1, sizes_mib=[1, 16, 128], large_mib=64)
                if options.quick else
                dict(part=1 / 6, rounds=3, timeout_s=300, scan_rounds=5, sizes_mib=[1, 4, 16, 64, 256, 1024, 2048], large_mib=1024))
    for name, value in settings.items():
        setattr(options, name, value)
    results = Results("leaks", settings)
    with tempfile.TemporaryDirectory(prefix="flarestack-bench.") as folder:
        scratch = pathlib.Path(folder)
        checkers = [Bare(options.build), Flarestack(options.build), Memcheck(), LeakSanitizer()]
        measure_programs(options, results, scratch, checkers)
        if not options.only:
            measure_pauses(options, results, scratch)
            measure_large(options, results, scratch, checkers)
    results.finish(options.json)


run_benchmark(main)
