#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh FIXTURE FOLDER: opens the flame graphs that FIXTURE writes in Chromium. FOLDER keeps the npm packages.
set -euo pipefail
fixture=$1 folder=$2
source_folder=$(cd "$(dirname "$0")" && pwd)

chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$chromium" ]; then
  echo "no chromium found; apt install chromium, or set CHROMIUM to its path" >&2
  exit 1
fi
for tool in node npm; do
  command -v $tool > /dev/null || { echo "no $tool found; apt install nodejs npm" >&2; exit 1; }
done

mkdir -p "$folder/graphs"
cp "$source_folder"/package.json "$source_folder"/package-lock.json "$source_folder"/*.mjs "$folder"
if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed-lock"; then
  (cd "$folder" && npm ci --no-audit --no-fund)
  cp "$folder/package-lock.json" "$folder/node_modules/.installed-lock"
fi
"$fixture" "$folder/graphs"
cd "$folder"
CHROMIUM=$chromium GRAPHS=$folder/graphs node --test flamegraph.test.mjs
