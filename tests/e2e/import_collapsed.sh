#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Collapsed stacks that are imported and exported again are the same, byte for byte.
source "$(dirname "$0")/lib.sh"

cxx_program work <<'CODE'
#include <map>
#include <string>
int main() {
  std::map<std::string, std::string> names;
  for (int i = 0; i < 300'000; ++i) names[std::to_string(i % 5000)] += "some text";
  return names.size() == 5000 ? 0 : 1;
}
CODE
timeout 100 "$FLARESTACK" record --quiet -o t.flare -- ./work
for metric in cpu allocated; do
  timeout 100 "$FLARESTACK" export --format collapsed --metric "$metric" t.flare -o "$metric.txt"
  [ "$(wc -l <"$metric.txt")" -gt 1 ] || fail "$metric: hardly a stack"
  timeout 100 "$FLARESTACK" import "$metric.txt" >told.txt
  grep -q "are now in $metric.txt.flare" told.txt || fail "$(cat told.txt)"
  timeout 100 "$FLARESTACK" export --format collapsed "$metric.txt.flare" -o again.txt
  cmp "$metric.txt" again.txt || fail "$metric: $(diff "$metric.txt" again.txt | head -6 | cut -c 1-500)"
  gzip -k "$metric.txt"
  timeout 100 "$FLARESTACK" import --format collapsed "$metric.txt.gz" -o packed.flare >told.txt
  timeout 100 "$FLARESTACK" export --format collapsed packed.flare -o again.txt
  cmp "$metric.txt" again.txt
done

# What is no input leaves no trace, and says where it is wrong.
rejected() {  # STDERR FILE...
  local status=0
  timeout 100 "$FLARESTACK" import "${@:2}" -o bad.flare 2>err.txt >out.txt || status=$?
  [ "$status" = 1 ] || fail "status $status for ${*:2}"
  [ "$(wc -l <err.txt)" = 1 ] && [ ! -s out.txt ] || fail "not one sentence: $(cat err.txt out.txt)"
  grep -qF -- "$1" err.txt || fail "no '$1' in $(cat err.txt)"
  [ -z "$(find . -name 'bad.flare*')" ] || fail "something was left: $(ls)"
}
(head -2 cpu.txt && echo "no number") >broken.txt
rejected "broken.txt: line 3 " broken.txt
rejected "it is empty" /dev/null
rejected "already" t.flare
rejected "no format" "$FLARESTACK"
rejected "gzipped" <(head -c 100 cpu.txt.gz)
rejected "no event 'x'" --format perf-script --event x <(printf 'a 1 1.5: 1 cycles:\n\t12 f (/t)\n')
rejected "No such file" nothing.txt
