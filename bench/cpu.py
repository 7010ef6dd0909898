# SPDX-License-Identifier: Apache-2.0
"""What CPU sampling costs and yields, against perf and gperftools, in one run. Started by bench/run cpu."""
import argparse
import os
import pathlib
import random
import statistics
import subprocess
import tempfile

from harness import BenchError, Results, Timeout, median_and_interval, run, run_benchmark
from profilers import Bare, all_profilers, check_rates

ADDED_BAR_PERCENT = 1
GOT_BAR_PERCENT = 99
CACHED_BAR_MS = 100
TIMES_FASTER_BAR = 10

EXPLAINED = """
How to read it. Runs are interleaved: in each round every profiler at every rate runs once, in random order, and so does the
bare program; what is shown is the median over the rounds of the difference to the bare run of the same round.
  target wall, target CPU   what the program says of itself at the end of main(): time and rusage
  all wall, all CPU         the whole command, the recorder included
  us/sample                 CPU time added to the target by each sample: meaningful at 10 kHz, noise at 100 Hz
  got                       the profile's weight / (target CPU seconds x Hz), over all rounds. perf samples the kernel as well;
                            flarestack shows the kernel's time as such, from the process's CPU clock; gperftools is limited to the
                            kernel's own tick. Above 100: the program's end, after its own account
  ticks                     of that what a timer's tick tells of: a sample, or (flarestack) a count while the thread was in the
                            kernel. What is missing here is the start and end of threads
Single-threaded programs are bound to the last processor, recorders to none."""


class Workload:
    def __init__(self, name, command, threads=1):
        self.name = name
        self.command = command
        self.cpu = os.cpu_count() - 1 if threads == 1 else None


def workloads(options, seconds):
    program = str(options.build / "bench/cpu_workload")
    script = str(pathlib.Path(__file__).with_suffix("").parent / "cpu_workload.py")
    # The interpreter itself: `python3` may be a shell script that looks for it.
    python = subprocess.run(["python3", "-c", "import sys; print(sys.executable)"], capture_output=True, text=True,
                            check=True).stdout.strip()
    steps_per_s = calibrated([program, "calibrate"])
    rounds_per_s = calibrated([python, script, "calibrate"])
    steps = round(steps_per_s * seconds)
    return [
        Workload("deep C++ stacks", [program, "deep", str(steps)]),
        Workload("8 threads", [program, "threads", str(steps)], threads=8),
        Workload("python3", [python, script, str(max(1, round(rounds_per_s * seconds)))]),
        Workload("threads of 1 ms", [program, "storm", str(steps), str(round(seconds * 1000))], threads=2),
    ]


def calibrated(command):
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)


class Samplings:
    """Every profiler at every rate on one workload, in rounds."""

    def __init__(self, workload, profilers, scratch):
        self.workload = workload
        self.profilers = profilers
        self.scratch = scratch
        self.runs = {}  # (profiler name, hz) -> one Run a round; what a round did not do is None
        self.bare = []
        self.got = {}  # (profiler name, hz) -> (Got, samples asked) of each run
        self.sizes = {}

    def run_one(self, profiler, hz):
        trace = str(self.scratch / f"trace{profiler.trace_suffix}")
        command, environment = profiler.command(self.workload.command, hz, trace)
        done = run(command, environment, cpu=self.workload.cpu)
        if profiler.trace_suffix is not None:
            self.got.setdefault((profiler.name, hz), []).append((profiler.got(trace, done, hz), done.own_cpu_s * hz))
            self.sizes.setdefault((profiler.name, hz), []).append(os.path.getsize(trace))
            os.unlink(trace)
        return done

    def round(self, choices, shuffler):
        order = [(Bare(), 0)] + choices
        shuffler.shuffle(order)
        done = {(profiler.name, hz): self.run_one(profiler, hz) for profiler, hz in order}
        self.bare.append(done.pop(("bare", 0)))
        for key in set(self.runs) | set(done):
            runs = self.runs.setdefault(key, [])
            runs += [None] * (len(self.bare) - 1 - len(runs)) + [done.get(key)]

    def added(self, key, value):
        """Of each round that ran it: (value with - value bare, value bare)."""
        pairs = [(run_, bare) for run_, bare in zip(self.runs[key], self.bare) if run_ is not None]
        return [(value(run_) - value(bare), value(bare)) for run_, bare in pairs]

    def added_percent(self, key, value):
        return [100 * added / bare for added, bare in self.added(key, value)]

    def got_percent(self, key, value):
        return 100 * sum(value(got) for got, _ in self.got[key]) / sum(asked for _, asked in self.got[key])

    def row(self, key):
        samples_a_run = statistics.mean(got.samples for got, _ in self.got[key])
        cpu_added_s = statistics.median(added for added, _ in self.added(key, lambda run_: run_.own_cpu_s))
        return ([self.workload.name, key[0], key[1]] +
                [round(statistics.median(self.added_percent(key, value)), 2)
                 for value in (lambda r: r.own["wall_s"], lambda r: r.own_cpu_s, lambda r: r.wall_s, lambda r: r.cpu_s)] +
                [round(1e6 * cpu_added_s / samples_a_run, 1) if samples_a_run else None,
                 round(self.got_percent(key, lambda got: got.weight), 1),
                 round(self.got_percent(key, lambda got: got.samples + got.kernel_ticks), 1),
                 round(statistics.median(self.sizes[key]) / 1000, 1)])


