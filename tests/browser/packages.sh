#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# packages.sh FOLDER: installs the npm packages of package-lock.json into FOLDER, which keeps them, and checks that there
# is a browser.
set -euo pipefail
folder=$1
source_folder=$(cd "$(dirname "$0")" && pwd)

for tool in node npm; do
  command -v $tool > /dev/null || { echo "no $tool found; apt install nodejs npm" >&2; exit 1; }
done
if [ -z "${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}" ]; then
  echo "no chromium found; apt install chromium, or set CHROMIUM to its path" >&2
  exit 1
fi
mkdir -p "$folder"
cp "$source_folder"/package.json "$source_folder"/package-lock.json "$folder"
if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed-lock"; then
  (cd "$folder" && npm ci --no-audit --no-fund)
  cp "$folder/package-lock.json" "$folder/node_modules/.installed-lock"
fi
