#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A metric that was not recorded is an error of one sentence that says how to record it; one that nobody knows is wrong
# usage.
source "$(dirname "$0")/lib.sh"

"$FLARESTACK" record --quiet --no-cpu -o t.flare -- true
for metric in cpu wall; do
  status=0
  "$FLARESTACK" report t.flare --metric $metric >out 2>err || status=$?
  [ "$status" = 1 ] || fail "--metric $metric: status $status"
  [ ! -s out ] || fail "--metric $metric: a report of nothing"
  [ "$(wc -l <err)" = 1 ] && grep -q "^flarestack: --metric $metric: .*without --no-cpu" err || fail "--metric $metric: $(cat err)"
done
"$FLARESTACK" report t.flare >out || fail "no report without --metric"

status=0
"$FLARESTACK" report t.flare --metric leeked 2>err || status=$?
[ "$status" = 2 ] || fail "--metric leeked: status $status"
