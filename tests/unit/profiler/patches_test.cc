// SPDX-License-Identifier: Apache-2.0
// The whole way of a plan: a child of the test asks as an agent does, the test answers as the recorder does, and the
// child's allocators are entered through hooks from then on.
#include "preload/patches.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include <catch2/catch.hpp>

#include "preload/agent.h"
#include "profiler/patch_message.h"
#include "profiler/patch_planner.h"
#include "profiler/session_server.h"
#include "tests/unit/unwind/self_modules.h"

namespace flarestack::agent {
constinit Agent the_agent{};
}  // namespace flarestack::agent

extern "C" __attribute__((noinline)) int hooked_by_test(int number) {
  asm volatile("" : "+r"(number));  // nobody can know what it returns
  return number * 3 + 1;
}

namespace flarestack {
namespace {

using Message = SessionServer::Message;

// What the child's hooks saw.
struct Seen {
  uint64_t allocations, arrays, reallocations, frees, bytes;
};
Seen seen{};

void* allocate(size_t size_bytes, void* (*original)(size_t)) {
  ++seen.allocations;
  seen.bytes += size_bytes;
  return original(size_bytes);
}
void* allocate_array(size_t count, size_t size_bytes, void* (*original)(size_t, size_t)) {
  ++seen.arrays;
  seen.bytes += count * size_bytes;
  return original(count, size_bytes);
}
void* reallocate(void* block, size_t size_bytes, void* (*original)(void*, size_t)) {
  ++seen.reallocations;
  return original(block, size_bytes);
}
void release(void* block, void (*original)(void*)) {
  ++seen.frees;
  original(block);
}

agent::HookTable hooks_of_test() {
  agent::HookTable table;
  const auto set = [&](HookShape shape, auto* hook) {
    table.hooks[static_cast<size_t>(shape)] = reinterpret_cast<void*>(hook);
  };
  set(HookShape::kAllocate, allocate);
  set(HookShape::kAllocateArray, allocate_array);
  set(HookShape::kReallocate, reallocate);
  set(HookShape::kFree, release);
  return table;
}

// A library's own functions, past every interposition.
struct Allocator {
  void* (*allocate)(size_t) = nullptr;
  void* (*allocate_array)(size_t, size_t) = nullptr;
  void* (*reallocate)(void*, size_t) = nullptr;
  void (*release)(void*) = nullptr;

