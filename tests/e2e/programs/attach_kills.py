# SPDX-License-Identifier: Apache-2.0
"""attach_kills.py PID KILLS COUNTERS: kills, so many times, the recorder that attaches to the process, records it or detaches from it,
at a random moment. The program's counters (the file's int32s) go on growing, and the next attach or detach does its work at
once."""
import array, json, os, pathlib, random, signal, subprocess, sys, time

LIMIT_S = 30
pid, kills, counters_file = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
flarestack = os.environ["FLARESTACK"]
announced = pathlib.Path(f"/tmp/flarestack-{os.geteuid()}/attached.{pid}")
random.seed(7)
usual_s = {"attach": 0.1, "record": 0.05, "detach": 0.1}  # how long each takes, as seen last
killed = dict.fromkeys(usual_s, 0)


def fail(text):
    sys.exit(f"{text}; killed so far: {killed}")


def until(holds, what):
    end = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > end:
            fail(what)
        time.sleep(0.002)


def counters():
    return array.array("i", counters_file.read_bytes()).tolist()


def must_grow(when):
    before = counters()
    until(lambda: all(a > b for a, b in zip(counters(), before)), f"no progress after {when}: {before}")


def start():
    return subprocess.Popen([flarestack, "attach", str(pid), "--quiet", "--heap", "exact", "-o", "killed.flare"], stderr=subprocess.PIPE)


def has_attached(recorder):
    if recorder.poll() is not None:
        fail(f"attach: {recorder.communicate()[1]}")
    return announced.exists() and announced.read_text().startswith(f"{recorder.pid} ")


def kill_during(phase):
    recorder = start()
    began = time.monotonic()
    if phase != "attach":
        until(lambda: has_attached(recorder), "not attached")
        usual_s["attach"] = time.monotonic() - began
    if phase == "detach":
        recorder.send_signal(signal.SIGINT)
    time.sleep(random.random() * usual_s[phase] * 1.2)
    recorder.kill()
    recorder.communicate()
    killed[phase] += recorder.returncode == -signal.SIGKILL
    must_grow(f"a kill in {phase}")


def attach_and_detach():
    recorder = start()
    until(lambda: has_attached(recorder), "not attached again")
    must_grow("attaching again")
    began = time.monotonic()
    recorder.send_signal(signal.SIGINT)
    error = recorder.communicate(timeout=LIMIT_S)[1]
    usual_s["detach"] = time.monotonic() - began
    if recorder.returncode != 0:
        fail(f"attach after a kill: status {recorder.returncode}: {error}")
    quality = json.loads(subprocess.run([flarestack, "info", "--format", "json", "killed.flare"], capture_output=True, check=True).stdout)["quality"]
    if not quality["complete"] or quality["heap_events_lost"] or quality["heap_events"] < 100:
        fail(f"attach after a kill: {error} {quality}")


def detach():
    done = subprocess.run([flarestack, "detach", str(pid)], capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode != 0 and "is not being recorded" not in done.stderr:
        fail(f"detach after a kill: {done.stderr}")


must_grow("its start")
for number in range(kills):
    kill_during(random.choice(list(usual_s)))
    random.choice([attach_and_detach, detach])()
    must_grow("what came after the kill")
if sum(killed.values()) < kills / 2 or not all(killed.values()):
    fail("too few were killed in time")
