# SPDX-License-Identifier: Apache-2.0
"""The heap profilers that are measured: how each is started, what it counted, how long a first report takes."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

from harness import BenchError, need_command, need_library, run


class Bare:
    name = "bare"

    def __init__(self, build_dir):
        self.counter = str(build_dir / "bench/liballocation_counter.so")

    def command(self, target, _trace):
        return target, {}

    def files(self, _trace):
        return []


def output_of(command, environment=None):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, **(environment or {})}, check=False)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


class Flarestack:
    def __init__(self, name, build_dir, *options):
        self.name = name
        self.program = str(build_dir / "flarestack")
        self.options = options

    def command(self, target, trace):
        return [self.program, "record", "--quiet", *self.options, "-o", trace, "--", *target], {}

    def files(self, trace):
        return [trace]

    def first_report(self, trace):
        """(seconds, allocations counted), nothing cached."""
        with tempfile.TemporaryDirectory() as cache:
            start_s = time.perf_counter()
            output_of([self.program, "report", "--metric", "allocated", trace], {"FLARESTACK_CACHE_DIR": cache})
            report_s = time.perf_counter() - start_s
        quality = json.loads(output_of([self.program, "info", "--format", "json", trace]))["quality"]
        if not quality["complete"] or quality.get("heap_events_lost"):
            raise BenchError(f"{trace}: not complete: {quality}")
        return report_s, json.loads(output_of([self.program, "report", "--metric", "allocated", "--format", "json", trace]))["heap"]["allocations"]


class Heaptrack:
    def __init__(self, name, raw):
        self.name = name
        self.raw = raw
        self.program = need_command("heaptrack", "heaptrack")
        self.printer = need_command("heaptrack_print", "heaptrack")

    def command(self, target, trace):
        return [self.program, *(["--raw"] if self.raw else []), "-o", trace, *target], {}

    def files(self, trace):
        return [trace + (".raw.zst" if self.raw else ".zst")]

    def first_report(self, trace):
        start_s = time.perf_counter()
        interpreted = self.files(trace)[0]
        if self.raw:
            interpreter = "/usr/lib/heaptrack/libexec/heaptrack_interpret"
            run(["bash", "-c", f"set -o pipefail; zstd -dc <{trace}.raw.zst | {interpreter} | zstd -qfc >{trace}.zst"], timeout_s=300)
            interpreted = trace + ".zst"
        text = output_of([self.printer, interpreted])
        return time.perf_counter() - start_s, int(re.findall(r"calls to allocation functions: (\d+)", text)[-1])


class ByLibrary:
    """A heap profiler that comes with its own allocator, which is faster than glibc's or slower."""

    def __init__(self, name, library, package, variables):
        self.name = name
        self.library = need_library(library, package)
        self.variables = variables

    def command(self, target, trace):
        return target, {"LD_PRELOAD": self.library, **{name: value.format(trace=trace) for name, value in self.variables.items()}}

    def files(self, trace):
        folder = pathlib.Path(trace).parent
        return [str(path) for path in sorted(folder.glob(pathlib.Path(trace).name + ".*"))]

    def first_report(self, _trace):
        return None, None


class Valgrind:
    def __init__(self, tool, options):
        self.name = f"valgrind {tool}"
        self.program = need_command("valgrind", "valgrind")
        self.options = [f"--tool={tool}", "--quiet", *options]

    def command(self, target, trace):
        return [self.program, *(option.format(trace=trace) for option in self.options), *target], {}

    def files(self, trace):
        return [trace] if os.path.exists(trace) else []

    def first_report(self, _trace):
        return None, None


def jemalloc_can_profile():
    """Debian's is built with it; it says when it is not."""
    library = need_library("libjemalloc.so.2", "libjemalloc2")
    done = subprocess.run(["/bin/ls", "/"], capture_output=True, text=True, check=False,
                          env={**os.environ, "LD_PRELOAD": library, "MALLOC_CONF": "prof:true,prof_active:false"})
    return "Invalid conf" not in done.stderr


def flarestacks(build_dir):
    return [Flarestack("exact", build_dir, "--no-cpu", "--no-leak-check"), Flarestack("exact+cpu", build_dir),
            Flarestack("sampled", build_dir, "--no-cpu", "--heap", "sampled")]


def peers(quick):
    found = [Heaptrack("heaptrack", raw=False), Heaptrack("heaptrack --raw", raw=True)]
    if quick:
        return found
    if jemalloc_can_profile():
        found.append(jemalloc("jemalloc", 19))
    return found


def jemalloc(name, log2_sample_bytes):
    options = f"prof:true,prof_final:true,prof_prefix:{{trace}},lg_prof_sample:{log2_sample_bytes}"
    return ByLibrary(name, "libjemalloc.so.2", "libjemalloc2", {"MALLOC_CONF": options})


def slow_peers():
    """They take many times as long as the program."""
    found = [ByLibrary("gperftools", "libtcmalloc.so.4", "libgoogle-perftools4", {"HEAPPROFILE": "{trace}"})]
    if jemalloc_can_profile():
        found.append(jemalloc("jemalloc, every", 0))
    return [*found, Valgrind("memcheck", ["--leak-check=full", "--log-file={trace}"]), Valgrind("massif", ["--massif-out-file={trace}"])]
