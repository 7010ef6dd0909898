# SPDX-License-Identifier: Apache-2.0
"""How long a process stands still when it is attached to, what it costs while it is attached, and what is left of that after
detaching. Started by bench/run attach."""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

from harness import BenchError, Results, median_and_interval, run_benchmark

PAUSE_BAR_MS = 5
SPEED_BAR = 0.98
OVERHEAD_BAR = 0.95

EXPLAINED = """
Pauses, of so many attaches: to a program each time anew, which has the agent mapped as well, and to one again and again.
  all threads   from the moment that the first of them was stopped to the moment that all went on
  one thread    while the agent is mapped, and asks for its session and its hooks; the others run"""


class Target:
    def __init__(self, build, threads, recorder=()):
        self.process = subprocess.Popen([*recorder, str(build / "bench/attach_workload"), str(threads)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def counts(self):
        """(rounds, seconds of CPU time)"""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        rounds, cpu_ns = self.process.stdout.readline().split()
        return int(rounds), int(cpu_ns) / 1e9

    def rounds_per_s(self, seconds):
        start_s, (before, _) = time.perf_counter(), self.counts()
        time.sleep(seconds)
        return (self.counts()[0] - before) / (time.perf_counter() - start_s)

    def rounds_per_cpu_s(self, seconds):
        before, before_s = self.counts()
        time.sleep(seconds)
        after, after_s = self.counts()
        return (after - before) / (after_s - before_s)

    def end(self):
        self.process.stdin.close()
        if self.process.wait(timeout=30) != 0:
            raise BenchError(f"the program that was attached to ended with {self.process.returncode}")


class Flarestack:
    def __init__(self, build, scratch):
        self.program = str(build / "flarestack")
        self.trace = str(scratch / "attach.flare")

    def attach(self, target, duration):
        """(ms that one thread stood still, ms that all did)"""
        done = subprocess.run([self.program, "attach", str(target.process.pid), "--duration", duration, "--quiet", "-o", self.trace],
                              capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise BenchError(f"attach: {done.stderr}")
        records = subprocess.run([self.program, "info", "--records", self.trace], capture_output=True, text=True, timeout=120, check=True)
        values = dict(re.findall(r'name="(attach_\w+)" value=(\d+)', records.stdout))
        return int(values["attach_thread_pause_ns"]) / 1e6, int(values["attach_pause_ns"]) / 1e6


    def recording(self, *options):
        """What is put before a program to record it."""
        return self.program, "record", "--quiet", "--no-leak-check", *options, "-o", self.trace, "--"

    def begin(self, target, *options):
        pid = target.process.pid
        announced = pathlib.Path(f"/tmp/flarestack-{os.geteuid()}/attached.{pid}")
        recorder = subprocess.Popen([self.program, "attach", str(pid), "--quiet", "--no-leak-check", *options, "-o", self.trace])
        end_s = time.perf_counter() + 60
        while not announced.exists():
            if recorder.poll() is not None or time.perf_counter() > end_s:
                raise BenchError("attach did not succeed")
            time.sleep(0.01)
        return recorder

    def end(self, target, recorder):
        subprocess.run([self.program, "detach", str(target.process.pid)], timeout=60, check=True)
        if recorder.wait(timeout=60) != 0:
            raise BenchError(f"attach ended with {recorder.returncode}")


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure_pauses(options, results, flarestack):
    results.say("Pauses" + EXPLAINED)
    for threads in (1, 8):
        anew, again = [], []
        for _ in range(options.attaches):
            target = Target(options.build, threads)
            time.sleep(0.05)
            anew.append(flarestack.attach(target, "20ms"))
            target.end()
        target = Target(options.build, threads)
        for _ in range(options.attaches):
            again.append(flarestack.attach(target, "20ms"))
        target.end()
        rows = []
        for name, pauses in (("anew", anew), ("again", again)):
            for column, what in ((1, "all threads"), (0, "one thread")):
                values = [pause[column] for pause in pauses]
                rows.append([f"{threads} threads, {name}, {what}", len(values), round(statistics.median(values), 2),
                             round(percentile(values, 0.99), 2), round(max(values), 2)])
        results.table("pauses", ["pause", "attaches", "median ms", "p99 ms", "max ms"], rows)
        if threads == 8:
            results.figure("8 busy threads, first attach included: 99th percentile of the pause of all",
                           round(percentile([pause[1] for pause in anew + again], 0.99), 2), "ms", PAUSE_BAR_MS)


def measure_overhead(options, results, flarestack):
    results.say("Rounds of one thread that allocates and works 0.5 us, in a second of its CPU time: bare, recorded from its start, and attached to, in turn;"
                "\nthe medians, with the lowest and the highest")
    rows = []
    for name, choices in (("heap and CPU", ()), ("CPU only", ("--no-heap",)), ("heap only", ("--no-cpu",))):
        speeds = {"bare": [], "record": [], "attach": []}
        for _ in range(options.rounds):
            for how, values in speeds.items():
                target = Target(options.build, 1, flarestack.recording(*choices) if how == "record" else ())
                recorder = flarestack.begin(target, *choices) if how == "attach" else None
                target.rounds_per_cpu_s(options.seconds / 5)
                values.append(target.rounds_per_cpu_s(options.seconds))
                if recorder is not None:
                    flarestack.end(target, recorder)
                target.end()
        rows += [[f"{name}, {how}", *(round(value / 1e6, 3) for value in (statistics.median(values), min(values), max(values)))]
                 for how, values in speeds.items()]
        ratios = [attached / recorded for attached, recorded in zip(speeds["attach"], speeds["record"])]
        middle, low, high = median_and_interval(ratios)
        results.figure(f"{name}: speed while attached / under record", round(middle, 3), "x", ("at least", OVERHEAD_BAR),
                       (round(low, 3), round(high, 3)))
    results.table("overhead", ["millions of rounds", "median", "least", "most"], rows)


def measure_speed(options, results, flarestack):
    results.say("Speed of two threads that allocate and work 0.5 us, before and after being attached to, alternating with a program that was not: the medians")
    ratios = []
    for _ in range(options.rounds):
        target, other = Target(options.build, 1), Target(options.build, 1)
        before = target.rounds_per_s(options.seconds) / other.rounds_per_s(options.seconds)
        flarestack.attach(target, "200ms")
        after = target.rounds_per_s(options.seconds) / other.rounds_per_s(options.seconds)
        ratios.append(after / before)
        target.end()
        other.end()
    results.figure("speed after detaching / before", round(statistics.median(ratios), 3), "x", ("at least", SPEED_BAR),
                   (round(percentile(ratios, 0.025), 3), round(percentile(ratios, 0.975), 3)))


def main():
    parser = argparse.ArgumentParser(prog="bench/run attach", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--json", type=pathlib.Path, required=True, help="where the results go")
    parser.add_argument("--quick", action="store_true", help="a minute: does it work; the figures are worth little")
    options = parser.parse_args()
    settings = dict(attaches=10, rounds=3, seconds=0.3) if options.quick else dict(attaches=100, rounds=15, seconds=1)
    for name, value in settings.items():
        setattr(options, name, value)
    results = Results("attach", settings)
    with tempfile.TemporaryDirectory(prefix="flarestack-bench.") as folder:
        flarestack = Flarestack(options.build, pathlib.Path(folder))
        measure_pauses(options, results, flarestack)
        measure_overhead(options, results, flarestack)
        measure_speed(options, results, flarestack)
    results.finish(options.json)


run_benchmark(main)
