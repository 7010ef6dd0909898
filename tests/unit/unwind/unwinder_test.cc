// SPDX-License-Identifier: Apache-2.0
// Call shapes of every kind, each unwound by us and by libunwind from the same registers.
#include "unwind/unwinder.h"

#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/unit/unwind/against_libunwind.h"

namespace flarestack::test {
namespace {

struct Fixture {
  SelfModules modules;
  OwnedUnwinder unwinder;
  Trace mine;
  std::vector<uint64_t> theirs;

  [[gnu::noinline]] void compare() {
    FLARESTACK_COMPARE_HERE(unwinder, modules, mine, theirs);
    asm volatile("" ::: "memory");
  }
  void require_equal() const {
    REQUIRE(mine.addresses == theirs);
    REQUIRE(mine.info.end == UnwindEnd::kRoot);
    REQUIRE(mine.info.elided == 0);
    REQUIRE_FALSE(mine.info.heuristic);
    REQUIRE(mine.addresses.size() > 10);  // main and Catch are below us
  }
};

Fixture* current = nullptr;  // for callbacks that take no argument

[[gnu::noinline]] void call(const std::function<void()>& function) {
  function();
  asm volatile("" ::: "memory");
}

[[gnu::noinline]] void recurse(unsigned depth, const std::function<void()>& at_the_bottom) {
  if (depth == 0) {
    at_the_bottom();
  } else {
    recurse(depth - 1, at_the_bottom);
  }
  asm volatile("" ::: "memory");
}

[[gnu::noinline]] void with_alloca(size_t size, const std::function<void()>& then) {
  char* memory = static_cast<char*>(alloca(size));
  memset(memory, 1, size);
  then();
  asm volatile("" ::"r"(memory) : "memory");
}

[[gnu::noinline]] void with_aligned_frame(const std::function<void()>& then) {
  alignas(64) volatile char buffer[256];
  buffer[0] = 1;
  then();
  asm volatile("" ::"r"(&buffer) : "memory");
}

[[gnu::noinline]] void without_frame_pointer(const std::function<void()>& then) {
  then();
  asm volatile("" ::: "memory");
}

jmp_buf jump_target;
volatile unsigned jump_round = 0;

// No frame that longjmp leaves has anything to destroy.
[[gnu::noinline]] void recurse_and_jump(unsigned depth) {
  if (depth > 0) {
    recurse_and_jump(depth - 1);
  } else {
    current->compare();
    current->require_equal();
    if (jump_round != 0) {  // always: it tells the compiler that the recursion can return
      longjmp(jump_target, static_cast<int>(jump_round));
    }
  }
  asm volatile("" ::: "memory");
}

int compare_in_qsort(const void* a, const void* b) {
  current->compare();
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

}  // namespace

TEST_CASE("a plain call chain unwinds as libunwind does") {
  Fixture f;
  f.compare();
  f.require_equal();
  REQUIRE(f.mine.info.kept == 0);
}

TEST_CASE("the second trace of one place keeps all but the frames that changed") {
  Fixture f;
  for (int i = 0; i < 2; ++i) {
    f.compare();
    f.require_equal();
  }
  REQUIRE(f.mine.info.kept >= f.mine.info.count - 2);
}

TEST_CASE("frames with alloca unwind as libunwind does") {
  Fixture f;
  for (size_t size : {16, 400, 17, 100000, 3}) {
    with_alloca(size, [&] { with_alloca(size * 2, [&] { f.compare(); }); });
    f.require_equal();
  }
}

TEST_CASE("frames with a realigned stack unwind as libunwind does") {
  Fixture f;
  for (int i = 0; i < 3; ++i) {
    with_aligned_frame([&] { with_alloca(64, [&] { with_aligned_frame([&] { f.compare(); }); }); });
    f.require_equal();
  }
  REQUIRE(f.mine.info.kept + 10 > f.mine.info.count);
}

TEST_CASE("frames without a frame pointer unwind as libunwind does") {
  Fixture f;
  without_frame_pointer([&] { without_frame_pointer([&] { with_alloca(99, [&] { f.compare(); }); }); });
  f.require_equal();
}

TEST_CASE("a callback of qsort unwinds through libc") {
  Fixture f;
  current = &f;
  int numbers[] = {5, 3, 4, 1, 2};
  qsort(numbers, 5, sizeof numbers[0], compare_in_qsort);
  f.require_equal();
}

TEST_CASE("a thread unwinds to the start of its stack") {
  Fixture f;
  std::thread([&] { call([&] { f.compare(); }); }).join();
  REQUIRE(f.mine.addresses == f.theirs);
  REQUIRE(f.mine.info.end == UnwindEnd::kRoot);
}

TEST_CASE("an exception in flight leaves the stack unwindable, in a handler and in a destructor") {
  Fixture f;
  struct Comparer {
    Fixture* fixture;
    ~Comparer() { fixture->compare(); }
  };
  try {
    Comparer comparer{&f};
    recurse(5, [] { throw std::runtime_error("x"); });
  } catch (const std::runtime_error&) {
    f.require_equal();
    f.compare();
  }
  f.require_equal();
}

TEST_CASE("longjmp over frames is noticed") {
  Fixture f;
  current = &f;
  jump_round = 0;
  if (setjmp(jump_target) < 3) {
    jump_round = jump_round + 1;
    recurse_and_jump(jump_round * 3);
  }
  f.compare();
  f.require_equal();
  REQUIRE(jump_round == 3);
}

TEST_CASE("a recursion of 3000 frames is exact") {
  Fixture f;
  for (unsigned depth : {3000u, 2990u, 3u, 2000u}) {
    recurse(depth, [&] { f.compare(); });
    f.require_equal();
  }
}

TEST_CASE("rows of another generation are not used, own or shared") {
  Fixture f;
  for (const bool shared : {false, true}) {
    if (shared) {
      f.modules.share_rows();
      f.modules.publish();
    }
    f.compare();
    f.require_equal();
    const std::vector<UnwindModule> modules = f.modules.modules();
    for (UnwindModule& module : f.modules.modules()) {
      module.eh_frame_hdr = 0;
    }
    f.modules.publish();
    f.compare();
    REQUIRE(f.mine.info.kept == 0);
    REQUIRE((f.mine.info.heuristic || f.mine.info.end == UnwindEnd::kNoCode));  // there is no CFI
    f.modules.modules() = modules;
    f.modules.publish();
    f.compare();
    REQUIRE(f.mine.info.kept == 0);
    f.require_equal();
  }
}

TEST_CASE("an unwinder finds the rows that another found in the same snapshot") {
  Fixture f;
  f.modules.share_rows();
  f.modules.publish();
  f.compare();
  f.require_equal();
  // With the table there, the module's CFI is no longer read: make it unreadable.
  for (UnwindModule& module : f.modules.modules()) {
    module.read_end = module.read_start;
  }
  OwnedUnwinder another;
  ucontext_t context;
  unw_getcontext(&context);
  const Trace trace = our_trace(another, f.modules, context, AddressKind::kReturnAddress);
  const Trace again = our_trace(f.unwinder, f.modules, context, AddressKind::kReturnAddress);
  REQUIRE(trace.addresses == again.addresses);
  REQUIRE(trace.addresses.size() > f.mine.addresses.size() / 2);
}

}  // namespace flarestack::test
