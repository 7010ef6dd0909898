#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh NAME FIXTURE FOLDER: NAME.test.mjs opens in Chromium what FIXTURE writes. FOLDER has the packages of packages.sh.
set -euo pipefail
name=$1 fixture=$2 folder=$3
source_folder=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$folder/$name"
cp "$source_folder"/*.mjs "$folder"
"$fixture" "$folder/$name"
cd "$folder"
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)} PAGES=$folder/$name \
  PICTURES=$source_folder/../../docs/pictures MADE=$folder/$name/pictures GOLDEN=$source_folder/../unit/report/golden \
  node --test "$name.test.mjs"
