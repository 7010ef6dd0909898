#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent enters foreign programs: it needs no library, imports and exports only what agent_symbols.txt allows, has no
# thread-local storage, asks for no executable stack and no text relocation, and runs no code from a writable segment.
# Usage: agent_imports.sh AGENT.so
set -euo pipefail
agent="$1"
lists="$(dirname "${BASH_SOURCE[0]}")/agent_symbols.txt"
failed=0

complain() {
  echo "$(basename "$agent"): $*"
  failed=1
}

# not_allowed KIND: the names on stdin, less those that the list allows as KIND.
not_allowed() { sort -u | comm -23 - <(awk -v kind="$1" '$1 == kind { print $2 }' "$lists" | sort -u); }

# A weak or unversioned name is a name all the same: cut what follows the @.
imports="$(nm --dynamic --undefined-only --format=posix "$agent" | sed 's/[@ ].*//' | not_allowed import)"
exports="$(nm --dynamic --defined-only --format=posix "$agent" | awk '$2 != "A" { print $1 }' | sed 's/@.*//' | not_allowed export)"
dynamic="$(readelf --wide --dynamic "$agent")"
segments="$(readelf --wide --program-headers "$agent")"

[ -z "$imports" ] || complain "imports" $imports
[ -z "$exports" ] || complain "exports" $exports
! grep -q '(NEEDED)' <<<"$dynamic" || complain "needs a library:" "$(grep '(NEEDED)' <<<"$dynamic")"
! grep -qE '\((RPATH|RUNPATH)\)' <<<"$dynamic" || complain "names a library path"
! grep -qE '\(TEXTREL\)|TEXTREL' <<<"$dynamic" || complain "relocates its own code"
! grep -qE '^ *TLS ' <<<"$segments" || complain "has thread-local storage"
! grep -qE '^ *(LOAD|GNU_STACK) .* RWE ' <<<"$segments" || complain "has a segment that is writable and executable"
grep -q 'GNU_STACK' <<<"$segments" || complain "says nothing of its stack, so the loader makes stacks executable"
exit "$failed"
