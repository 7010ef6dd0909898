#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every source file is as clang-format 14 (Debian 12) leaves it. Usage: format.sh SOURCE_DIR
set -euo pipefail
cd "$1"
python3 -B - <<'PYTHON' | xargs -0 --no-run-if-empty clang-format --dry-run -Werror
import sys
sys.path.insert(0, "tests")
import source_tree
sys.stdout.write("".join(path + "\0" for path in source_tree.list_files(".") if path.endswith((".cc", ".h"))))
PYTHON
