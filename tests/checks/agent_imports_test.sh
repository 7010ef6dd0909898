#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# agent_imports.sh lets a harmless library pass and finds each fault in one that has them all. Usage: ... C++-COMPILER
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
checks="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

echo 'namespace { int zero() { return 0; } } __attribute__((visibility("hidden"))) int (*pointer)() = zero;' >"$folder/right.cc"
"$1" -shared -fPIC -nostdlib "$folder/right.cc" -o "$folder/right.so"
bash "$checks/agent_imports.sh" "$folder/right.so"

cat >"$folder/wrong.cc" <<'CODE'
#include <cstdlib>
#include <string>
thread_local std::string text;
extern "C" char* exported_by_mistake() { text.append(1000, 'x'); return std::getenv("HOME"); }
CODE
"$1" -shared -fPIC -z execstack -Wl,-rpath,/usr/lib "$folder/wrong.cc" -o "$folder/wrong.so"
if bash "$checks/agent_imports.sh" "$folder/wrong.so" >"$folder/said"; then
  echo "a wrong agent passed"
  exit 1
fi
for fault in 'imports.* getenv' 'imports.* _ZNSt' 'exports.* exported_by_mistake' 'needs a library' 'names a library path' \
  'has thread-local storage' 'writable and executable'; do
  grep -qE "$fault" "$folder/said" || { echo "not found: $fault"; cat "$folder/said"; exit 1; }
done
