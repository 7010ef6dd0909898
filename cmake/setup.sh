# SPDX-License-Identifier: Apache-2.0
# Sourced by ./run and ./check: packages and builds. Everything here speaks on stderr and reads no stdin, which both
# belong to the program that is recorded.

source_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

say() { echo "== $*" >&2; }

# install_packages GROUP...
install_packages() { "$source_dir/cmake/install_packages.sh" "$@"; }

# build FOLDER NINJA_ARGUMENTS -- CMAKE_ARGUMENTS: configures FOLDER where it is not yet, and builds. Ninja notices by
# itself when CMake has to run again. One at a time: two ./run in one checkout wait for each other.
build() {
  local folder="$source_dir/$1" ninja_arguments=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    ninja_arguments+=("$1")
    shift
  done
  shift || true
  mkdir -p "$folder"
  (
    flock 9
    if [ ! -e "$folder/build.ninja" ]; then
      timeout 300 cmake -S "$source_dir" -B "$folder" -G Ninja "$@" >"$folder/configure.log" 2>&1 ||
        { cat "$folder/configure.log" >&2; exit 1; }
    fi
    timeout 3000 ninja --quiet -C "$folder" "${ninja_arguments[@]}" >&2
  ) 9>"$folder/.lock" </dev/null
}
