# SPDX-License-Identifier: Apache-2.0
"""What every benchmark needs: run a program and know what it took, say how sure a figure is, and keep the results.

A run that fails ends the benchmark: no figure is ever made from it.
"""
import ctypes
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent


class BenchError(Exception):
    """One sentence: what failed, and what to do about it."""


@dataclasses.dataclass
class Run:
    """One run of a command. Times are seconds; user_s and system_s are of the command and all it waited for."""

    wall_s: float
    user_s: float
    system_s: float
    own: dict  # what the program said of itself (bench/self_account.h); empty if it says nothing
    stderr: str
    most_resident_bytes: int = 0  # of the command itself, or of the greatest that it waited for

    @property
    def cpu_s(self):
        return self.user_s + self.system_s

    @property
    def own_cpu_s(self):
        return self.own["user_s"] + self.own["system_s"]


class Timeout(BenchError):
    pass


def run(command, environment=None, timeout_s=120, cpu=None, watch=None):
    """Runs the command, its output dropped; raises BenchError unless it exits with 0, Timeout if it has to be killed.

    watch: a ProcessWatch that looks on.
    """
    with tempfile.TemporaryDirectory(prefix="flarestack-bench.") as folder:
        account = os.path.join(folder, "account.json")
        variables = {**os.environ, "NO_COLOR": "1", "BENCH_RESULT": account, **(environment or {})}
        if cpu is not None:
            variables["BENCH_CPU"] = str(cpu)
        with open(os.path.join(folder, "stderr"), "w+b") as errors:
            start_s = time.perf_counter()
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=errors, env=variables, start_new_session=True)
            late = threading.Event()
            killer = threading.Timer(timeout_s, lambda: (late.set(), os.killpg(process.pid, signal.SIGKILL)))
            killer.start()
            if watch is not None:
                watch.start(process.pid)
            _, status, usage = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - start_s
            if watch is not None:
                watch.stop()
            killer.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)  # reaped here: Popen must not wait for it
            errors.seek(0)
            stderr = errors.read().decode(errors="replace")
        if late.is_set():
            reap_group(process.pid)
            raise Timeout(f"{' '.join(map(str, command))}: took longer than {timeout_s} s")
        if process.returncode != 0:
            raise BenchError(f"{' '.join(map(str, command))}: exit status {process.returncode}\n{stderr[-2000:]}")
        own = json.loads(pathlib.Path(account).read_text()) if os.path.exists(account) else {}
        return Run(wall_s, usage.ru_utime, usage.ru_stime, own, stderr, usage.ru_maxrss * 1024)


def adopt_orphans():
    """Children of commands that are killed become ours, so that what they used counts as ours and not as others'."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_group(group):
    """Waits for what is left of a killed process group, as far as it is ours."""
    try:
        while True:
            os.waitpid(-group, 0)
    except ChildProcessError:
        pass


def median_and_interval(values, seed=1):
    """The median and its 95 % confidence interval (percentile bootstrap, 4000 resamples)."""
    resample = random.Random(seed)
    medians = sorted(statistics.median(resample.choices(values, k=len(values))) for _ in range(4000))
    return statistics.median(values), medians[100], medians[3899]


def need_command(name, package):
    """The path of a peer's program, or BenchError with how to get it."""
    for folder in os.environ.get("PATH", "").split(":"):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise BenchError(f"{name} is not installed and is measured against; try: apt-get install {package}")


def need_library(name, package):
    listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        if line.split()[:1] == [name]:
            return line.split(" => ")[1]
    raise BenchError(f"{name} is not installed and is measured against; try: apt-get install {package}")


class Machine:
    """Where the figures come from, and how busy others kept it meanwhile. Made before the first run."""

    def __init__(self):
        self.start = self._times()
        self.start_own_s = self._own_s()

    @staticmethod
    def _times():
        words = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        user, nice, system, idle, iowait, irq, softirq, steal = (int(word) / os.sysconf("SC_CLK_TCK") for word in words[:8])
        return {"busy": user + nice + system + irq + softirq, "steal": steal,
                "all": user + nice + system + idle + iowait + irq + softirq + steal}

    @staticmethod
    def _own_s():
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system

    @staticmethod
    def _read(path, default="unknown"):
        try:
            return pathlib.Path(path).read_text().strip()
        except OSError:
            return default

    def describe(self):
        now = self._times()
        passed = {key: now[key] - self.start[key] for key in now}
        others_s = max(0.0, passed["busy"] - (self._own_s() - self.start_own_s))
        cpu_models = [line.split(":", 1)[1].strip() for line in self._read("/proc/cpuinfo").splitlines()
                      if line.startswith("model name")]
        release = dict(line.split("=", 1) for line in self._read("/etc/os-release", "").splitlines() if "=" in line)
        flags = next((line for line in self._read("/proc/cpuinfo").splitlines() if line.startswith("flags")), "")
        return {
            "cpu": cpu_models[0] if cpu_models else platform.machine(),
            "processors": os.cpu_count(),
            "virtual_machine": "hypervisor" in flags.split(),
            "kernel": platform.release(),
            "distribution": release.get("PRETTY_NAME", "unknown").strip('"'),
            "perf_event_paranoid": self._read("/proc/sys/kernel/perf_event_paranoid"),
            "perf_event_max_sample_rate": self._read("/proc/sys/kernel/perf_event_max_sample_rate"),
            "used_by_others_percent": round(100 * others_s / max(passed["all"], 0.01), 1),
            "stolen_percent": round(100 * passed["steal"] / max(passed["all"], 0.01), 1),
        }


