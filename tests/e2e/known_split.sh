#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program that splits its CPU time 50/30/20 between three functions, and measures the split itself, is reported within 2
# points of what it measured: one thread and eight, both timers. (Or of the rounds that it worked: where a hypervisor stops
# a thread in the kernel, its clock adds that to one function, and we to [kernel].) CPU timers look only at the kernel's ticks (CONFIG_HZ), so a
# call of `t` ms is seen t/4 times, or once more, where there are 250 ticks a second; 120 calls of 20 ms and more, whose
# beginnings are no multiples of a tick, leave a standard error of 0.4 points, and 2 points may be claimed for them too.
source "$(dirname "$0")/lib.sh"

cxx_program splitter <<'C'
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <thread>
#include <vector>

static double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}
#define WORK(name) [[gnu::noinline]] void name(long rounds) { volatile long sink = 0; for (long i = 0; i < rounds; ++i) sink = sink * 31 + i; }
WORK(half) WORK(three_tenths) WORK(fifth)
static void (*const works[])(long) = {half, three_tenths, fifth};
static const int percents[] = {50, 30, 20};

int main(int, char** arguments) {
  const int count = std::atoi(arguments[1]), calls = std::atoi(arguments[2]);
  const double start = cpu_seconds();
  half(20'000'000);
  const double rounds_per_ms = 20'000 / (cpu_seconds() - start);
  std::vector<std::vector<double>> spent(count, std::vector<double>(3)), worked = spent;
  spent[0][0] = cpu_seconds() - start;
  worked[0][0] = 20'000'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand random(t);
      for (int call = 0; call < 3 * calls; ++call) {  // lengths vary, so that no rhythm is in step with a timer's
        const double ms = percents[call % 3] * (0.7 + 0.6 * random() / random.max());
        const double before = cpu_seconds();
        works[call % 3](long(ms * rounds_per_ms));
        worked[t][call % 3] += ms * rounds_per_ms;
        spent[t][call % 3] += cpu_seconds() - before;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const char* names[] = {"half", "three_tenths", "fifth"};
  double sums[3] = {}, rounds[3] = {};
  for (int t = 0; t < count; ++t) for (int i = 0; i < 3; ++i) { sums[i] += spent[t][i]; rounds[i] += worked[t][i]; }
  for (int i = 0; i < 3; ++i) {
    std::printf("%s %.4f %.4f\n", names[i], sums[i] / (sums[0] + sums[1] + sums[2]), rounds[i] / (rounds[0] + rounds[1] + rounds[2]));
  }
}
C

for options in "--cpu 1000" "--timer posix"; do
  for size in "1 40" "8 5"; do
    timeout 60 "$FLARESTACK" record --quiet $options -o t.flare -- ./splitter $size >truth
    "$FLARESTACK" report --format json --threshold 0 t.flare >t.json
    of="(lambda *names: sum(f['self'] for f in d['functions'] if f['name'].split('(')[0] in names))"
    while read -r name by_clock by_rounds; do
      json_true t.json "(lambda share: min(abs(share - $by_clock), abs(share - $by_rounds)) < 0.02)($of('$name') / $of('half', 'three_tenths', 'fifth'))" \
        "$options, threads and calls $size: $name has not $by_clock"
    done <truth
    [ "$(wc -l <truth)" = 3 ] || fail "$(cat truth)"
  done
done
