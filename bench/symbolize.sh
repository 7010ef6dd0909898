#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Time to resolve addresses to functions, lines and inlined calls: ours against llvm-symbolizer, addr2line and
# eu-addr2line, all in one run on the same addresses.
#   bench/symbolize.sh [BUILD_DIR] [WORK_DIR]
# WORK_DIR keeps the large program that is built first (40 units of templates, 60 MB of DWARF; some minutes).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${1:-$here/../build}
work=${2:-$build/symbolize}
runs=5
slow_sample=50 # addresses that eu-addr2line is timed with: it takes 15 ms for each

# Writes stdin to a file unless it is there as it is, so that nothing is compiled twice.
write_source() {
  cat > "$1.new"
  if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

make_program() {
  mkdir -p "$work"
  for i in $(seq 0 39); do
    write_source "$work/unit$i.cc" <<EOF
#include <algorithm>
#include <future>
#include <map>
#include <numeric>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>
namespace unit$i {
struct Key { int a, b; auto operator<=>(const Key&) const = default; };
template <int K> struct Node { std::string name; std::vector<Key> keys; std::map<Key, std::string> values; };
template <int K> size_t work(size_t n) {
  std::map<Key, Node<K>> m;
  std::unordered_map<std::string, std::vector<Node<K>>> u;
  for (size_t i = 0; i < n; i++) {
    Key k{int(i), K};
    m[k].name = std::to_string(i);
    m[k].keys.push_back(k);
    u[std::to_string(i % 7)].push_back(m[k]);
  }
  size_t s = 0;
  for (auto& [k, v] : m) s += std::accumulate(v.name.begin(), v.name.end(), size_t(K));
  for (auto& [k, v] : u) {
    std::sort(v.begin(), v.end(), [](auto& a, auto& b) { return a.name < b.name; });
    s += v.size();
  }
  std::regex r("(a|b)+" + std::to_string(K));
  return s + std::regex_search(std::string("ababab") + std::to_string(K), r);
}
size_t run(size_t n) {
  size_t s = work<0>(n) + work<1>(n) + work<2>(n) + work<3>(n);
  std::ostringstream o;
  o << s;
  return s + std::async([&] { return o.str().size(); }).get();
}
}
EOF
  done
  {
    echo '#include <cstdio>'
    for i in $(seq 0 39); do echo "namespace unit$i { unsigned long run(unsigned long); }"; done
    echo 'int main() { unsigned long s = 0;'
    for i in $(seq 0 39); do echo "s += unit$i::run(50);"; done
    echo 'std::printf("%lu\n", s); }'
  } | write_source "$work/main.cc"
  for source in "$work"/*.cc; do echo "$source"; done |
    xargs -P "$(nproc)" -I{} sh -c 'test "{}".o -nt "{}" || { g++ -std=c++20 -O2 -g -c "{}" -o "{}".o.new && mv "{}".o.new "{}".o; }'
  g++ -g "$work"/*.o -o "$work/program" -pthread -Wl,--build-id
}

# Addresses spread evenly over .text: addresses FILE COUNT
addresses() {
  local start size
  read -r start size < <(readelf -SW "$1" | sed -n 's/.* \.text *PROGBITS *\([0-9a-f]*\) [0-9a-f]* \([0-9a-f]*\).*/\1 \2/p')
  awk -v start="$((16#$start))" -v size="$((16#$size))" -v count="$2" \
    'BEGIN { for (i = 0; i < count; i++) printf "0x%x\n", start + int(size / count * i) }'
}

# The best of $runs: time_of NAME ADDRESSES COMMAND... -> "NAME wall-ms cpu-ms"
time_of() {
  local name=$1 input=$2 best= i
  shift 2
  for ((i = 0; i < runs; i++)); do
    local TIMEFORMAT='%R %U %S' now
    now=$({ time "$@" < "$input" > "$work/output" 2> "$work/errors"; } 2>&1)
    now=$(awk '{ printf "%.0f %.0f", $1 * 1000, ($2 + $3) * 1000 }' <<< "$now")
    [ -z "$best" ] || [ "${now%% *}" -lt "${best%% *}" ] && best=$now
  done
  printf '%-44s %8s ms wall %8s ms CPU\n' "$name" ${best}
}

compare() {
  local file=$1 count=$2
  addresses "$file" "$count" > "$work/addresses"
  addresses "$file" "$slow_sample" > "$work/few"
  echo "$file, $(wc -l < "$work/addresses") addresses:"
  rm -rf "$work/cache"
  "$bench" "$file" < "$work/addresses" | sed 's/^/  found: /'
  time_of "  flarestack, cold" "$work/addresses" "$bench" "$file"
  "$bench" "$file" "$work/cache" < "$work/addresses" > /dev/null
  time_of "  flarestack, cached" "$work/addresses" "$bench" "$file" "$work/cache"
  time_of "  llvm-symbolizer --inlining" "$work/addresses" llvm-symbolizer --inlining -e "$file"
  runs=1 time_of "  addr2line -i -f -C" "$work/addresses" timeout 600 addr2line -i -f -C -e "$file"
  runs=1 time_of "  eu-addr2line -i -f -C, $slow_sample addresses" "$work/few" timeout 600 eu-addr2line -i -f -C -e "$file"
}

cmake --build "$build" --target symbolize_bench > /dev/null
bench=$(find "$build" -name symbolize_bench -type f -perm -u+x | head -1)
make_program
echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) processors, Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg)"
compare "$work/program" 5000
compare "$(ldd "$bench" | sed -n 's/.*=> \(.*libc\.so\.6\) .*/\1/p')" 2000
