# SPDX-License-Identifier: Apache-2.0
"""How long the page of a whole recording takes to be made and to be used. Started by bench/run view."""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from harness import BenchError, Results, adopt_orphans, need_command, run, run_benchmark

PAGE_BAR_MB = 10
SHELL_BAR_MB = 1
SHOWN_BAR_MS = 1000
CHANGE_BAR_MS = 50

EXPLAINED = """
How to read it. The recording has 1 000 000 samples and 100 000 allocation records over 200 000 call paths (bench/view_trace.cc). "first"
is the first time that a page shows this, begun a second after it was opened, "again" when it has shown it before; from the change of the URL's fragment until the frame is
painted, in Chromium without a GPU, 1600 x 900; the median of the rounds."""


def reap_browser():
    """Its processes outlive node by a moment; what they used is ours."""
    end_s = time.monotonic() + 10
    try:
        while time.monotonic() < end_s:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.05)
    except ChildProcessError:
        pass


def page_figures(page, packages, rounds):
    command = ["node", str(pathlib.Path(__file__).with_name("view_page.mjs")), str(page), str(packages), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    reap_browser()
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(prog="bench/run view", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--json", type=pathlib.Path, required=True, help="where the results go")
    parser.add_argument("--quick", action="store_true", help="one round: does it work; the figures are worth little")
    options = parser.parse_args()
    rounds = 1 if options.quick else 5
    need_command("chromium", "chromium")
    packages = options.build / "tests" / "browser"
    subprocess.run(["bash", pathlib.Path(__file__).parent.parent / "tests/browser/packages.sh", packages], check=True,
                   stdout=subprocess.DEVNULL, timeout=300)
    adopt_orphans()
    results = Results("view", {"rounds": rounds})
    print(EXPLAINED)
    with tempfile.TemporaryDirectory(prefix="flarestack-bench.") as folder:
        trace, page = pathlib.Path(folder, "large.flare"), pathlib.Path(folder, "large.html")
        run([options.build / "bench" / "view_trace", trace])
        making = [run([options.build / "flarestack", "view", trace, "-o", page], timeout_s=120) for _ in range(rounds)]
        page_bytes = page.stat().st_size
        profile_bytes = len(page.read_text().split('type="application/octet-stream">')[1].split("<")[0])
        results.say("The page")
        results.figure("made in", statistics.median(each.wall_s for each in making), "s")
        results.figure("most resident while it is made", max(each.most_resident_bytes for each in making) / 2**20, "MiB")
        results.figure("its size", page_bytes / 1e6, "MB", PAGE_BAR_MB)
        results.figure("its size without the recording", (page_bytes - profile_bytes) / 1e6, "MB", SHELL_BAR_MB)
        measured = page_figures(page, packages, rounds)
    results.figure("first paint", statistics.median(measured["painted"]), "ms", SHOWN_BAR_MS)
    results.figure("shown in full", statistics.median(measured["ready"]), "ms", SHOWN_BAR_MS)
    results.say("Changes")
    for name, times in measured["changes"].items():
        results.figure(f"{name}, first", statistics.median(times), "ms", CHANGE_BAR_MS)
        results.figure(f"{name}, again", statistics.median(measured["again"][name]), "ms", CHANGE_BAR_MS)
    results.finish(options.json)


run_benchmark(main)
