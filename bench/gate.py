# SPDX-License-Identifier: Apache-2.0
"""How often the gate, with nothing but its defaults, alarms for a program that has not changed, and how often it notices one that
became slower, or loses more, by 3, 5 or 10 %. Started by bench/run gate."""
import argparse
import json
import pathlib
import random
import subprocess
import tempfile

from harness import BenchError, Results, need_command, run_benchmark

# Its work and its loss are counts, so that a change of 3 % is one of so many more.
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static unsigned state = 1;
static unsigned next(void) { return state = state * 1664525 + 1013904223; }
static int compare(const void* a, const void* b) { return *(const int*)a < *(const int*)b ? -1 : *(const int*)a > *(const int*)b; }
__attribute__((noinline)) static int* make(int count) {
  int* values = malloc(count * sizeof *values);
  for (int i = 0; i < count; ++i) values[i] = (int)(next() >> 8);
  return values;
}
__attribute__((noinline)) static int work(void) {
  int* values = make(500);
  qsort(values, 500, sizeof *values, compare);
  const int middle = values[250];
  free(values);
  return middle;
}
__attribute__((noinline)) static void lose(void) {
  char* lost = malloc(64);
  __asm__ volatile("" : : "r"(memset(lost, 1, 64)) : "memory");
}
int main(int count, char** words) {
  unsigned sum = 0;
  for (int i = atoi(words[1]); i > 0; --i) sum += (unsigned)work();
  for (int i = atoi(words[2]); i > 0; --i) lose();
  printf("%u\n", sum);
  return count != 3;
}
"""
WORK, LOST = 1500, 1000
CHANGES = (3, 5, 10)  # percent
NEW_BASELINE = 5  # sessions at least
EXPLAINED = """
How to read it. A session is one `flarestack gate` of one step with the default checks: 10 runs of a program of about 40 ms and one
that is recorded, up to three times as many runs more while a time is above its bound. The baseline is as `--new-baseline` makes it (5 to 15
sessions), with more of `--update-baseline` up to so many. Sessions of the
unchanged and of the changed program then follow each other in random order. An interval is Wilson's, of 95 % confidence."""
METRICS = ("wall_time", "cpu_time", "peak_heap", "allocations", "leaked_bytes")


def wilson(part, whole):
    """The interval of a share, in percent."""
    z = 1.96
    share = part / whole
    centre = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * (share * (1 - share) / whole + z * z / (4 * whole * whole)) ** 0.5
    return max(0, 100 * (centre - half)), min(100, 100 * (centre + half))


class Gate:
    def __init__(self, options, scratch):
        self.program, self.scratch = str(options.build / "flarestack"), scratch
        source = scratch / "program.c"
        source.write_text(PROGRAM)
        subprocess.run([need_command("gcc", "gcc"), "-O2", "-g", "-o", str(scratch / "program"), str(source)], check=True)

    def session(self, work, lost, *words):
        """The metrics above their maximum, and all that are above a target or a maximum."""
        config = self.scratch / "flarestack.toml"
        config.write_text(f'[[step]]\nname = "program"\ncommand = ["./program", "{work}", "{lost}"]\n')
        done = subprocess.run([self.program, "gate", "--config", str(config), "--format", "json", *words],
                              capture_output=True, text=True, timeout=300, check=False)
        if done.returncode not in (0, 1):
            raise BenchError(f"gate ended with {done.returncode}: {done.stderr.strip()}")
        step = json.loads(done.stdout)["steps"][0]
        if step["problem"]:
            raise BenchError(f"gate could not measure: {step['problem']}")
        alarms = {verdict["metric"] for verdict in step["verdicts"] if verdict["outcome"] == "above_maximum"}
        told = {verdict["metric"] for verdict in step["verdicts"] if verdict["outcome"] != "holds"}
        if (done.returncode == 1) != bool(alarms):
            raise BenchError(f"exit status {done.returncode} with alarms {alarms}")
        return alarms, told


def measure(gate, options, baseline_sessions, results):
    gate.session(WORK, LOST, "--new-baseline")
    for _ in range(baseline_sessions - NEW_BASELINE):
        gate.session(WORK, LOST, "--update-baseline")
    kinds = [("unchanged", 0, WORK, LOST)] * options.unchanged
    for percent in CHANGES:
        kinds += [("slower", percent, WORK + WORK * percent // 100, LOST)] * options.changed
        kinds += [("loses more", percent, WORK, LOST + LOST * percent // 100)] * options.changed
    random.Random(1).shuffle(kinds)
    alarms = {}
    for kind, percent, work, lost in kinds:
        alarms.setdefault((kind, percent), []).append(gate.session(work, lost))
    say = f"baseline of {baseline_sessions} sessions"
    unchanged = alarms[("unchanged", 0)]
    rows = [[baseline_sessions, metric, len(unchanged), sum(metric in found for found, _ in unchanged),
             sum(metric in told for _, told in unchanged)] for metric in METRICS]
    results.table("unchanged", ["baseline", "metric", "sessions", "alarms", "alarms and above target"], rows)
    false = sum(bool(found) for found, _ in unchanged)
    results.figure(f"{say}: false alarms of {len(unchanged)}", 100 * false / len(unchanged), "%", None, wilson(false, len(unchanged)))
    for (kind, percent), found in sorted(alarms.items()):
        if kind == "unchanged":
            continue
        wanted = "cpu_time" if kind == "slower" else "leaked_bytes"
        noticed = sum(wanted in alarm for alarm, _ in found)
        results.figure(f"{say}: {kind} by {percent} %, noticed of {len(found)}", 100 * noticed / len(found), "%", None,
                       wilson(noticed, len(found)))


def main():
    parser = argparse.ArgumentParser(prog="bench/run gate", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--json", type=pathlib.Path, required=True, help="where the results go")
    parser.add_argument("--quick", action="store_true", help="a minute: does it work; the figures are worth little")
    options = parser.parse_args()
    settings = dict(unchanged=6, changed=1, baselines=[5]) if options.quick else dict(unchanged=100, changed=10, baselines=[5, 15])
    for name, value in settings.items():
        setattr(options, name, value)
    results = Results("gate", settings)
    results.say(EXPLAINED.strip())
    with tempfile.TemporaryDirectory(prefix="flarestack-bench.") as folder:
        gate = Gate(options, pathlib.Path(folder))
        for sessions in options.baselines:
            measure(gate, options, sessions, results)
    results.finish(options.json)


run_benchmark(main)
