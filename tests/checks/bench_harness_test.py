# SPDX-License-Identifier: Apache-2.0
"""The benchmarks' harness never makes a figure of a failed run, says what is missing, and judges by the bar."""
import contextlib
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))
sys.dont_write_bytecode = True
import harness  # noqa: E402
import process_watch  # noqa: E402
import profilers  # noqa: E402


def results_with(*figures):
    """The figures as they are written, and what was printed."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as printed:
        results = harness.Results("test", {})
        for figure in figures:
            results.figure(*figure)
        path = pathlib.Path(folder) / "results" / "test.json"
        results.finish(path)
        return json.loads(path.read_text()), printed.getvalue()


class HarnessTest(unittest.TestCase):
    def test_a_run_tells_its_time_and_what_the_program_says_of_itself(self):
        done = harness.run(["sh", "-c", 'echo "{\\"user_s\\": 1.5, \\"system_s\\": 0.5}" >"$BENCH_RESULT"; echo word >&2; sleep 0.05'])
        self.assertEqual(done.own_cpu_s, 2.0)
        self.assertEqual(done.stderr, "word\n")
        self.assertGreaterEqual(done.wall_s, 0.05)

    def test_a_failed_run_is_an_error_with_what_it_said(self):
        with self.assertRaisesRegex(harness.BenchError, "exit status 3\nbroken"):
            harness.run(["sh", "-c", "echo broken >&2; exit 3"])
        with self.assertRaisesRegex(harness.BenchError, "exit status -9"):
            harness.run(["sh", "-c", "kill -9 $$"])

    def test_a_run_without_end_is_stopped(self):
        with self.assertRaises(harness.Timeout):
            harness.run(["sh", "-c", "sleep 60; true"], timeout_s=0.2)

    def test_a_missing_peer_is_named_with_its_package(self):
        with self.assertRaisesRegex(harness.BenchError, "no-such-profiler .*apt-get install its-package"):
            harness.need_command("no-such-profiler", "its-package")
        with self.assertRaisesRegex(harness.BenchError, "libnosuch.so.0 .*apt-get install its-package"):
            harness.need_library("libnosuch.so.0", "its-package")

    def test_the_interval_holds_the_median_and_narrows(self):
        median, low, high = harness.median_and_interval([1.0, 2.0, 3.0, 4.0, 5.0])
        self.assertTrue(low <= median == 3.0 <= high)
        _, low_of_many, high_of_many = harness.median_and_interval([1.0, 2.0, 3.0, 4.0, 5.0] * 40)
        self.assertLess(high_of_many - low_of_many, high - low)

    def test_verdicts(self):
        document, printed = results_with(("below", 0.5, "%", 1), ("above", 2, "%", 1), ("enough", 99.5, "%", ("at least", 99)),
                                         ("too few", 98, "%", ("at least", 99)), ("spans", 1, "%", 1, (0.5, 1.5)),
                                         ("below, sure", 0.5, "%", 1, (0.4, 0.6)), ("no bar", 7, "ms"))
        self.assertEqual({figure["name"]: figure.get("verdict") for figure in document["figures"]},
                         {"below": "PASS", "above": "MISS", "enough": "PASS", "too few": "MISS", "spans": "UNDECIDED",
                          "below, sure": "PASS", "no bar": None})
        self.assertIn("2 bars missed, 1 undecided", printed)
        self.assertTrue({"cpu", "kernel", "distribution", "used_by_others_percent"} <= set(document["machine"]))

    def test_a_profile_of_gperftools_is_counted(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(struct.pack("<16Q", 0, 3, 0, 1000, 0, 5, 2, 0x10, 0x20, 7, 1, 0x10, 0, 1, 0, 99))
            file.flush()
            self.assertEqual(profilers.Gperftools.got(None, file.name, None, 1000).samples, 12)
            file.truncate(0)
            with self.assertRaises(harness.BenchError):
                profilers.Gperftools.got(None, file.name, None, 1000)

    def test_a_descendant_is_bound_and_its_memory_seen(self):
        script = "import sys; block = b'x' * (50 << 20); print(flush=True); sys.stdin.read()"
        python = os.path.realpath(sys.executable)
        processor = min(os.sched_getaffinity(0))
        with subprocess.Popen(["sh", "-c", f'"{python}" -c "{script}"; true'], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
            watch = process_watch.ProcessWatch(python, processor, for_memory=True)
            watch.start(shell.pid)
            shell.stdout.readline()
            end_s = time.monotonic() + 60
            while watch.peak_of_program() < 50 << 20 and time.monotonic() < end_s:
                time.sleep(0.001)
            child = max(pid for pid, program in list(watch.peaks) if program == python)
            affinity = os.sched_getaffinity(child)
            shell.stdin.close()
            watch.stop()
        self.assertEqual(affinity, {processor})
        self.assertTrue(50 << 20 <= watch.peak_of_program() < 100 << 20)
        self.assertTrue(0 < watch.peak_of_others() < 20 << 20)

    def test_the_entry_point_refuses_what_it_does_not_know(self):
        done = subprocess.run([BENCH / "run", "no-such-benchmark"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no benchmark is called no-such-benchmark", done.stderr)
        done = subprocess.run([BENCH / "run", "--help"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0)
        for name in ("cpu", "start", "heap", "unwind", "symbols", "report"):
            self.assertRegex(done.stdout, rf"(?m)^  {name} ")


if __name__ == "__main__":
    unittest.main()
