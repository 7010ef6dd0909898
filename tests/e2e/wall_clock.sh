# SPDX-License-Identifier: Apache-2.0
# The wall clock: two threads that spend 70 % of their time in poll and 30 % on a condition variable are reported within 2
# points of what they measured themselves, a thread that sleeps all along is seen where it sleeps, and nothing is signalled.
source "$(dirname "$0")/lib.sh"

cxx_program waiter <<'C'
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <poll.h>
#include <thread>
using namespace std::chrono;
static double polled[2], waited[2];
static int interrupted[2];
[[gnu::noinline]] void wait_in_poll(int i) {
  auto start = steady_clock::now();
  if (poll(nullptr, 0, 35) < 0 && errno == EINTR) ++interrupted[i];
  polled[i] += duration<double>(steady_clock::now() - start).count();
}
[[gnu::noinline]] void wait_on_condition(int i) {
  static std::mutex mutexes[2];
  static std::condition_variable conditions[2];
  auto start = steady_clock::now();
  std::unique_lock lock(mutexes[i]);
  conditions[i].wait_for(lock, milliseconds(15));
  waited[i] += duration<double>(steady_clock::now() - start).count();
}
void run(int i) {
  for (int round = 0; round < 80; ++round) {
    wait_in_poll(i);
    wait_on_condition(i);
  }
}
int main() {
  std::thread first(run, 0), second(run, 1);
  first.join();
  second.join();
  std::printf("%.4f %d\n", (polled[0] + polled[1]) / (polled[0] + polled[1] + waited[0] + waited[1]), interrupted[0] + interrupted[1]);
}
C
timeout 60 "$FLARESTACK" record --quiet --clock wall -o t.flare -- ./waiter >waiter.out
read -r truth interrupted <waiter.out
[ "$interrupted" = 0 ] || fail "$interrupted calls of poll were interrupted"
"$FLARESTACK" report --format json --threshold 0 t.flare >report.json
total_of="{f['name'].split('(')[0]: f['total'] for f in d['functions']}"
json_true report.json "d['metric'] == 'wall'" "the metric of a wall clock recording"
json_true report.json "(lambda t: abs(t['wait_in_poll'] / (t['wait_in_poll'] + t['wait_on_condition']) - $truth) < 0.02)($total_of)" \
  "the share of poll is not $truth"
# main waits in a join for the other two, a third of all the time there is.
json_true report.json "(lambda t: 0.28 < t['main'] / d['total'] < 0.37)($total_of)" "the joining thread"
json_true report.json "(lambda t: t.get('[unknown]', 0) < 0.01 * d['total'])($total_of)" "stacks of sleepers end nowhere"
