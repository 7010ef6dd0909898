#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pprof itself says of an exported profile what `flarestack report` says of the trace, for every value; what is imported
# back says the same again; and so do profiles that Go wrote.
source "$(dirname "$0")/lib.sh"

export GOPATH="$scratch/go:/usr/share/gocode" GOCACHE="$BUILD_DIR/test-cache/go" GO111MODULE=off GOFLAGS= GOPROXY=off CGO_ENABLED=0
timeout 300 go build -p 1 -o pprof github.com/google/pprof || fail "pprof is not built"
compare() { python3 "$SOURCE_DIR/tests/e2e/programs/pprof_top.py" ./pprof "$@"; }
report() { timeout 100 "$FLARESTACK" report --format json --threshold 0 "$@"; }
# functions REPORT: what of it has to be the same; which blocks are lost is no value of an imported profile.
functions() {
  json "$1" '(d["total"], d["unit"], sorted(({k: v for k, v in f.items() if "leaked" not in k} for f in d["functions"]), key=str))'
}

cxx_program work <<'CODE'
#include <map>
#include <string>
#include <thread>
#include <vector>
std::map<std::string, std::string> kept;
__attribute__((noinline)) void* leak(size_t n) { return new char[n]; }
__attribute__((noinline)) void churn(int rounds) {
  std::vector<std::string> parts;
  for (int i = 0; i < rounds; ++i) parts.push_back(std::string(40 + i % 100, 'x'));
}
int recurse(int n) { return n == 0 ? (churn(2000), 0) : recurse(n - 1) + 1; }
int main() {
  std::thread other([] { for (int i = 0; i < 60; ++i) churn(20'000); });
  for (int i = 0; i < 200'000; ++i) kept[std::to_string(i % 7000)] += "some more text";
  for (int i = 0; i < 20; ++i) recurse(i);
  for (int i = 0; i < 9; ++i) leak(1000);
  other.join();
}
CODE
timeout 100 "$FLARESTACK" record --quiet -o t.flare -- ./work

# trip METRIC SAMPLE_INDEX UNIT
trip() {
  report --metric "$1" t.flare >original.json
  timeout 100 "$FLARESTACK" export --format pprof --metric "$1" t.flare -o "$1.pb.gz"
  compare "$1.pb.gz" "$2" "$3" <original.json
  timeout 100 "$FLARESTACK" import "$1.pb.gz" -o back.flare >/dev/null
}
same_functions() {  # WHAT
  [ "$(functions original.json)" = "$(functions again.json)" ] || { functions original.json >1; functions again.json >2; fail "$1: $(diff <(tr '}' '\n' <1) <(tr '}' '\n' <2) | head -20)"; }
}
trip cpu cpu ns
report back.flare >again.json
same_functions cpu
trip leaked leaked_space B
for each in allocated:alloc_space:B allocations:alloc_objects:count live:inuse_space:B peak:peak_space:B temporary:temporary_objects:count; do
  IFS=: read -r metric index unit <<<"$each"
  trip "$metric" "$index" "$unit"
  report --metric "$metric" back.flare >again.json
  same_functions "$metric"
  json original.json 'd["heap"]["sizes"]' >1
  json again.json 'd["heap"]["sizes"]' >2
  cmp 1 2
done
./pprof -raw cpu.pb.gz >raw.txt
grep -q 'Comment: command: ./work' raw.txt
grep -q 'samples/count cpu/nanoseconds\[dflt\]' raw.txt || fail "$(head -20 raw.txt)"
./pprof -raw live.pb.gz >live.txt
grep -q 'inuse_space/bytes\[dflt\]' live.txt || fail "$(head -20 live.txt)"
grep -q 'thread:\[work\]' raw.txt || fail "no labels: $(head -40 raw.txt)"
build_id="$(readelf -n work | awk '/Build ID/ { print $3 }')"
grep -q "$build_id" raw.txt || fail "no build id in $(tail -20 raw.txt)"
timeout 100 "$FLARESTACK" report --thread work back.flare >thread.txt
grep -q '[0-9] allocation' thread.txt || fail "the thread's: $(head -5 thread.txt)"

# Go's own profiles.
mkdir -p go/src/work && cat >go/src/work/main.go <<'CODE'
package main

import (
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"time"
)

var kept [][]byte

//go:noinline
func spin(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i * sum ^ i
	}
	return
}

func work(depth int) int {
	if depth > 0 {
		return work(depth-1) + spin(1000)
	}
	return spin(400_000_000) + len(strings.Repeat("ab", 1<<22))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	runtime.MemProfileRate = 4096
	runtime.SetBlockProfileRate(1)
	cpu, err := os.Create("go.cpu")
	check(err)
	check(pprof.StartCPUProfile(cpu))
	var all sync.WaitGroup
	all.Add(1)
	go func() { time.Sleep(30 * time.Millisecond); work(3); all.Done() }()
	for i := 0; i < 500; i++ {
		kept = append(kept, make([]byte, 10_000+i))
		_ = strings.Repeat("x", 30_000)
	}
	all.Wait()
	pprof.StopCPUProfile()
	check(cpu.Close())
	for _, name := range []string{"heap", "block"} {
		file, err := os.Create("go." + name)
		check(err)
		runtime.GC()
		check(pprof.Lookup(name).WriteTo(file, 0))
		check(file.Close())
	}
	runtime.KeepAlive(kept)
}
CODE
timeout 300 go build -p 1 -o gowork work || fail "the Go program is not built"
timeout 100 ./gowork
for each in cpu:cpu:cpu:ns heap:allocated:alloc_space:B heap:allocations:alloc_objects:count heap:live:inuse_space:B block:wall:delay:ns; do
  IFS=: read -r name metric index unit <<<"$each"
  timeout 100 "$FLARESTACK" import "go.$name" -o "go.$name.flare" >/dev/null
  report --metric "$metric" "go.$name.flare" >go.json
  compare "go.$name" "$index" "$unit" <go.json
done
timeout 100 "$FLARESTACK" info go.heap.flare >info.txt
grep -q 'from pprof' info.txt && ! grep -q 'every allocation$' info.txt || fail "info: $(cat info.txt)"
