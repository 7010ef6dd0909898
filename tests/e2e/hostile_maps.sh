#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program whose perf map or jitdump is hostile: of any bytes, without an end, a FIFO, a device, with records of no size. Its
# recording ends in time all the same, is complete, and what it has of the code is a name or an address.
source "$(dirname "$0")/lib.sh"

cc_program jit <<'C'
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
static const unsigned char kLoop[] = {0x48, 0x89, 0xf8, 0x48, 0xff, 0xc8, 0x75, 0xfb, 0xc3};  // mov rax, rdi; dec rax; jnz; ret
static char path[64];
static void garbage(FILE* file, size_t bytes) {
  unsigned seed = 7;
  for (size_t i = 0; i < bytes; ++i) { seed = seed * 1664525u + 1013904223u; fputc(seed >> 24, file); }
}
int main(int argc, char** argv) {
  unsigned char* code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(code, kLoop, sizeof kLoop);
  const char* kind = argv[1];
  int is_dump = strncmp(kind, "dump", 4) == 0;
  snprintf(path, sizeof path, is_dump ? "jit-%d.dump" : "/tmp/perf-%d.map", getpid());
  if (strcmp(kind, "fifo") == 0) mkfifo(path, 0600);
  else if (strcmp(kind, "device") == 0 && symlink("/dev/zero", path) != 0) return 3;
  else if (strcmp(kind, "device") != 0) {
    FILE* file = fopen(path, "w+");
    if (is_dump) {
      uint32_t header[10] = {0x4A695444, 1, 40, 62, 0, (uint32_t)getpid(), 0, 0, 0, 0};
      fwrite(header, sizeof header, 1, file);
    }
    if (strcmp(kind, "bytes") == 0 || strcmp(kind, "dump-bytes") == 0) garbage(file, 4 << 20);
    if (strcmp(kind, "line") == 0) { fprintf(file, "%lx 1000 ", (unsigned long)code); for (int i = 0; i < 64 << 20; ++i) fputc('x', file); }
    if (strcmp(kind, "overlap") == 0) for (int i = 0; i < 200000; ++i) fprintf(file, "%x ffffffffffffffff f%d\n", i, i);
    if (strcmp(kind, "sparse") == 0 && ftruncate(fileno(file), 1ll << 40) != 0) return 3;
    if (strcmp(kind, "dump-empty") == 0) for (int i = 0; i < 1 << 20; ++i) fwrite("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 1, file);
    if (strcmp(kind, "dump-long") == 0) for (int i = 0; i < 1 << 16; ++i) fwrite("\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0", 16, 1, file);
    fflush(file);
    if (is_dump) mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(file), 0);
  }
  clock_t start = clock();
  while (clock() - start < CLOCKS_PER_SEC / 5) ((uint64_t (*)(uint64_t))code)(1000000);
  printf("%s %d\n", kind, getpid() > 0);
  fprintf(stderr, "%s\n", path);
  return 0;
}
C
for kind in bytes line overlap sparse fifo device dump-bytes dump-empty dump-long; do
  status=0
  timeout 60 "$FLARESTACK" record --quiet --no-heap -o t.flare -- ./jit "$kind" >out 2>err || status=$?
  rm -f "$(head -1 err)"
  [ "$status" = 0 ] || fail "$kind: record ended with status $status: $(cat err)"
  [ "$(cat out)" = "$kind 1" ] || fail "$kind: the program said: $(cat out)"
  [ "$(wc -l <err)" = 1 ] || fail "$kind: more than the program's own words: $(cat err)"
  timeout 60 "$FLARESTACK" report t.flare --format json >report.json
  json_true report.json "d['quality']['complete'] and d['quality']['samples'] >= 100" "$kind: a whole recording"
  json_true report.json "sum(f['self'] for f in d['functions'] if f['module'] not in ('jit', 'libc.so.6', 'kernel')) >= 80000000" "$kind: the code's time"
done
