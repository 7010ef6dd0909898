# SPDX-License-Identifier: Apache-2.0
"""check.py TRACE [--peak] [--unknown REGEX] [--processes N] [--foreign LEAST MOST]: every process of the recording says what the program's own
account says (truth.PID.N, truth.h), to the last block: each allocating function by every metric, and the totals.
--peak: the peak too, which of several threads nobody knows. --unknown: functions that may allocate besides. --foreign: how many blocks that
are older than the recording were given back."""
import argparse, glob, json, os, re, struct, subprocess, sys

NUMBERS = ("allocations", "allocated_bytes", "live_blocks_at_end", "live_bytes_at_end", "temporary_allocations", "peak_bytes")
METRICS = {"allocated": "allocated_bytes", "allocations": "allocations", "live": "live_bytes_at_end",
           "temporary": "temporary_allocations", "peak": "peak_bytes"}
options = argparse.ArgumentParser()
options.add_argument("trace")
options.add_argument("--peak", action="store_true")
options.add_argument("--unknown", default="$^")
options.add_argument("--processes", type=int, default=1)
options.add_argument("--foreign", type=int, nargs=2, default=(0, 0))
options = options.parse_args()
problems = []


def flarestack(*arguments):
    return json.loads(subprocess.run([os.environ["FLARESTACK"], *arguments, "--format", "json", options.trace],
                                     stdout=subprocess.PIPE, check=True).stdout)


def truth_of(pid):
    """The sum of what its programs said, one after the other by exec."""
    total, sites, files = [0] * 6, {}, glob.glob(f"truth.{pid}.*")
    for name in files:
        data = open(name, "rb").read()
        head = struct.unpack_from("<8q", data)
        total = [a + b for a, b in zip(total, head)]
        if head[6] != 0:
            problems.append(f"{name}: the program is wrong: {head[6]} blocks given back that it never got")
        for i in range(head[7]):
            site, *numbers = struct.unpack_from("<48s6q", data, 64 + 96 * i)
            site = site.rstrip(b"\0").decode()
            sites[site] = [a + b for a, b in zip(numbers, sites.get(site, [0] * 6))]
    return (dict(zip(NUMBERS, total)), {k: dict(zip(NUMBERS, v)) for k, v in sites.items()}) if files else None


def differ(what, truth, got):
    if truth != got:
        problems.append(f"{what}: {truth} by the program, {got} by the report")


def compare(pid, truth, metric):
    total, sites = truth
    report = flarestack("report", "--metric", metric, "--threshold", "0", "--process", str(pid))
    told, others = {}, dict.fromkeys(NUMBERS, 0)
    for function in report["functions"]:
        name = function["name"].split("(")[0].split("@")[0]
        if name not in sites:
            for key in NUMBERS:
                others[key] += function[key]
            if function["self"] != 0 and not re.search(options.unknown, function["name"]):
                problems.append(f"{pid}: {function['name']} allocates {function['self']} by {metric}")
            continue
        numbers = told.setdefault(name, dict.fromkeys([*NUMBERS, "self"], 0))
        for key in numbers:
            numbers[key] += function[key]
    for site, numbers in sites.items():
        if site not in told and numbers[METRICS[metric]] == 0:
            continue  # what costs nothing is not listed
        got = told.get(site, dict.fromkeys([*NUMBERS, "self"], 0))
        for key in NUMBERS:
            if key != "peak_bytes" or options.peak:
                differ(f"{pid}: {site}: {key} (--metric {metric})", numbers[key], got[key])
        differ(f"{pid}: {site}: self of --metric {metric}", numbers[METRICS[metric]], got["self"])
    heap = report["heap"]
    for key in NUMBERS if metric == "allocations" else ():  # which lists every function that allocates
        if key != "peak_bytes" or options.peak:
            differ(f"{pid}: all: {key}", total[key], heap[key] - others[key])
    differ(f"{pid}: deallocations", heap["allocations"] - heap["live_blocks_at_end"], heap["deallocations"])
    differ(f"{pid}: foreign frees", foreign, heap["foreign_frees"])
    for key in ("events_lost", "ambiguous_frees", "stacks_truncated", "stacks_heuristic", "stacks_elided"):
        differ(f"{pid}: {key}", 0, heap[key])


info = flarestack("info")
foreign = info["quality"]["foreign_frees"]
if not info["quality"]["complete"] or info["quality"]["heap_events_lost"] or not options.foreign[0] <= foreign <= options.foreign[1]:
    problems.append(f"quality: {info['quality']}")
for counter in ("unseen_frees", "heap_damaged_records", "ambiguous_frees"):
    differ(counter, 0, info["quality"]["counters"].get(counter, 0))
checked = set()
for process in info["processes"]:
    pid = process["pid"]
    if pid not in checked and (truth := truth_of(pid)) is not None:
        for metric in METRICS if len(checked) < 2 else ["allocations"]:
            if metric == "peak" and not options.peak:
                continue
            compare(pid, truth, metric)
        checked.add(pid)
differ(f"processes with an account, of {[one['pid'] for one in info['processes']]} and {glob.glob('truth.*')}", options.processes, len(checked))
sys.stderr.writelines(problem + "\n" for problem in problems[:12])
sys.exit(1 if problems else 0)
