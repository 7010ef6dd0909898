# SPDX-License-Identifier: Apache-2.0
"""What heap recording costs and tells, against heaptrack, gperftools, jemalloc and valgrind, in one run. Started by bench/run heap."""
import argparse
import os
import pathlib
import random
import statistics
import tempfile

from harness import BenchError, Results, Timeout, median_and_interval, run, run_benchmark
from heap_limits import measure_growth, measure_live_blocks, measure_pairs, measure_scaling, measure_short_threads
from heap_profilers import Bare, flarestacks, peers, slow_peers
from heap_programs import heap_workload, programs
from process_watch import ProcessWatch

RATIO_BAR = 1 / 5
MEDIAN_RATIO_BAR = 1 / 8
WORTH_PERCENT = 10
SAMPLED_BAR_PERCENT = 2
FIXED_BAR_BYTES = 8 << 20
THREAD_BAR_BYTES = 256 << 10
TRACE_BAR = 1 / 5
SLOW_TIMEOUT_S = 60

EXPLAINED = """
How to read it. Runs are interleaved: in each round every profiler runs once, in random order, and so does the bare program; what is
shown is the median over the rounds of the difference to the bare run of the same round. Single-threaded programs are bound to the
last processor, recorders to none. What comes out of the program has to be the same every time.
  exact           record --no-cpu --no-leak-check       exact+cpu   record, as it is typed (CPU at 1 kHz, leaks)
  sampled         record --no-cpu --heap sampled        heaptrack   with its interpreter, as it is typed
  jemalloc        its own profiler, which samples every 512 KiB, and its own allocator
  wall, user+sys  the whole command: the program, its recorder and whatever they start
  target CPU      what the program says of its own at its end, if it is one of ours
  memory          VmHWM, of runs of their own: added to the program; then the peaks of all other processes together, in full
  trace, report   the size of the recording, and how long a first report of it takes: flarestack's with a cold cache, by heaptrack_print
                  (after heaptrack_interpret for --raw)"""


class Recordings:
    """Every profiler on one program, in rounds."""

    def __init__(self, program, profilers, scratch):
        self.program = program
        self.profilers = profilers
        self.scratch = scratch
        self.runs = {profiler.name: [] for profiler in profilers}
        self.sizes = {}
        self.reports = {}  # name -> (seconds, allocations counted)
        self.memory = {}  # name -> (of the program, of all others) in bytes
        self.outcome = None

    def run_one(self, profiler, watch):
        trace = str(self.scratch / "trace")
        command, environment = profiler.command(self.program.command, trace)
        # The program's own variables are the recorder's as well: they concern python3 alone.
        cpu = self.program.cpu if self.program.tells_itself else None
        done = run(command, {**self.program.environment, **environment}, cpu=cpu, watch=watch)
        outcome = self.program.outcome(done)
        self.outcome = self.outcome or outcome
        if outcome != self.outcome:
            raise BenchError(f"{self.program.name} does something else with {profiler.name}: {outcome}, not {self.outcome}")
        return done, trace

    def drop(self, profiler, trace):
        for path in profiler.files(trace):
            os.unlink(path)

    def round(self):
        for profiler in random.sample(self.profilers, len(self.profilers)):
            binds = self.program.cpu is not None and not self.program.tells_itself
            done, trace = self.run_one(profiler, ProcessWatch(self.program.command[0], self.program.cpu) if binds else None)
            self.runs[profiler.name].append(done)
            if profiler.name != "bare":
                self.sizes[profiler.name] = sum(os.path.getsize(path) for path in profiler.files(trace))
                if profiler.name not in self.reports:
                    self.reports[profiler.name] = profiler.first_report(trace)
            self.drop(profiler, trace)

    def weigh(self):
        for profiler in self.profilers:
            watch = ProcessWatch(self.program.command[0], self.program.cpu, for_memory=True)
            done, trace = self.run_one(profiler, watch)
            self.memory[profiler.name] = (max(watch.peak_of_program(), done.own.get("VmHWM", 0)), watch.peak_of_others())
            self.drop(profiler, trace)

    def memory_added(self, name):
        return self.memory[name][0] - self.memory["bare"][0]

    def counted(self):
        """The ground truth: by a library that does nothing but count."""
        path = self.scratch / "count"
        path.write_bytes(bytes(8))
        library = self.profilers[0].counter
        run(self.program.command, {**self.program.environment, "LD_PRELOAD": library, "ALLOCATION_COUNT": str(path)})
        return int.from_bytes(path.read_bytes(), "little")

    def added(self, name, value):
        return [value(with_it) - value(bare) for with_it, bare in zip(self.runs[name], self.runs["bare"])]

    def added_s(self, name, value):
        return statistics.median(self.added(name, value))

    def added_percent(self, name, value):
        bare = statistics.median(value(bare) for bare in self.runs["bare"])
        return [100 * added / bare for added in self.added(name, value)]

    def ratio(self, name, peer):
        """Of the time added: the greater of wall and user+sys, and its 95 % interval (bootstrap over the rounds)."""
        rounds = range(len(self.runs["bare"]))

        def of(chosen):
            ratios = []
            for value in (WALL, CPU):
                ours, theirs = self.added(name, value), self.added(peer, value)
                ratios.append(statistics.median(ours[i] for i in chosen) / max(statistics.median(theirs[i] for i in chosen), 1e-3))
            return max(ratios)

        draw = random.Random(1)
        drawn = sorted(of(draw.choices(rounds, k=len(rounds))) for _ in range(1000))
        return of(rounds), (drawn[25], drawn[974])

    def row(self, name):
        own = [lambda r: r.own_cpu_s] if self.program.tells_itself else []
        report_s, _ = self.reports[name]
        return [self.program.name, name, round(self.added_s(name, WALL), 3), round(statistics.median(self.added_percent(name, WALL)), 1),
                round(self.added_s(name, CPU), 3), round(statistics.median(self.added_percent(name, CPU)), 1),
                *([round(statistics.median(self.added_percent(name, value)), 1) for value in own] or [None]),
                round(self.memory_added(name) / 1024), round(self.memory[name][1] / 1024), round(self.sizes[name] / 1000, 1),
                None if report_s is None else round(report_s, 3)]