ROW = ["program", "profiler", "Hz", "target wall +%", "target CPU +%", "all wall +%", "all CPU +%", "us/sample", "got %", "ticks %",
       "trace kB"]


def measure_samplings(options, results, scratch):
    profilers = all_profilers(options.build)
    check_rates(options.rates)
    choices = [(profiler, hz) for profiler in profilers for hz in options.rates]
    shuffler = random.Random()
    results.say("Time added, samples got, size of the trace" + EXPLAINED)
    every = []
    for workload in workloads(options, options.seconds):
        samplings = Samplings(workload, profilers, scratch)
        for _ in range(options.rounds):
            samplings.round(choices, shuffler)
        # More pairs of the one comparison that has a bar.
        for _ in range(options.pairs):
            samplings.round([(profilers[0], 1000)], shuffler)
        bare_s = statistics.median(run_.own_cpu_s for run_ in samplings.bare)
        results.say(f"{workload.name}: bare {bare_s:.2f} s of CPU time")
        results.table("samplings", ROW, [samplings.row((profiler.name, hz)) for profiler, hz in choices])
        every.append(samplings)
    results.say("Bars at 1 kHz, by A/B: median of the pairs and its 95 % confidence interval")
    for samplings in every:
        show_bars(samplings, results)


def show_bars(samplings, results):
    key = ("flarestack", 1000)
    for what, value in (("target wall", lambda r: r.own["wall_s"]), ("target CPU", lambda r: r.own_cpu_s),
                        ("all wall", lambda r: r.wall_s), ("all CPU", lambda r: r.cpu_s)):
        percents = samplings.added_percent(key, value)
        median, low, high = median_and_interval(percents)
        bar = ADDED_BAR_PERCENT if what.startswith("target") else None
        results.figure(f"{samplings.workload.name}: {what} added, {len(percents)} pairs", median, "%", bar, (low, high))
    results.figure(f"{samplings.workload.name}: samples got of asked", samplings.got_percent(key, lambda got: got.weight), "%",
                   ("at least", GOT_BAR_PERCENT))


GAPS_EXPLAINED = """
Nanoseconds per sample, seen from inside the target: a loop that does nothing but read the time stamp counter, at 20 to 40
frames that change all the time, sees each interruption as a gap, from the timer's interrupt to the return from the handler. Medians.
The first rows are the machine's price, whoever the profiler is:
  timer only   an event such as flarestack and perf use, which fires and tells nobody
  + signal     the same with an I/O signal whose handler returns at once
  + trap       the same with perf's own SIGTRAP instead, which flarestack takes where it is to be had (Linux 6.15)
  warm         at 10 kHz (gperftools: as often as it gets), the caches hold the handler and its data
  cold         at 1 kHz, two megabytes of other memory are walked through between two looks at the clock"""


