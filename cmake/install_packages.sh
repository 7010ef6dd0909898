#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install_packages.sh GROUP...: installs the packages that cmake/packages.txt lists for the groups, as root or with sudo.
# Does nothing, and asks for nothing, where all of them are installed already. Speaks on stderr only.
set -euo pipefail

list="$(dirname "${BASH_SOURCE[0]}")/packages.txt"

wanted_packages() {
  local group package tool
  while read -r group package tool; do
    if [[ " $* " == *" $group "* ]] && ! { [ -n "$tool" ] && command -v "$tool" >/dev/null; }; then
      echo "$package"
    fi
  done <"$list"
}

# One dpkg-query for all: 20 ms, so that ./run can ask at every start.
missing_packages() {
  local installed
  installed="$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')"
  comm -23 <(wanted_packages "$@" | sort -u) <(sort -u <<<"$installed")
}

apt_install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive timeout 1500 apt-get install --yes --quiet \
    --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null >&2
}

apt_update() {
  "${as_root[@]}" timeout 300 apt-get update --quiet -o DPkg::Lock::Timeout=300 </dev/null >&2
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This is not Debian: install what $list names by your own means." >&2
  exit 0
fi
mapfile -t missing < <(missing_packages "$@")
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "These packages are missing and neither root nor sudo is here to install them; as root, run:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "Installing ${#missing[@]} packages: ${missing[*]}" >&2
# A fresh image has no package index, an old one may name versions that are gone: fetch it only then.
if ! compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then
  apt_update
  apt_install "${missing[@]}"
else
  apt_install "${missing[@]}" || { apt_update && apt_install "${missing[@]}"; }
fi
