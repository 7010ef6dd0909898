# SPDX-License-Identifier: Apache-2.0
"""The profilers that are measured: how each is started, and what it got."""
import dataclasses
import json
import os
import pathlib
import re
import struct
import subprocess

from harness import BenchError, need_command, need_library


@dataclasses.dataclass
class Got:
    """What a recording has."""

    samples: int  # with a stack; each cost an interrupt
    kernel_ticks: int  # timer periods that were counted, without a stack, while the thread was in the kernel
    weight: float  # CPU time in the profile, in samples: kernel time included, time known not to be sampled excluded


class Bare:
    name = "bare"
    trace_suffix = None

    def command(self, target, _hz, _trace):
        return target, {}


class Flarestack:
    name = "flarestack"
    trace_suffix = ".flare"

    def __init__(self, build_dir):
        self.program = str(build_dir / "flarestack")

    def command(self, target, hz, trace):
        return [self.program, "record", "--quiet", "--no-heap", "--cpu", str(hz), "-o", trace, "--", *target], {}

    def got(self, trace, _run, hz):
        listing = subprocess.run([self.program, "info", "--records", trace], capture_output=True, text=True, check=True).stdout
        counters = {}
        for name, value in re.findall(r'^counter .*name="(\w+)" value=(\d+)', listing, re.MULTILINE):
            counters[name] = counters.get(name, 0) + int(value)
        quality = json.loads(subprocess.run([self.program, "info", "--format", "json", trace], capture_output=True, text=True,
                                            check=True).stdout)["quality"]
        if not quality["complete"]:
            raise BenchError(f"{trace}: not complete: {listing.splitlines()[-1]}")
        return Got(samples=counters.get("samples", 0), kernel_ticks=counters.get("kernel_ticks", 0),
                   weight=(quality["cpu_ns"] - quality["unsampled_ns"]) / 1e9 * hz)


class Perf:
    trace_suffix = ".perf"

    def __init__(self, name, options):
        self.name = name
        self.options = options
        self.program = need_command("perf", "linux-perf")

    def command(self, target, hz, trace):
        return [self.program, "record", "-F", str(hz), *self.options, "-o", trace, "--", *target], {}

    def got(self, _trace, run, _hz):
        found = re.search(r"\((\d+) samples\)", run.stderr)
        if not found and "Captured and wrote" in run.stderr:
            return Got(0, 0, 0)  # it leaves the number out where there was not one: threads of 1 ms at 100 Hz
        if not found:
            raise BenchError(f"perf record did not say how many samples it got:\n{run.stderr}")
        return Got(int(found.group(1)), 0, int(found.group(1)))


class Gperftools:
    name = "gperftools"
    trace_suffix = ".prof"

    def __init__(self):
        self.library = need_library("libprofiler.so.0", "libgoogle-perftools4")

    def command(self, target, hz, trace):
        return target, {"LD_PRELOAD": self.library, "CPUPROFILE": trace, "CPUPROFILE_FREQUENCY": str(hz)}

    def got(self, trace, _run, _hz):
        """Its file, in words: 0, 3, 0, period, 0; then count, depth, depth addresses each; 0, 1, 0 ends it."""
        data = pathlib.Path(trace).read_bytes()
        words = struct.unpack(f"<{len(data) // 8}Q", data[:len(data) // 8 * 8])
        if len(words) < 8 or words[:3] != (0, 3, 0):
            raise BenchError(f"{trace}: not a profile of gperftools")
        total = 0
        index = 5
        while index + 2 < len(words) and words[index:index + 3] != (0, 1, 0):
            total += words[index]
            index += 2 + words[index + 1]
        return Got(total, 0, total)


def all_profilers(build_dir):
    return [Flarestack(build_dir), Perf("perf -g", ["-g"]), Perf("perf dwarf", ["--call-graph", "dwarf"]), Gperftools()]


def check_rates(rates):
    """perf refuses a rate above the kernel's limit, which the kernel lowers by itself when interrupts take long."""
    path = "/proc/sys/kernel/perf_event_max_sample_rate"
    if os.path.exists(path) and int(pathlib.Path(path).read_text()) < max(rates):
        raise BenchError(f"the kernel allows fewer than {max(rates)} samples per second; try: "
                         "sysctl kernel.perf_event_max_sample_rate=100000")
