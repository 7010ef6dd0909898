#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Coroutines (makecontext, swapcontext) that work, call deep and switch thousands of times, also from one into another, in
# two threads, at 10 kHz: the same output; a function of a coroutine has its callers up to the coroutine's entry, and no
# stack mixes two coroutines.
source "$(dirname "$0")/lib.sh"

cxx_program target <<'C'
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <pthread.h>
#include <ucontext.h>

struct Fiber {
  ucontext_t context;
  long calls = 0, switches = 0, us = 0;
};
static thread_local Fiber alpha, beta, gamma_;
static thread_local Fiber home;
static long cpu_us() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
// A frame of its own size for each function that works.
template <int kFrame>
[[gnu::always_inline]] inline void spin(Fiber& fiber, long us) {
  volatile unsigned long frame[kFrame] = {};
  const long from = cpu_us();
  do
    for (int i = 0; i < 2000; ++i) frame[i % kFrame] = frame[(i + 1) % kFrame] * 31 + 7;
  while (cpu_us() < from + us);
  fiber.us += cpu_us() - from;
}
[[gnu::noinline]] void to(Fiber& from, ucontext_t* next) {
  ++from.switches;
  if (swapcontext(&from.context, next) != 0) std::abort();
}
[[gnu::noinline]] void alpha_leaf(long us) { spin<2>(alpha, us); ++alpha.calls; }
[[gnu::noinline]] void beta_leaf(long us) { spin<90>(beta, us); ++beta.calls; }
[[gnu::noinline]] void gamma_leaf(long us) { spin<11>(gamma_, us); ++gamma_.calls; }
// Switches from the depth of nested calls, so that both ends of a switch lie in the middle of a stack.
[[gnu::noinline]] int alpha_deep(int depth) {
  if (depth == 0) { alpha_leaf(150); to(alpha, &beta.context); return 1; }
  return alpha_deep(depth - 1) + 1;
}
[[gnu::noinline]] int beta_deep(int depth, long extra) {
  volatile char frame[300];
  frame[0] = static_cast<char>(extra);
  if (depth == 0) { beta_leaf(100); to(beta, &gamma_.context); return 1; }
  return beta_deep(depth - 1, extra + frame[0]) + 1;
}
[[gnu::noinline]] int gamma_deep(int depth) {
  if (depth == 0) { gamma_leaf(50); to(gamma_, &home.context); return 1; }
  return gamma_deep(depth - 1) + 1;
}
void alpha_entry() { for (int i = 0;; ++i) { alpha_deep(1 + i % 9); alpha_leaf(10); } }
void beta_entry() { for (int i = 0;; ++i) { beta_deep(1 + i % 5, i); beta_leaf(10); } }
void gamma_entry(int rounds) { for (int i = 0; i < rounds; ++i) gamma_deep(1 + i % 20); }  // its end is the end of all: uc_link
[[gnu::noinline]] void home_leaf(long us) { spin<5>(home, us); }
template <typename... Number>
void make(Fiber& fiber, void (*entry)(), Number... numbers) {
  constexpr size_t kSize = 64 * 1024;
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = std::malloc(kSize);
  fiber.context.uc_stack.ss_size = kSize;
  fiber.context.uc_link = &home.context;
  makecontext(&fiber.context, entry, sizeof...(numbers), numbers...);
}
static std::atomic<long> truth[4];
static const int kRounds = 1200;
void* scheduler(void*) {
  make(alpha, alpha_entry);
  make(beta, beta_entry);
  make(gamma_, reinterpret_cast<void (*)()>(gamma_entry), kRounds);
  for (int i = 0; i <= kRounds; ++i) {
    home_leaf(30);
    if (swapcontext(&home.context, &alpha.context) != 0) std::abort();
  }
  int i = 0;
  for (const Fiber* fiber : {&alpha, &beta, &gamma_, &home}) truth[i++] += fiber->us;
  char* text = nullptr;
  if (asprintf(&text, "%ld %ld %ld switches, %ld %ld %ld calls", alpha.switches, beta.switches, gamma_.switches, alpha.calls,
               beta.calls, gamma_.calls) < 0) std::abort();
  return text;
}
int main() {
  pthread_t threads[2];
  for (pthread_t& thread : threads) pthread_create(&thread, nullptr, scheduler, nullptr);
  for (pthread_t& thread : threads) {
    void* text;
    pthread_join(thread, &text);
    std::puts(static_cast<char*>(text));
  }
  FILE* file = std::fopen("truth", "w");
  for (const auto& us : truth) std::fprintf(file, "%ld ", us.load());
  std::fclose(file);
}
C

# check_stacks TIMER: every stack of t.flare, root first. A stack that was not walked to its root is counted by the quality panel.
check_stacks() {
  "$FLARESTACK" export --format collapsed --no-inline t.flare -o t.collapsed
  python3 - t.collapsed $(cat truth) "$1" <<'PYTHON'
import re, sys
total = with_entry = 0
of = {name: 0 for name in ("alpha", "beta", "gamma", "home")}
for line in open(sys.argv[1]):
    stack, weight = line.rsplit(" ", 1)
    frames, weight = [re.sub(r"\(.*", "", frame) for frame in stack.split(";")], int(weight)
    kinds = {re.match("(alpha|beta|gamma)_", f).group(1) for f in frames if re.match("(alpha|beta|gamma)_", f)}
    if any(f in ("scheduler", "home_leaf") for f in frames): kinds.add("home")
    assert len(kinds) <= 1, "a stack of two coroutines: " + line
    total += weight * (line[0] != "[")
    for kind in kinds:
        of[kind] += weight
        entry = "scheduler" if kind == "home" else kind + "_entry"
        at = frames.index(entry) if entry in frames else None
        # Nothing between the entry and the leaf that its code does not call.
        if at is not None:
            with_entry += weight
            between = {re.sub("_[^_]*$", "", f) for f in frames[at + 1:] if re.match("(alpha|beta|gamma|home)_(deep|leaf)", f)}
            assert between <= {kind}, line
            if kind != "home":
                # makecontext's own, which has a name only where there is debug information.
                assert all(f == "__start_context" or f.startswith(("libc", "[")) for f in frames[:at]), line
print(total, with_entry, of)
assert with_entry > 0.98 * sum(of.values()), "stacks end below the coroutine's entry"
assert sum(of.values()) > 0.95 * total, "time of nobody"
truth = dict(zip(of, map(int, sys.argv[2:6])))
for kind in of:
    # What samples cost the kernel is in the truth, and a POSIX timer's ticks are in step with such short spells of work.
    assert abs(of[kind] / sum(of.values()) - truth[kind] / sum(truth.values())) < (0.1 if sys.argv[6] == "auto" else 0.3), (kind, of)
PYTHON
}

for options in "--cpu 10000 --timer auto" "--timer posix"; do
  RECORD_OPTIONS="$options" same_with_and_without ./target
  grep -q "^1201 1201 1200 switches" bare.out || fail "$(cat bare.out)"
  check_stacks "${options##* }" || { head -5 t.collapsed >&2; fail "stacks, $options"; }
done
