#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program that compiles functions at run time, the second one to the place of the first, and says so in a jitdump: each
# has the CPU time that the program itself measured, and its file and line; the same of node's own jitdump.
source "$(dirname "$0")/lib.sh"

cc_program jits <<'C'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
static const unsigned char kLoop[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xf8,  // push rbp; mov rbp, rsp; mov rax, rdi
                                      0x48, 0xff, 0xc8, 0x75, 0xfb, 0x5d, 0xc3};  // dec rax; jnz; pop rbp; ret
static FILE* dump;
static uint64_t now(clockid_t clock) { struct timespec t; clock_gettime(clock, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static void put32(uint32_t v) { fwrite(&v, 4, 1, dump); }
static void put64(uint64_t v) { fwrite(&v, 8, 1, dump); }
static void say(const char* name, unsigned char* at, uint32_t line) {
  static uint64_t index;
  uint32_t entry = 16 + strlen("/src/a.jit") + 1;
  put32(2); put32(16 + 16 + 2 * entry); put64(now(CLOCK_MONOTONIC)); put64((uint64_t)at); put64(2);
  for (int i = 0; i < 2; ++i) { put64((uint64_t)at + i * 7); put32(line + i); put32(0); fwrite("/src/a.jit", 11, 1, dump); }
  put32(0); put32(16 + 40 + strlen(name) + 1 + sizeof kLoop); put64(now(CLOCK_MONOTONIC)); put32(getpid()); put32(getpid());
  put64((uint64_t)at); put64((uint64_t)at); put64(sizeof kLoop); put64(index++);
  fwrite(name, strlen(name) + 1, 1, dump); fwrite(kLoop, sizeof kLoop, 1, dump);
}
static void run(const char* name, unsigned char* at, uint32_t line, double seconds) {
  memcpy(at, kLoop, sizeof kLoop);
  say(name, at, line);
  uint64_t start = now(CLOCK_PROCESS_CPUTIME_ID);
  while (now(CLOCK_PROCESS_CPUTIME_ID) - start < seconds * 1e9) ((uint64_t (*)(uint64_t))at)(1000000);
  printf("%s %llu\n", name, (unsigned long long)(now(CLOCK_PROCESS_CPUTIME_ID) - start));
}
int main(void) {
  char path[64];
  snprintf(path, sizeof path, "jit-%d.dump", getpid());
  dump = fopen(path, "w+");
  mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(dump), 0);  // the mark that perf and we look for
  put32(0x4A695444); put32(1); put32(40); put32(62); put32(0); put32(getpid()); put64(now(CLOCK_MONOTONIC)); put64(0);
  unsigned char* code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  run("first_code", code, 10, 0.6);
  run("second_code", code, 20, 0.3);
  run("third_code", code + 1024, 30, 0.3);
  fclose(dump);
}
C
"$FLARESTACK" record --quiet -o jits.flare -- ./jits >truth
"$FLARESTACK" report jits.flare --format json >jits.json
while read -r name time_ns; do
  json_true jits.json "[abs(f['self'] - $time_ns) < 0.1 * $time_ns for f in d['functions'] if f['name'] == '$name'] == [True]" "$name took $time_ns"
done <truth
json_true jits.json "{f['name']: (f['file'], f['line']) for f in d['functions'] if f['name'].endswith('_code')} == {'first_code': ('/src/a.jit', 11), 'second_code': ('/src/a.jit', 21), 'third_code': ('/src/a.jit', 31)}" "lines"

cat >hot.js <<'JS'
function hot(n) { let s = 0;
  for (let i = 0; i < n; i++) s = (s * 31 + i) | 0;
  return s; }
let s = 0, end = Date.now() + 1500;
while (Date.now() < end) s ^= hot(1e6);
JS
# Of V8's baseline compiler the lines are not of machine code: the function's own line stands for them.
node_run() {  # its option, the name of the hot function, the lines it may have
  rm jit-*.dump
  "$FLARESTACK" record --quiet -o node.flare -- node --perf-prof "$1" hot.js
  ls jit-*.dump >/dev/null || fail "node wrote no jitdump"
  "$FLARESTACK" report node.flare --format json >node.json
  json_true node.json "[(f['file'].endswith('/hot.js'), f['line'] in $3) for f in d['functions'] if f['name'].startswith('$2')] == [(True, True)]" "node's hot function"
}
node_run --max-opt=1 "JS:^hot " "(1,)"
node_run --max-opt=3 "JS:*hot " "(1, 2, 3)"
json_true node.json "'hot ' in max((f for f in d['functions'] if not f['name'].startswith('[')), key=lambda f: f['self'])['name']" "node's hottest function"
