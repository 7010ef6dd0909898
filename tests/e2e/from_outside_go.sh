#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Go program, attached to and recorded from its start: its functions have the shares that they are written to have, and that
# Go's own profiler says; stacks go to the goroutine's start, through functions without a frame too; with its symbols stripped the stacks are as deep.
source "$(dirname "$0")/lib.sh"

cat >work.go <<'GO'
package main

import (
	"fmt"
	"os"
	"runtime/pprof"
	"syscall"
)

var sink int

// One loop for both: as fast in the one as in the other. It writes nothing that the other goroutine does as well.
//go:noinline
func spin(n int) { s := n; for i := 0; i < n; i++ { s = s * 3 + i }; sink = s }

//go:noinline
func heavy(n int) { spin(3 * n); sink++ }

//go:noinline
func light(n int) { spin(n); sink++ }

//go:noinline
func leaf(x int) int {
	s := x
	for i := 0; i < 1000; i++ { s = s*3 + i }
	return s
}

//go:noinline
func callsLeaf(n int) { for i := 0; i < n; i++ { sink += leaf(i) } }

//go:noinline
func work(n int) { heavy(n); light(n); callsLeaf(n / 500) }

//go:noinline
func deep(depth, n int) int {
	if depth == 0 { work(n); return 0 }
	return deep(depth-1, n) + 1
}

func used() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(0, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func main() {
	if len(os.Args) > 1 {
		file, _ := os.Create(os.Args[1])
		pprof.StartCPUProfile(file)
		defer pprof.StopCPUProfile()
	}
	var word string
	fmt.Scanln(&word)
	before := used()
	done := make(chan bool)
	for g := 0; g < 2; g++ {
		go func() {
			// Of no fixed length, which the samples could be in step with.
			for n := 0; used() - before < 1500000000; n = (n * 1103515245 + 12345) & 0x7fffffff { deep(20, 50000 + (n >> 8) % 100000) }
			done <- true
		}()
	}
	<-done
	<-done
	fmt.Println(used() - before)
	if word == "stay" { fmt.Scanln(&word) }
}
GO
go build -o work work.go
go build -ldflags "-s -w" -o stripped work.go

# check TRACE TRUTH: shares and stacks, from the collapsed stacks.
cat >check.py <<'PY'
import sys
time = {"heavy": 0, "light": 0, "leaf": 0}
total = wrong = 0
for line in open(sys.argv[1]):
    stack, _, weight = line.rstrip().rpartition(" ")
    names = [frame.removeprefix("main.") for frame in stack.split(";")]
    total += int(weight)
    for name in time:
        if name in names:
            time[name] += int(weight)
            caller = "callsLeaf" if name == "leaf" else "work"
            assert names.count("deep") == 21 and names[0].startswith("runtime.goexit"), stack
            # Preempted without a frame of its own, a function hides its caller for good.
            at = names.index(name)
            if names[at - 1] != caller:
                wrong += int(weight)
assert wrong < 0.02 * total, (wrong, total)
assert sum(time.values()) > 0.9 * total, (time, total)
assert 0.70 < time["heavy"] / (time["heavy"] + time["light"]) < 0.80, time
assert time["leaf"] > 0.03 * total, time
print(*(time[name] / sum(time.values()) for name in time))
PY
for program in work stripped; do
  begin ./$program its.$program  # which samples itself as well
  "$FLARESTACK" doctor "$target" >doctor.out || fail "doctor: $(cat doctor.out)"
  grep -q "sampled from outside while it runs, its CPU time alone: no agent can enter it and record its heap, since it is a Go program" <(tr -s '\n ' ' ' <doctor.out) ||
    fail "doctor: $(cat doctor.out)"
  begin_attach "$target" --quiet -o t.flare
  echo go >&3
  end 0
  end_attach
  grep -q "by perf_event.*since it is a Go program.*its heap is not recorded" recorder.err || fail "$(cat recorder.err)"
  "$FLARESTACK" info --format json t.flare >info.json
  json_true info.json "abs(d['processes'][0]['cpu_ns'] / $(cat out) - 1) < 0.02" "$program: CPU time as it says, $(cat out) ns"
  json_true info.json 'd["quality"]["stacks_truncated"] == 0 and d["quality"]["complete"]' "$program"
  "$FLARESTACK" export t.flare --format collapsed -o t.collapsed
  if [ $program = work ]; then
    python3 check.py t.collapsed >ours.work || fail "shares"
  else
    awk '{ n = split($0, frames, ";"); if (n > 20) deep += $NF; all += $NF } END { exit !(deep > 0.9 * all) }' t.collapsed || fail "stripped: $(head -3 t.collapsed)"
  fi
done

# Go's own word on the same run, within four standard deviations of its few samples, at 100 Hz.
go tool pprof -top -cum work its.work 2>/dev/null >top
python3 - top "$(cat ours.work)" <<'PY' || fail "pprof: $(cat top)"
import re, sys
text = open(sys.argv[1]).read()
theirs = {m[2]: float(m[1]) for m in re.finditer(r"([\d.]+)%\s+main\.(heavy|light|leaf)$", text, re.M)}
amount, unit = re.search(r"Total samples = ([\d.]+)(ms|s)", text).groups()
samples = float(amount) * (0.1 if unit == "ms" else 100)
total = sum(theirs.values())
for name, ours in zip(("heavy", "light", "leaf"), map(float, sys.argv[2].split())):
    assert abs(theirs[name] / total - ours) < 4 * (0.25 / samples) ** 0.5, (theirs, sys.argv[2])
PY

echo go | timeout 60 "$FLARESTACK" record --quiet -o r.flare -- ./work >out 2>recorder.err || fail "record: $(cat recorder.err)"
[ ! -s recorder.err ] || fail "$(cat recorder.err)"
"$FLARESTACK" export r.flare --format collapsed -o t.collapsed
python3 check.py t.collapsed || fail "shares from the start"
"$FLARESTACK" info --format json r.flare >info.json
json_true info.json 'd["processes"][0]["program"] == "work" and d["processes"][0]["exit"] == 0 and abs(d["processes"][0]["cpu_ns"] / d["processes"][0]["accounted_cpu_ns"] - 1) < 0.02' "what info and report say (1)"
"$FLARESTACK" info --format json r.flare >info.json
json_true info.json '[(p["origin"], p["sampling"], p["exit"], "Go program" in p["heap_not_recorded"]) for p in d["processes"]] == [("launch", "perf_rings", 0, True)] and d["not_recorded"] == []' "from the start"
