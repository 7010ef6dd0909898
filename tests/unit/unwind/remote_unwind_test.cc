// SPDX-License-Identifier: Apache-2.0
#include "unwind/remote_unwind.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <string>

#include <catch2/catch.hpp>

#include "tests/unit/unwind/against_libunwind.h"
#include "tests/unit/unwind/odd_frames.h"

namespace flarestack::test {
namespace {

constexpr RegisterMask kOnlyRspAndRip = {1u << MachineRegisters::kRsp | 1u << MachineRegisters::kRip};

std::vector<uint64_t> leaf_first(const RemoteTrace& trace) {
  std::vector<uint64_t> addresses;
  for (size_t i = trace.frames.size(); i-- > 0;) {
    addresses.push_back(trace.frames[i].address().value);
  }
  return addresses;
}

bool read_memory(pid_t pid, uint64_t runtime_address, std::vector<std::byte>* copy) {
  const iovec local = {copy->data(), copy->size()};
  const iovec remote = {reinterpret_cast<void*>(runtime_address), copy->size()};
  return process_vm_readv(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(copy->size());
}

struct RemotePlace {
  SelfModules modules;
  RegisterMask known = RegisterMask::all();
  size_t copied_bytes = SIZE_MAX;
  RemoteUnwinder unwinder;
  RemoteTrace mine;
  std::vector<uint64_t> theirs;

  // Unwinds a copy of this thread's stack, as if it were another's.
  [[gnu::noinline]] void compare() {
    ucontext_t context;
    unw_getcontext(&context);
    theirs = libunwind_trace(&context, AddressKind::kReturnAddress);
    RemoteThreadState thread;
    const MachineRegisters registers = registers_of(context);
    for (unsigned i = 0; i < MachineRegisters::kCount; ++i) {
      thread.registers.value[i] = known.has(i) ? registers.value[i] : 0xbadbadbadbad;
    }
    thread.known = known;
    thread.rip_kind = AddressKind::kReturnAddress;
    const StackBounds bounds = thread_stack_bounds(registers.value[MachineRegisters::kRsp]);
    std::vector<std::byte> copy(std::min(copied_bytes, bounds.high - bounds.low));
    read_memory(getpid(), bounds.low, &copy);
    thread.stack = copy;
    thread.stack_address = bounds.low;
    mine = unwinder.unwind(thread, modules.snapshot());
    asm volatile("" ::: "memory");
  }
  static void compare_in(void* self) { static_cast<RemotePlace*>(self)->compare(); }
};

[[gnu::noinline]] void with_alloca(size_t size, const std::function<void()>& then) {
  char* memory = static_cast<char*>(__builtin_alloca(size));
  memset(memory, 1, size);
  then();
  asm volatile("" ::"r"(memory) : "memory");
}

// A child asleep in `sleep`, and what libunwind says of the frames below the function that sleeps.
struct Sleeper {
  explicit Sleeper(void (*sleep)()) {
    shared =
        static_cast<Shared*>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    pid = fork();
    if (pid == 0) {
      with_alloca(100, [&] { with_alloca(3000, [&] { fall_asleep(sleep); }); });
      _exit(0);
    }
  }
  ~Sleeper() {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    munmap(shared, sizeof(Shared));
  }

  [[gnu::noinline]] void fall_asleep(void (*sleep)()) {
    ucontext_t context;
    unw_getcontext(&context);
    const auto addresses = libunwind_trace(&context, AddressKind::kReturnAddress);
    std::copy(addresses.begin(), addresses.end(), shared->addresses);
    __atomic_store_n(&shared->count, addresses.size(), __ATOMIC_RELEASE);
    sleep();
    asm volatile("" ::: "memory");
  }

  // rsp and rip from the kernel, once the child is in the system call.
  bool read_registers(MachineRegisters* registers) const {
    for (int attempt = 0; attempt < 5000; ++attempt) {
      std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
      std::string word;
      char state = 0;
      stat >> word >> word >> state;
      std::ifstream file("/proc/" + std::to_string(pid) + "/syscall");
      std::vector<std::string> fields;
      while (file >> word) {
        fields.push_back(word);
      }
      if (__atomic_load_n(&shared->count, __ATOMIC_ACQUIRE) != 0 && state == 'S' && fields.size() == 9) {
        registers->value[MachineRegisters::kRsp] = std::stoull(fields[7], nullptr, 16);
        registers->value[MachineRegisters::kRip] = std::stoull(fields[8], nullptr, 16);
        return true;
      }
      usleep(1000);
    }
    return false;
  }

  struct Shared {
    uint64_t count;
    uint64_t addresses[256];
  };
  Shared* shared;
  pid_t pid;
};

void sleep_in_poll() { poll(nullptr, 0, -1); }
void sleep_in_nanosleep() {
  timespec time = {1000, 0};
  nanosleep(&time, nullptr);
}
void sleep_in_condition() {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_cond_wait(&condition, &mutex);
}
void sleep_in_pause() { pause(); }

}  // namespace

TEST_CASE("with all registers a copied stack unwinds as libunwind does") {
  RemotePlace p;
  with_alloca(100, [&] { with_alloca(33, [&] { p.compare(); }); });
  REQUIRE(leaf_first(p.mine) == p.theirs);
  REQUIRE(p.mine.end == UnwindEnd::kRoot);
  REQUIRE_FALSE(p.mine.heuristic);
  for (const auto function : {odd_cfa_in_rbx, odd_cfa_in_r12, odd_cfa_deref, odd_saved_by_expression, odd_value_rules,
                              odd_arithmetic, odd_remember}) {
    function(RemotePlace::compare_in, &p);
    REQUIRE(leaf_first(p.mine) == p.theirs);
    REQUIRE(p.mine.end == UnwindEnd::kRoot);
    REQUIRE_FALSE(p.mine.heuristic);
  }
}

TEST_CASE("with rsp and rip alone a copied stack unwinds, marked as heuristic where rbp was searched for") {
  if (kInstrumented) {
    WARN("left out: instrumented frames are too large");
    return;
  }
  RemotePlace p;
  p.known = kOnlyRspAndRip;
  for (const size_t size : {16, 100, 2000}) {
    with_alloca(size, [&] { with_alloca(size / 2, [&] { p.compare(); }); });
    REQUIRE(leaf_first(p.mine) == p.theirs);
    REQUIRE(p.mine.end == UnwindEnd::kRoot);
    REQUIRE(p.mine.heuristic);  // this program keeps frame pointers: the first frame needs one
  }
}

TEST_CASE("a register that neither is known nor can be searched for ends the trace, marked") {
  RemotePlace p;
  p.known = RegisterMask::all();
  p.known.set(3, false);  // rbx
  odd_cfa_in_rbx(
      [](void* self) {
        // Nothing between here and the odd frame saves rbx, or the trace would be whole.
        auto& place = *static_cast<RemotePlace*>(self);
        place.compare();
      },
      &p);
  const auto mine = leaf_first(p.mine);
  REQUIRE(mine.size() <= p.theirs.size());
  REQUIRE(std::equal(mine.begin(), mine.end(), p.theirs.begin()));
  if (mine.size() < p.theirs.size()) {
    REQUIRE(p.mine.end == UnwindEnd::kNoCode);
    REQUIRE(p.mine.heuristic);
  }
}

TEST_CASE("a stack copied in part gives the frames it has and says that memory ended") {
  if (kInstrumented) {
    WARN("left out: instrumented frames are too large");
    return;
  }
  RemotePlace p;
  p.copied_bytes = 3000;
  with_alloca(100, [&] { with_alloca(33, [&] { p.compare(); }); });
  REQUIRE(p.mine.end == UnwindEnd::kBadMemory);
  REQUIRE(p.mine.frames.size() > 1);
  REQUIRE(p.mine.frames.size() < p.theirs.size());
  const auto mine = leaf_first(p.mine);
  REQUIRE(std::equal(mine.begin(), mine.end(), p.theirs.begin()));
}

TEST_CASE("a sleeping child unwinds from outside with what the kernel tells of it") {
  if (kInstrumented) {
    WARN("left out: instrumented frames are too large");
    return;
  }
  SelfModules modules;
  for (void (*sleep)() : {sleep_in_poll, sleep_in_nanosleep, sleep_in_condition, sleep_in_pause}) {
    Sleeper sleeper(sleep);
    RemoteThreadState thread;
    REQUIRE(sleeper.read_registers(&thread.registers));
    thread.known = kOnlyRspAndRip;
    const uint64_t sp = thread.registers.value[MachineRegisters::kRsp];
    const StackBounds bounds = thread_stack_bounds(sp);  // a forked child's stack is where ours is
    REQUIRE(bounds.high != 0);
    std::vector<std::byte> copy(bounds.high - bounds.low);
    REQUIRE(read_memory(sleeper.pid, bounds.low, &copy));
    thread.stack = copy;
    thread.stack_address = bounds.low;
    RemoteUnwinder unwinder;
    const auto mine = leaf_first(unwinder.unwind(thread, modules.snapshot()));
    const auto& shared = *sleeper.shared;
    // The frame of fall_asleep() itself is at another call now; below it the stacks are the same.
    REQUIRE(mine.size() > shared.count);
    REQUIRE(std::equal(mine.end() - static_cast<long>(shared.count) + 1, mine.end(), shared.addresses + 1));
    REQUIRE(mine.size() <= shared.count + 6);
  }
}

}  // namespace flarestack::test
