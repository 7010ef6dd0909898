#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Cost of a stack trace: ours against unw_backtrace, frame pointers and glibc's backtrace().
#   bench/unwind.sh [BUILD_DIR] [JSON_FILE]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../build}
json=${2:-$build/unwind_bench.json}
cmake --build "$build" --target unwind_bench > /dev/null
bench=$(find "$build" -name unwind_bench -type f -perm -u+x | head -1)
echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) processors, Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg)"
"$bench" --cpu 0 --mix "$here/stack_mix.txt" --json "$json"
echo "written: $json"
