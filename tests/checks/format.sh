#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every source file is as clang-format 14 (Debian 12) leaves it. Names those that are not. Usage: format.sh SOURCE_DIR
set -euo pipefail
cd "$1"
export PYTHONDONTWRITEBYTECODE=1
mapfile -d '' sources < <(PYTHONPATH=tests python3 -c '
import source_tree, sys
sys.stdout.write("".join(path + "\0" for path in source_tree.list_files(".") if path.endswith((".cc", ".h"))))')
[ "${#sources[@]}" -gt 0 ] || { echo "no source file found in $1"; exit 1; }
unformatted="$(clang-format --dry-run "${sources[@]}" 2>&1 | sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: .*/\1/p' | sort -u)"
if [ -n "$unformatted" ]; then
  echo "to be formatted by clang-format -i:" $unformatted
  exit 1
fi