def WALL(run_):
    return run_.wall_s


def CPU(run_):
    return run_.cpu_s


ROW = ["program", "profiler", "wall +s", "wall +%", "user+sys +s", "user+sys +%", "target CPU +%", "memory +KiB", "others KiB", "trace kB",
       "report s"]


def measure_recordings(options, results, scratch):
    profilers = [Bare(options.build), *flarestacks(options.build), *peers(options.quick)]
    results.say("Time, memory and size" + EXPLAINED)
    every = []
    for program in programs(options.build, scratch, options.part):
        if options.only and not any(word in program.name for word in options.only):
            continue
        recordings = Recordings(program, profilers, scratch)
        for _ in range(options.rounds):
            recordings.round()
        recordings.weigh()
        bare = recordings.runs["bare"]
        results.say(f"{program.name}: bare {statistics.median(map(WALL, bare)):.2f} s, {statistics.median(map(CPU, bare)):.2f} s of CPU time, "
                    f"{recordings.memory['bare'][0] / 1024:.0f} KiB")
        results.table("recordings", ROW, [recordings.row(profiler.name) for profiler in profilers[1:]])
        every.append(recordings)
    return every


def show_counts(every, results):
    results.say("Allocations counted: by a library that does nothing else, by the program itself of those it makes on purpose,\n"
                "by heaptrack and flarestack. cc1plus makes a few more or less at every run; heaptrack brings the C++ library, which\n"
                "allocates once, into programs that are without it")
    rows = []
    differences = []
    for recordings in every:
        truth = recordings.counted()
        own = recordings.runs["bare"][0].own.get("allocations")
        counts = [recordings.reports[name][1] for name in ("heaptrack", "exact")]
        rows.append([recordings.program.name, truth, None if own is None else int(own), *counts, counts[1] - truth])
        differences.append((recordings.program, abs(counts[1] - truth)))
    results.table("allocations", ["program", "counted", "own", "heaptrack", "exact", "exact - counted"], rows)
    for program, difference in differences:
        results.figure(f"{program.name}: allocations counted wrong", difference, "blocks", program.count_varies_by)


def show_bars(options, every, results):
    results.say("Time added by exact recording, in times of what heaptrack adds: the greater of wall and user+sys\n"
                "(of the medians, and its 95 % confidence interval); trace sizes")
    ratios = []
    for recordings in every:
        name = recordings.program.name
        theirs = max(statistics.median(recordings.added_percent("heaptrack", value)) for value in (WALL, CPU))
        worth = theirs >= WORTH_PERCENT
        ratio, interval = recordings.ratio("exact", "heaptrack")
        results.figure(f"{name}: time added / heaptrack's (its: {theirs:.0f} %)", ratio, "x", RATIO_BAR if worth else None, interval)
        ratios += [ratio] if worth else []
        ratio, interval = recordings.ratio("exact", "heaptrack --raw")
        results.figure(f"{name}: time added / heaptrack --raw's", ratio, "x", None, interval)
    if ratios:
        results.figure(f"median of {len(ratios)} programs: time added / heaptrack's", statistics.median(ratios), "x",
                       None if options.only else MEDIAN_RATIO_BAR)
    for recordings in every:
        results.figure(f"{recordings.program.name}: trace / heaptrack's", recordings.sizes["exact"] / recordings.sizes["heaptrack"], "x", TRACE_BAR)
    for recordings in every:
        for name in ("exact", "exact+cpu"):
            results.figure(f"{recordings.program.name}: memory added to the program, {name}", recordings.memory_added(name) / 1024, "KiB",
                           (FIXED_BAR_BYTES + recordings.program.threads * THREAD_BAR_BYTES) / 1024)


