# SPDX-License-Identifier: Apache-2.0
"""attach_cycles.py NAME CYCLES (--counters FILE | --numbers COMMAND) PID...: attaches to these processes, one after the other, and
detaches again, CYCLES times in all; while it is attached and when it is detached, each of the program's counters (the
file's int32s, or what the command prints; PID stands for the process's) is seen to grow. Each recording is complete. NAME.flare: the last one."""
import argparse, array, json, os, pathlib, subprocess, sys, time

LIMIT_S = 30
options = argparse.ArgumentParser()
options.add_argument("name")
options.add_argument("cycles", type=int)
options.add_argument("--counters")
options.add_argument("--numbers")
options.add_argument("pids", type=int, nargs="+")
options = options.parse_args()
flarestack = os.environ["FLARESTACK"]
trace = f"{options.name}.flare"
registry = pathlib.Path(f"/tmp/flarestack-{os.geteuid()}")


def fail(text):
    sys.exit(f"{options.name}: {text}")


def counters(pid):
    if options.counters:
        return array.array("i", pathlib.Path(options.counters.replace("PID", str(pid))).read_bytes()).tolist()
    return [int(word) for word in subprocess.run(options.numbers.replace("PID", str(pid)), shell=True, capture_output=True, text=True,
                                                       timeout=LIMIT_S).stdout.split()]


def until(holds, what):
    end = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > end:
            fail(what())
        time.sleep(0.01)


def must_grow(pid, when):
    before = counters(pid)
    now = before

    def all_grew():
        nonlocal now
        now = counters(pid)
        return now and len(now) == len(before) and all(a > b for a, b in zip(now, before))
    until(all_grew, lambda: f"{when}: no progress: {[i for i, (a, b) in enumerate(zip(now, before)) if a <= b]} of {before}, {now}")


def cycle(number, pid):
    announced = registry / f"attached.{pid}"
    recorder = subprocess.Popen([flarestack, "attach", str(pid), "--quiet", "-o", trace], stderr=subprocess.PIPE, text=True)
    until(lambda: announced.exists() or recorder.poll() is not None, lambda: f"cycle {number}: not attached")
    if recorder.poll() is None:
        must_grow(pid, f"cycle {number}, while attached")
        subprocess.run([flarestack, "detach", str(pid)], timeout=LIMIT_S, check=True)
    error = recorder.communicate(timeout=LIMIT_S)[1]
    if recorder.returncode != 0:
        fail(f"cycle {number}: status {recorder.returncode}: {error}")
    must_grow(pid, f"cycle {number}, after detaching")
    info = subprocess.run([flarestack, "info", "--format", "json", trace], capture_output=True, text=True, timeout=LIMIT_S, check=True)
    quality = json.loads(info.stdout)["quality"]
    if not quality["complete"] or quality["heap_events_lost"] or quality["counters"].get("heap_damaged_records", 0):
        fail(f"cycle {number}: {quality}")


for one in options.pids:
    must_grow(one, "before")
for i in range(options.cycles):
    cycle(i, options.pids[i % len(options.pids)])