def measure_gaps(options, results, scratch):
    flarestack, perf, perf_dwarf, gperftools = all_profilers(options.build)
    program = str(options.build / "bench/sample_gaps")
    # As flarestack itself chooses: SIGTRAP from the event where the kernel sends it well, else an I/O signal.
    release = tuple(int(number) for number in os.uname().release.split("-")[0].split(".")[:2])
    cheapest = "+ trap" if release >= (6, 15) else "+ signal"
    kinds = [("timer only", Bare(), "timer"), ("+ signal", Bare(), "signal")]
    kinds += [("+ trap", Bare(), "trap")] if cheapest == "+ trap" else []
    kinds += [
        ("flarestack", flarestack, "none"), ("perf -g", perf, "none"), ("perf dwarf", perf_dwarf, "none"),
        ("gperftools", gperftools, "none")]
    order = [(*kind, heat, hz) for kind in kinds for heat, hz in (("warm", 10_000), ("cold", 1000))] * options.gap_rounds
    random.Random().shuffle(order)
    gaps = {}
    for name, profiler, own_event, heat, hz in order:
        trace = str(scratch / "gaps.trace")
        command, environment = profiler.command([program, str(options.gap_seconds), heat, own_event, str(10**9 // hz)], hz, trace)
        own = run(command, environment, cpu=os.cpu_count() - 1).own
        by_signal = own_event in ("signal", "trap") or profiler.name in ("flarestack", "gperftools")
        seen = own["signals" if by_signal else "others"]
        # gperftools is called at the kernel's tick, 100 to 1000 a second.
        if seen < own["watched_s"] * min(hz, 100 if profiler.name == "gperftools" else hz) / 5:
            raise BenchError(f"{name}: {seen} samples seen in {own['watched_s']} s at {hz} Hz")
        gaps.setdefault((name, heat), []).append(own["signals_median_ns" if by_signal else "others_median_ns"])
    medians = {key: statistics.median(values) for key, values in gaps.items()}
    results.say("What one sample costs the target" + GAPS_EXPLAINED)
    results.table("ns_per_sample", ["profiler", "warm ns", "cold ns"],
                  [[name, round(medians[name, "warm"]), round(medians[name, "cold"])] for name, _, _ in kinds])
    for heat in ("warm", "cold"):
        sample_ns = medians["flarestack", heat]
        results.figure(f"added at 1 kHz: ns per sample x 1000, {heat}", sample_ns * 1000 / 1e7, "%", ADDED_BAR_PERCENT)
        results.figure(f"  of that the machine's interrupt and signal, {heat}", medians[cheapest, heat] * 1000 / 1e7, "%")
        results.figure(f"  of that flarestack's handler and ring, {heat}", (sample_ns - medians[cheapest, heat]) * 1000 / 1e7, "%")


READING_EXPLAINED = """
From the trace to a flame graph, of runs of different length at 1 kHz. Of perf only `perf script` is timed, not the folding and drawing of what it
prints; flarestack writes the finished SVG. cold: its cache of symbols is empty. A `>` says that it was stopped there.
With inline frames it is compared to `perf script` of DWARF stacks: in those of `-g` perf 6.1 shows none."""


def measure_reading(options, results, scratch):
    flarestack, perf, perf_dwarf, _ = all_profilers(options.build)
    results.say("Reading a trace" + READING_EXPLAINED)
    rows = []
    lengths = {}
    for seconds in options.read_seconds:
        lengths.update({each: seconds for each in workloads(options, seconds) if each.name in ("deep C++ stacks", "python3")})
    for workload, seconds in lengths.items():
        name = f"{workload.name}, {seconds} s"
        traces = {}
        for profiler in (flarestack, perf, perf_dwarf):
            traces[profiler.name] = str(scratch / f"read{len(rows)}.{profiler.name.replace(' ', '')}")
            command, environment = profiler.command(workload.command, 1000, traces[profiler.name])
            run(command, environment, cpu=workload.cpu)
        times = read_with_flarestack(flarestack, traces["flarestack"], scratch, options)
        for stacks in ("perf -g", "perf dwarf"):
            for reader in ("script", "script --no-inline", "report --stdio"):
                times[f"{stacks}: {reader}"] = timed([perf.program, *reader.split(), "-i", traces[stacks]], options.read_timeout_s)
        rows += [[name, reader, (">" if stopped else "") + f"{1000 * wall_s:.0f}"] for reader, (wall_s, stopped) in times.items()]
        show_reading(name, times, results)
    results.table("reading", ["program", "reader", "ms"], rows)


def timed(command, timeout_s, environment=None):
    """(seconds, whether it was stopped then)"""
    try:
        return run(command, environment, timeout_s=timeout_s).wall_s, False
    except Timeout:
        return timeout_s, True


def read_with_flarestack(flarestack, trace, scratch, options):
    times = {"cold": [], "cached": []}
    for _ in range(options.reads):
        with tempfile.TemporaryDirectory(dir=scratch) as cache:
            command = [flarestack.program, "flamegraph", trace, "-o", str(scratch / "read.svg")]
            for heat in times:
                times[heat].append(run(command, {"FLARESTACK_CACHE_DIR": cache}).wall_s)
    return {f"flarestack flamegraph, {heat}": (statistics.median(values), False) for heat, values in times.items()}


def show_reading(name, times, results):
    cold_s = times["flarestack flamegraph, cold"][0]
    inline_s, stopped = times["perf dwarf: script"]
    results.figure(f"{name}: times faster, cold, than perf script with inline frames" + (" (stopped: at least)" if stopped else ""),
                   inline_s / cold_s, "x", ("at least", TIMES_FASTER_BAR))
    results.figure(f"{name}: times faster, cold, than perf script --no-inline", times["perf -g: script --no-inline"][0] / cold_s, "x",
                   ("at least", 1))
    results.figure(f"{name}: flame graph, cached", 1000 * times["flarestack flamegraph, cached"][0], "ms", CACHED_BAR_MS)


def main():
    parser = argparse.ArgumentParser(prog="bench/run cpu", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--json", type=pathlib.Path, required=True, help="where the results go")
    parser.add_argument("--quick", action="store_true", help="under a minute: does it work; the figures are worth little")
    options = parser.parse_args()
    settings = (dict(seconds=0.4, rounds=1, pairs=1, rates=[1000], gap_rounds=1, gap_seconds=0.3, reads=1, read_seconds=[0.4], read_timeout_s=5)
                if options.quick else
                dict(seconds=2, rounds=2, pairs=10, rates=[100, 1000, 10_000], gap_rounds=2, gap_seconds=1, reads=5, read_seconds=[2, 10], read_timeout_s=40))
    for name, value in settings.items():
        setattr(options, name, value)
    results = Results("cpu", settings)
    with tempfile.TemporaryDirectory(prefix="flarestack-bench.") as folder:
        scratch = pathlib.Path(folder)
        measure_gaps(options, results, scratch)
        measure_samplings(options, results, scratch)
        measure_reading(options, results, scratch)
    results.finish(options.json)


run_benchmark(main)
