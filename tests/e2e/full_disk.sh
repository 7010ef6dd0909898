# SPDX-License-Identifier: Apache-2.0
# A trace that cannot be written: before the start that is an error and the program does not run; later on the program is
# unharmed, one sentence says what happened, and what was written is readable.
source "$(dirname "$0")/lib.sh"

# Many different stacks, so that the trace grows: a deep recursion in ever new orders, for so many seconds of CPU time.
cc_program grower <<'EOS'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
volatile unsigned long sink;
static unsigned long seed = 1;
static double now(void) { struct timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
static unsigned long draw(void) { return seed = seed * 6364136223846793005ul + 1442695040888963407ul; }
#define STEP(name) __attribute__((noinline)) void name(int depth) { walk(depth); sink += 1; }
void walk(int depth);
STEP(a) STEP(b) STEP(c) STEP(d)
__attribute__((noinline)) void walk(int depth) {
  static void (*const steps[])(int) = {a, b, c, d};
  if (depth > 0) steps[draw() >> 62](depth - 1);
  else for (int i = 0; i < 20000; i++) sink = sink * 31 + 7;
  sink += 1;
}
int main(int argc, char** argv) {
  // The limit that the shell set for the recorder was inherited as it is, its signal's action too.
  struct sigaction action;
  sigaction(SIGXFSZ, NULL, &action);
  printf("SIGXFSZ is %s\n", action.sa_handler == SIG_IGN ? "ignored" : "default");
  for (double end = now() + atof(argv[1]); now() < end;) walk(200);
  puts("done");
  return 7;
}
EOS

# check_outcome TRACE CAUSE [FUNCTION]: after a recording whose file could not grow, with its output in out and err; its
# report has the function.
check_outcome() {
  [ "$status" = 7 ] || fail "exit status $status: $(cat err)"
  [ "$(tail -1 out)" = "done" ] || fail "the program did not finish"
  [ "$(wc -l <err)" = 1 ] || fail "not one sentence: $(cat err)"
  grep -q "^flarestack: the trace is incomplete: write $1: $2; the $(stat -c %s "$1") bytes before it are a readable trace" err || fail "$(cat err)"
  for command in report tree info 'export --format collapsed'; do
    $FLARESTACK $command "$1" >text 2>&1 || fail "$command: $(cat text)"
  done
  "$FLARESTACK" report "$1" >report.txt 2>&1
  grep -q 'stopped before it finished' report.txt || fail "report does not say that it is incomplete: $(cat report.txt)"
  grep -q "${3:-}" report.txt || fail "what was written before is lost"
  "$FLARESTACK" info --format json "$1" >i.json
  json_true i.json 'd["command"][0] == "./grower" and not d["quality"]["complete"]' "what the trace is of"
}

# A trace is written once a second, so its first part is at most four tenths of this one: six tenths are room for that, and
# not for one of the double time. In 1 KiB there is room for the command alone; what more there is in 16 KiB depends on the machine.
"$FLARESTACK" record --cpu 5000 --quiet -o whole.flare -- ./grower 2.5 >/dev/null || [ $? = 7 ]
room_kib=$(($(stat -c %s whole.flare) * 6 / 10 / 1024))

for room in "DFL $room_kib walk" "IGN $room_kib walk" "DFL 1" "IGN 16"; do
  read -r action kib function <<<"$room"
  status=0
  (
    [ "$action" = DFL ] || trap '' XFSZ
    ulimit -S -f "$kib"
    "$FLARESTACK" record --cpu 5000 --quiet -o t.flare -- ./grower 5 2>&1 >out </dev/null | cat >err  # no file: room for it
    exit "${PIPESTATUS[0]}"
  ) || status=$?
  check_outcome t.flare "File too large" "$function"
  [ "$(head -1 out)" = "SIGXFSZ is $([ "$action" = DFL ] && echo default || echo ignored)" ] || fail "$action: $(head -1 out)"
done

if [ "$(id -u)" = 0 ] && mkdir disk && mount -t tmpfs -o "size=${room_kib}k" none disk 2>/dev/null; then
  trap 'umount "$scratch/disk"; rm -rf "$scratch"' EXIT
  status=0
  "$FLARESTACK" record --cpu 5000 --quiet -o disk/t.flare -- ./grower 5 >out 2>err </dev/null || status=$?
  check_outcome disk/t.flare "No space left on device" walk
  # Full from the start.
  rm disk/t.flare
  head -c 1M /dev/zero >disk/filler 2>/dev/null || true
  status=0
  "$FLARESTACK" record -o disk/t.flare -- sh -c 'echo ran >ran' >out 2>err </dev/null || status=$?
  [ "$status" = 125 ] && [ ! -e ran ] || fail "on a full disk: status $status, $(cat err)"
  [ ! -s disk/t.flare ] || fail "a partial header was left"
fi

# fails_before_the_start -o-ARGUMENT CAUSE
fails_before_the_start() {
  status=0
  $as_user "$FLARESTACK" record -o "$1" -- sh -c 'echo ran >ran' >out 2>err </dev/null || status=$?
  [ "$status" = 125 ] || fail "$1: exit status $status"
  [ ! -e ran ] || fail "$1: the program ran"
  [ ! -s out ] && [ "$(wc -l <err)" = 1 ] || fail "$1: not one sentence: $(cat out err)"
  grep -q "$2.*-o FILE" err || fail "$1: $(cat err)"
}
as_user=
fails_before_the_start /dev/full "No space left on device"
[ -c /dev/full ] || fail "/dev/full was touched"
fails_before_the_start no/such/folder/t.flare "No such file or directory"
fails_before_the_start . "Is a directory"
mkdir -m 555 readonly
if [ "$(id -u)" = 0 ]; then # to whom no directory is read-only
  chmod 755 "$scratch"
  as_user="setpriv --reuid=65534 --regid=65534 --clear-groups"
fi
fails_before_the_start readonly/t.flare "Permission denied"
# The default place.
status=0
(cd readonly && $as_user "$FLARESTACK" record -- sh -c 'echo ran >../ran' >../out 2>../err </dev/null) || status=$?
[ "$status" = 125 ] && [ ! -e ran ] && grep -q 'flarestack.sh.*Permission denied.*-o FILE' err || fail "read-only directory: $status $(cat err)"
# Room for a file's header and no more.
status=0
prlimit --fsize=64: "$FLARESTACK" record -o t.flare -- sh -c 'echo ran >ran' 2>&1 >out </dev/null | cat >err || status="${PIPESTATUS[0]}"
[ "$status" = 125 ] && [ ! -e ran ] && [ ! -e t.flare ] && grep -q '^flarestack.*File too large; choose another place with -o FILE$' err ||
  fail "room for a header: status $status, $(cat err)"
[ "$(wc -l <err)" = 1 ] || fail "not one sentence: $(cat err)"
# What could not be run leaves no file, and no device is removed.
status=0
"$FLARESTACK" record -o t.flare -- ./missing 2>err || status=$?
[ "$status" = 127 ] && [ ! -e t.flare ] || fail "a program that is missing: $status"