  explicit Allocator(const char* library) {
    void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) {
      allocate = reinterpret_cast<void* (*)(size_t)>(dlsym(handle, "malloc"));
      allocate_array = reinterpret_cast<void* (*)(size_t, size_t)>(dlsym(handle, "calloc"));
      reallocate = reinterpret_cast<void* (*)(void*, size_t)>(dlsym(handle, "realloc"));
      release = reinterpret_cast<void (*)(void*)>(dlsym(handle, "free"));
    }
  }
};

void expect(bool good, int code) {
  if (!good) {
    _exit(code);
  }
}

// In the child; its exit status says what went wrong.
[[noreturn]] void be_hooked(const Allocator& allocator, const std::string& session_value) {
  expect(allocator.allocate != nullptr, 9);
  agent::the_agent.session_value = session_value.c_str();
  agent::Connection connection;
  expect(connection.open(session_value.c_str()), 10);
  agent::apply_patches(connection, hooks_of_test());
  expect(!connection, 11);
  seen = Seen{};
  void* one = allocator.allocate(100);
  expect(one != nullptr && seen.allocations == 1 && seen.bytes == 100, 12);
  auto* two = static_cast<char*>(allocator.allocate_array(10, 20));
  expect(two != nullptr && two[199] == 0 && seen.arrays == 1 && seen.bytes == 300, 13);
  one = allocator.reallocate(one, 5000);
  expect(one != nullptr && seen.reallocations == 1, 14);
  seen.frees = 0;  // an allocator's realloc may well call its free
  allocator.release(one);
  allocator.release(two);
  expect(seen.frees == 2, 15);
  // Past the hooks.
  const Seen before = seen;
  const auto past =
      reinterpret_cast<void* (*)(size_t)>(agent::original_of(reinterpret_cast<void*>(allocator.allocate)));
  expect(past != allocator.allocate && past(8) != nullptr && seen.allocations == before.allocations, 16);
  expect(agent::original_of(reinterpret_cast<void*>(hooks_of_test)) == reinterpret_cast<void*>(hooks_of_test), 17);
  // Asked again, nothing is hooked twice.
  expect(connection.open(session_value.c_str()), 18);
  agent::apply_patches(connection, hooks_of_test());
  allocator.release(allocator.allocate(1));
  expect(seen.allocations == before.allocations + 1 && seen.frees == before.frees + 1, 19);
  _exit(0);
}

SessionServer::Peer wait_for_peer(SessionServer& server) {
  pollfd state{server.descriptor(), POLLIN, 0};
  REQUIRE(poll(&state, 1, 10'000) == 1);
  return server.accept_peer();
}

Message wait_for_message(const SessionServer& server, const SessionServer::Peer& peer,
                         SessionServer::Received& received) {
  pollfd state{peer.connection.get(), POLLIN, 0};
  REQUIRE(poll(&state, 1, 10'000) == 1);
  return server.receive(peer, received);
}

void serve_once(SessionServer& server, PatchPlanner& planner, PatchOutcome& outcome, PatchPlan& plan) {
  const SessionServer::Peer peer = wait_for_peer(server);
  SessionServer::Received received;
  REQUIRE(wait_for_message(server, peer, received) == Message::kPatchRequest);
  PatchPlanner::HookAddresses hooks;
  std::copy(std::begin(received.patch_request.hooks), std::end(received.patch_request.hooks), hooks.begin());
  Result<PatchPlan> made = planner.plan_allocators(peer.pid, hooks);
  REQUIRE(made.ok());
  plan = std::move(*made);
  Result<PatchMessage> message = seal_plan(*encode_plan(plan));
  REQUIRE(message.ok());
  REQUIRE(SessionServer::reply_plan(peer, message->descriptor.get(), message->size_bytes));
  REQUIRE(wait_for_message(server, peer, received) == Message::kPatchOutcome);
  outcome = received.patch_outcome;
}

int exit_status_of(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

int plain_hook(int number) {
  return 1000 + reinterpret_cast<int (*)(int)>(agent::original_of(reinterpret_cast<void*>(hooked_by_test)))(number);
}

// Gives a child of the test a plan for hooked_by_test(), however little it asked for that, and `again` if it asks
// again. How it went; the child's exit status is 0 if the function does what `expected` says.
PatchOutcome carry_out_in_child(const PatchPlan& plan, int expected, int& exit_status,
                                const PatchPlan* again = nullptr) {
  Result<SessionServer> server = SessionServer::create();
  REQUIRE(server.ok());
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    agent::the_agent.session_value = server->session_value().c_str();
    agent::Connection connection;
    expect(connection.open(agent::the_agent.session_value), 10);
    agent::apply_patches(connection, hooks_of_test());
    _exit(hooked_by_test(5) == expected ? 0 : 20);
  }
  const SessionServer::Peer peer = wait_for_peer(*server);
  SessionServer::Received received;
  REQUIRE(wait_for_message(*server, peer, received) == Message::kPatchRequest);
  Result<PatchMessage> message = seal_plan(*encode_plan(plan));
  REQUIRE(message.ok());
  REQUIRE(SessionServer::reply_plan(peer, message->descriptor.get(), message->size_bytes));
  Message next = wait_for_message(*server, peer, received);
  if (next == Message::kPatchRequest) {  // once more, where the place was taken
    message = seal_plan(*encode_plan(again != nullptr ? *again : plan));
    REQUIRE(message.ok());
    REQUIRE(SessionServer::reply_plan(peer, message->descriptor.get(), message->size_bytes));
    next = wait_for_message(*server, peer, received);
  }
  REQUIRE(next == Message::kPatchOutcome);
  exit_status = exit_status_of(child);
  return received.patch_outcome;
}

// Of this very process, whose memory a child has at the same addresses.
PatchPlan plan_of_test_function() {
  PatchPlanner planner;
  Result<PatchPlan> plan =
      planner.plan_function(getpid(), "unit_profiler", "hooked_by_test", reinterpret_cast<uint64_t>(plain_hook));
  REQUIRE(plan.ok());
  REQUIRE(plan->refusals.empty());
  REQUIRE(plan->patches.size() == 1);
  REQUIRE(plan->patches[0].address == reinterpret_cast<uint64_t>(hooked_by_test));
  return *plan;
}

}  // namespace

TEST_CASE("a function by name is given a plain hook") {
  int exit_status = 0;
  const PatchOutcome outcome = carry_out_in_child(plan_of_test_function(), 1016, exit_status);
  CHECK(exit_status == 0);
  CHECK(outcome.patched == 1);
}

TEST_CASE("an entry that holds other bytes than its file is left alone, and counted") {
  PatchPlan plan = plan_of_test_function();
  plan.patches[0].expected[2] ^= 1;
  int exit_status = 0;
  const PatchOutcome outcome = carry_out_in_child(plan, 16, exit_status);
  CHECK(exit_status == 0);
  CHECK(outcome.patched == 0);
  CHECK(outcome.changed == 1);
}

TEST_CASE("memory that is in use is not mapped over, and the entries that need it are left alone") {
  PatchPlan plan = plan_of_test_function();
  plan.areas[0].address = reinterpret_cast<uint64_t>(hooked_by_test) / 4096 * 4096;
  int exit_status = 0;
  const PatchOutcome outcome = carry_out_in_child(plan, 16, exit_status);
  CHECK(exit_status == 0);
  CHECK(outcome.patched == 0);
  CHECK(outcome.failed == 1);
  CHECK(outcome.error_number == EEXIST);
  // A later plan may find another place.
  const PatchPlan good = plan_of_test_function();
  const PatchOutcome second = carry_out_in_child(plan, 1016, exit_status, &good);
  CHECK(exit_status == 0);
  CHECK(second.patched == 1);
  CHECK(second.failed == 0);
  CHECK(second.error_number == 0);
}

TEST_CASE("a plan that makes no sense is not carried out") {
  PatchPlan plan = plan_of_test_function();
  SECTION("a patch in an area that is not there") { plan.patches[0].area = 1; }
  SECTION("fewer bytes expected than are written") { plan.patches[0].expected.resize(3); }
  SECTION("more code than its area holds") { plan.areas[0].size_bytes = 8; }
  int exit_status = 0;
  const PatchOutcome outcome = carry_out_in_child(plan, 16, exit_status);
  CHECK(exit_status == 0);
  CHECK(outcome.patched == 0);
  CHECK(outcome.error_number == EBADMSG);
}

TEST_CASE("a plan has hooks for the shapes that the agent has one for, of the module that is asked about") {
  PatchPlanner planner;
  PatchPlanner::HookAddresses hooks{};
  const auto entries_of = [&](uint64_t module_address) {
    std::vector<uint64_t> entries;
    const Result<PatchPlan> plan = planner.plan_allocators(getpid(), hooks, {}, module_address);
    REQUIRE(plan.ok());
    for (const PatchPlan::Patch& patch : plan->patches) {
      entries.push_back(patch.address);
    }
    return entries;
  };
  CHECK(entries_of(0).empty());
  hooks[static_cast<size_t>(HookShape::kFree)] = 0x1000;
  const Allocator libc("libc.so.6");
  const uint64_t libc_address = reinterpret_cast<uint64_t>(libc.allocate_array);
  CHECK(entries_of(libc_address) == std::vector<uint64_t>{reinterpret_cast<uint64_t>(libc.release)});
  CHECK(entries_of(reinterpret_cast<uint64_t>(hooked_by_test)).empty());
  CHECK_FALSE(planner.plan_allocators(0, hooks).ok());
}

TEST_CASE("a process with a shadow stack has no hook that would push a return address") {
  const std::vector<uint8_t> code = {0xe8, 0x00, 0x10, 0x00, 0x00, 0xc3};
  HookableFunction function;
  function.name = "entry";
  function.displaced = displace_entry({code, code.size()});
  REQUIRE(function.displaced.ok());
  ProcessMaps maps = ProcessMaps::parse("10000000-20000000 r-xp 00000000 08:02 1 /bin/program\n");
  WantedHook wanted{&function, "program", 0x11000000, 0x10000000, 0x20000000, 1, 1};
  CHECK(PatchPlanner::plan({wanted}, maps).patches.size() == 1);
  wanted.has_shadow_stack = true;
  const PatchPlan plan = PatchPlanner::plan({wanted}, maps);
  CHECK(plan.patches.empty());
  CHECK(plan.refusals ==
        std::vector<std::string>{"entry of program is not hooked: it begins with a call, and the process "
                                 "has a shadow stack"});
}

TEST_CASE("be the child of the next test", "[.child]") {
  be_hooked(Allocator(std::getenv("TEST_LIBRARY")), std::getenv("TEST_SESSION"));
}

TEST_CASE("the allocators of a process are hooked, and work as before") {
  const std::string library = GENERATE("libc.so.6", "libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2");
  if (test::kInstrumented && library != "libc.so.6") {
    return;  // a sanitizer's runtime tolerates no other allocator
  }
  INFO(library);
  Result<SessionServer> server = SessionServer::create();
  REQUIRE(server.ok());
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    setenv("TEST_LIBRARY", library.c_str(), 1);
    setenv("TEST_SESSION", server->session_value().c_str(), 1);
    if (library != "libc.so.6") {
      setenv("LD_PRELOAD", library.c_str(), 1);
    }
    execl("/proc/self/exe", "unit_profiler", "[.child]", nullptr);
    _exit(100);
  }
  PatchPlanner planner;
  PatchPlan plan;
  PatchOutcome outcome{};
  serve_once(*server, planner, outcome, plan);
  CHECK(plan.refusals == std::vector<std::string>());
  CHECK(outcome.error_number == 0);
  CHECK(outcome.failed == 0);
  CHECK(outcome.changed == 0);
  CHECK(outcome.patched == plan.patches.size());
  const size_t files_read = planner.files_read();
  PatchOutcome second{};
  serve_once(*server, planner, second, plan);
  CHECK(second.patched == 0);
  CHECK(second.changed == 0);
  CHECK(planner.files_read() == files_read);
  CHECK(exit_status_of(child) == 0);
}

}  // namespace flarestack
