#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh FIXTURE FOLDER: opens what FIXTURE writes in Chromium: flame graphs, and exports in speedscope. FOLDER has the packages of packages.sh.
set -euo pipefail
fixture=$1 folder=$2
source_folder=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$folder/graphs"
cp "$source_folder"/*.mjs "$folder"
"$fixture" "$folder/graphs"
cd "$folder"
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)} GRAPHS=$folder/graphs \
  node --test flamegraph.test.mjs speedscope.test.mjs
