#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Nanoseconds for a stack trace: ours against unw_backtrace, frame pointers and glibc's backtrace(), at depths 10, 30 and 100 with
# frames changed, and replaying the stack depths of real programs. bench/run builds it.
#   bench/unwind.sh BUILD_DIR JSON_FILE
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${1:?folder of the build}
json=${2:?file for the results}
PYTHONPATH=$here exec python3 - "$build/bench/unwind_bench" "$here/stack_mix.txt" "$json" <<'END'
import json, pathlib, sys, tempfile
import harness

bench, mix, result = sys.argv[1:]
results = harness.Results("unwind", {"clock": "thread CPU time", "statistic": "median of 25 interleaved rounds"})
with tempfile.NamedTemporaryFile(suffix=".json") as raw:
    harness.run([bench, "--cpu", "0", "--rounds", "25", "--mix", mix, "--json", raw.name], timeout_s=600)
    cases = json.loads(pathlib.Path(raw.name).read_text())["cases"]
results.say("ns per trace, the calls taken off. F: verified incremental unwinding; E: the same without its frame cache.")
header = list(cases[0])
results.table("ns per trace", header, [[case[key] for key in header] for case in cases])
results.finish(pathlib.Path(result))
END
