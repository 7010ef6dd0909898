#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts below a prefix works from there, and lies where a distribution would put it.
source "$(dirname "$0")/lib.sh"

cmake --install "$BUILD_DIR" --prefix "$scratch/usr" >install.log
for file in bin/flarestack share/man/man1/flarestack.1 share/man/man1/flarestack-record.1 \
  share/bash-completion/completions/flarestack share/zsh/site-functions/_flarestack \
  share/fish/vendor_completions.d/flarestack.fish; do
  [ -s "usr/$file" ] || fail "not installed: $file; $(cat install.log)"
done
usr/bin/flarestack record --quiet -o t.flare -- sh -c 'exit 3' && fail "the status of the program is lost"
usr/bin/flarestack info --records t.flare >records
grep -q '^process .*executable="/usr/bin/dash"' records || fail "the installed program did not record: $(cat records)"