def show_sampled(options, every, results, scratch):
    """The start has a bar of its own in bench/run start, and is taken off here: these programs run for a second."""
    target = heap_workload(options.build, "pairs", 1)
    sampled = flarestacks(options.build)[2]
    starts = {WALL: [], CPU: []}
    for _ in range(options.starts):
        bare = run(target)
        with_us = run(sampled.command(target, str(scratch / "start"))[0])
        for value, added in starts.items():
            added.append(value(with_us) - value(bare))
    results.say("Sampled recording, time added without that of starting it")
    for what, value in (("wall", WALL), ("user+sys", CPU)):
        start_s = statistics.median(starts[value])
        results.figure(f"starting and ending it: {what}", 1000 * start_s, "ms")
        for recordings in every:
            bare_s = statistics.median(map(value, recordings.runs["bare"]))
            percents = [100 * (added - start_s) / bare_s for added in recordings.added("sampled", value)]
            median, low, high = median_and_interval(percents)
            results.figure(f"{recordings.program.name}: sampled, {what} added", median, "%", SAMPLED_BAR_PERCENT, (low, high))


def measure_slow(options, results, scratch):
    results.say("Much slower ones, and flarestack, once, on a tenth of the work: times as long as the bare program.\n"
                "gperftools and jemalloc record each allocation here")
    profilers = [flarestacks(options.build)[0], *slow_peers()]
    rows = []
    for program in programs(options.build, scratch, options.part / 10):
        bare_s = run(program.command, program.environment, cpu=program.cpu).wall_s
        row = [program.name, round(bare_s, 3)]
        for profiler in profilers:
            trace = str(scratch / "slow")
            command, environment = profiler.command(program.command, trace)
            try:
                row.append(round(run(command, {**program.environment, **environment}, timeout_s=SLOW_TIMEOUT_S).wall_s / bare_s, 1))
            except Timeout:
                row.append(f">{SLOW_TIMEOUT_S / bare_s:.0f}")
            for path in profiler.files(trace):
                os.unlink(path)
        rows.append(row)
    results.table("slow", ["program", "bare s", *(f"{profiler.name} x" for profiler in profilers)], rows)


def main():
    parser = argparse.ArgumentParser(prog="bench/run heap", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--json", type=pathlib.Path, required=True, help="where the results go")
    parser.add_argument("--quick", action="store_true", help="a few minutes: does it work; the figures are worth little")
    parser.add_argument("--only", action="append", help="only programs with this in their name, and nothing else; may be repeated")
    options = parser.parse_args()
    settings = (dict(part=1 / 3, rounds=2, starts=3, pairs=1_000_000, pair_rounds=2, scaling_rounds=1, scaling_count=500_000,
                     live_blocks=[250_000, 500_000, 1_000_000], live_bytes=[32], short_threads=1000)
                if options.quick else
                dict(part=1, rounds=7, starts=20, pairs=5_000_000, pair_rounds=7, scaling_rounds=5, scaling_count=2_000_000,
                     live_blocks=[1_000_000, 2_000_000, 4_000_000], live_bytes=[32, 100, 1000], short_threads=100_000))
    for name, value in settings.items():
        setattr(options, name, value)
    results = Results("heap", settings)
    with tempfile.TemporaryDirectory(prefix="flarestack-bench.") as folder:
        scratch = pathlib.Path(folder)
        every = measure_recordings(options, results, scratch)
        show_bars(options, every, results)
        show_sampled(options, every, results, scratch)
        show_counts(every, results)
        if not options.only:
            measure_pairs(options, results, scratch)
            measure_scaling(options, results, scratch)
            measure_growth(options, results, scratch)
            measure_short_threads(options, results, scratch)
            measure_live_blocks(options, results, scratch)
        if not options.only and not options.quick:
            measure_slow(options, results, scratch)
    results.finish(options.json)


run_benchmark(main)