def version():
    """git describe of the tree, or "unknown" outside of a checkout."""
    done = subprocess.run(["git", "-C", SOURCE_DIR, "describe", "--always", "--dirty", "--tags"], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip() or "unknown"


QUIET_PERCENT = 5


class Results:
    """Figures with their bars, printed as they come and kept as JSON."""

    def __init__(self, name, settings):
        self.machine = Machine()
        self.document = {"schema": f"flarestack.bench.{name}/1", "settings": settings, "figures": [], "tables": {}}

    def figure(self, name, value, unit, bar=None, interval=None):
        """bar: the most it may be, or ("at least", x). interval: of 95 % confidence; one that spans the bar decides nothing."""
        entry = {"name": name, "value": value, "unit": unit}
        verdict = ""
        if bar is not None:
            at_least = isinstance(bar, tuple)
            limit = bar[1] if at_least else bar
            low, high = interval or (value, value)
            if (low >= limit) if at_least else (high <= limit):
                verdict = "PASS"
            elif (high < limit) if at_least else (low > limit):
                verdict = "MISS"
            else:
                verdict = "UNDECIDED"
            entry.update(bar=("at least " if at_least else "at most ") + f"{limit:g} {unit}", verdict=verdict)
        if interval is not None:
            entry["interval_95"] = list(interval)
        self.document["figures"].append(entry)
        text = f"{value:.4g} {unit}"
        if interval is not None:
            text += f" [{interval[0]:.3g}, {interval[1]:.3g}]"
        print(f"  {name:<64} {text:>30}  {entry.get('bar', ''):<22} {verdict}", flush=True)

    def table(self, name, header, rows):
        """Rows of values as measured; printed with `None` as a dash."""
        self.document["tables"].setdefault(name, []).extend(dict(zip(header, row)) for row in rows)
        texts = [[cell_text(cell) for cell in row] for row in rows]
        widths = [max(len(line[i]) for line in [header] + texts) for i in range(len(header))]
        for line in [header] + texts:
            print("  " + "  ".join(word.ljust(width) if i == 0 else word.rjust(width)
                                   for i, (word, width) in enumerate(zip(line, widths))), flush=True)

    def say(self, text):
        print(f"\n{text}", flush=True)

    def finish(self, path):
        machine = self.machine.describe()
        self.document.update(machine=machine, version=version(),
                             date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"))
        missed = [entry["name"] for entry in self.document["figures"] if entry.get("verdict") == "MISS"]
        undecided = [entry["name"] for entry in self.document["figures"] if entry.get("verdict") == "UNDECIDED"]
        self.say(f"Measured on: {machine['cpu']}, {machine['processors']} processors"
                 f"{', virtual' if machine['virtual_machine'] else ''}, Linux {machine['kernel']}, {machine['distribution']}; "
                 f"flarestack {self.document['version']}")
        busy = machine["used_by_others_percent"] + machine["stolen_percent"]
        print(f"Others used {machine['used_by_others_percent']} % of the machine, the hypervisor {machine['stolen_percent']} %.")
        self.document["quiet"] = busy <= QUIET_PERCENT
        if not self.document["quiet"]:
            print("NOT A QUIET MACHINE: the figures of this run are no result, only a trial.")
        print(f"{len(missed)} bars missed, {len(undecided)} undecided" + "".join(f"\n  MISS: {name}" for name in missed))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.document, indent=1) + "\n")
        print(f"written: {path}")


def cell_text(cell):
    if cell is None:
        return "-"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def run_benchmark(main):
    """What fails ends it with one sentence and exit status 1."""
    try:
        main()
    except BenchError as error:
        sys.exit(f"bench: no figures, this failed: {error}")
