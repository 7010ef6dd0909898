#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh types|units PACKAGES FOLDER: checks a copy of report/web/view and of the tests in FOLDER/PART, where they are ES
# modules to any version of node. PACKAGES has the npm packages.
set -euo pipefail
part=$1 packages=$2 folder=$3/$1
source_folder=$(cd "$(dirname "$0")/../.." && pwd)

rm -rf "$folder"
mkdir -p "$folder/report/web" "$folder/tests"
cp -r "$source_folder/report/web/view" "$folder/report/web/view"
cp -r "$source_folder/tests/web" "$folder/tests/web"
cp "$packages/package.json" "$folder"
ln -s "$packages/node_modules" "$folder/node_modules"
cd "$folder"
if [ "$part" = types ]; then
  node node_modules/typescript/bin/tsc -p tests/web/tsconfig.json
else
  node --test tests/web/*.test.mjs
fi
