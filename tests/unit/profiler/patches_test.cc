// SPDX-License-Identifier: Apache-2.0
// The whole way of a plan: a child of the test asks as an agent does, the test answers as the recorder does, and the
// child's allocators are entered through hooks from then on.
#include "preload/patches.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include <catch2/catch.hpp>

#include "preload/agent.h"
#include "profiler/patch_message.h"
#include "profiler/patch_planner.h"
#include "profiler/session_server.h"

namespace flarestack::agent {
constinit Agent the_agent{};
}  // namespace flarestack::agent

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
  Result<PatchMessage> message = encode_plan(plan);
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

}  // namespace

TEST_CASE("be the child of the next test", "[.child]") {
  be_hooked(Allocator(std::getenv("TEST_LIBRARY")), std::getenv("TEST_SESSION"));
}

TEST_CASE("the allocators of a process are hooked, and work as before") {
  const std::string library = GENERATE("libc.so.6", "libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2");
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
