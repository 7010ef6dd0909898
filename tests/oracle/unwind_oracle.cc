// SPDX-License-Identifier: Apache-2.0
// A library to preload into any program (run.sh): at random instants, and at every Nth allocation, it unwinds with
// libunwind and with ours, and counts where they differ. ORACLE_DIR names the directory for the counts;
// ORACLE_INTERVAL_US the mean time between samples (default 200), ORACLE_EVERY the N (default 97). ORACLE_MIX names a
// file for the depths of the stacks at allocations 20 000 to 22 000, which bench/unwind_bench.cc replays.
//
// libunwind asks dl_iterate_phdr for modules, which takes the loader's lock and may not be called in a handler; during
// our calls it is answered from the same snapshot that our unwinder reads.
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <libunwind.h>

#include "tests/oracle/counters.h"
#include "tests/oracle/modules.h"
#include "unwind/unwinder.h"

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
}

namespace flarestack::oracle {
namespace {

constexpr int kSignal = SIGPROF;

struct ThreadState {
  Unwinder* incremental[2];  // for samples, for allocations
  Unwinder* full;
  StackBounds bounds;
  uint64_t random;
  uint64_t last_cpu_ns;
  long interval_us;
  timer_t timer;
  bool has_timer;
  uint64_t theirs[8192];
};

Counters* counters = nullptr;
long interval_us = 200;
uint64_t every = 97;
int mix_fd = -1;
thread_local ThreadState* thread_state __attribute__((tls_model("initial-exec"))) = nullptr;
thread_local bool busy __attribute__((tls_model("initial-exec"))) = false;

// Into a zeroed field, cut to fit.
void copy_name(char (&to)[64], const char* from) { memcpy(to, from, std::min(strlen(from), sizeof to - 1)); }

Place place_of(const Modules& modules, uint64_t address) {
  Place place = {};
  place.address = address;
  for (unsigned i = 0; i < modules.object_count; ++i) {
    const dl_phdr_info& object = modules.objects[i];
    for (unsigned k = 0; k < object.dlpi_phnum; ++k) {
      const auto& header = object.dlpi_phdr[k];
      if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0 &&
          address - object.dlpi_addr - header.p_vaddr < header.p_memsz) {
        const char* name = object.dlpi_name[0] != 0 ? object.dlpi_name : counters->program;
        const char* slash = strrchr(name, '/');
        copy_name(place.module, slash != nullptr ? slash + 1 : name);
        place.module_offset = address - object.dlpi_addr;
      }
    }
  }
  return place;
}

MachineRegisters registers_of(const ucontext_t& context) {
  static constexpr int kOrder[MachineRegisters::kCount] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                                           REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                                           REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
  MachineRegisters registers;
  for (unsigned i = 0; i < MachineRegisters::kCount; ++i) {
    registers.value[i] = static_cast<uint64_t>(context.uc_mcontext.gregs[kOrder[i]]);
  }
  return registers;
}

void note_difference(const Difference& difference) {
  const uint64_t index = __atomic_fetch_add(&counters->difference_count, 1, __ATOMIC_RELAXED);
  if (index < Counters::kDifferences) {
    counters->differences[index] = difference;
  }
}

void add(uint64_t* counter, uint64_t amount) { __atomic_fetch_add(counter, amount, __ATOMIC_RELAXED); }

uint32_t libunwind_trace(ucontext_t* context, AddressKind kind, uint64_t* addresses, uint32_t capacity) {
  uint32_t count = 0;
  unw_cursor_t cursor;
  unw_init_local2(&cursor, context, kind == AddressKind::kInstruction ? UNW_INIT_SIGNAL_FRAME : 0);
  do {
    unw_word_t address = 0;
    unw_get_reg(&cursor, UNW_REG_IP, &address);
    if (address == 0) {
      break;
    }
    addresses[count++] = address;
  } while (count < capacity && unw_step(&cursor) > 0);
  return count;
}

StackBounds bounds_at(uint64_t sp) {
  const StackBounds& known = thread_state->bounds;
  return sp >= known.low && sp < known.high ? StackBounds{sp, known.high}
                                            : StackBounds{known.high, known.high, known.low};
}

// One line "kept count" an allocation.
void record_mix(uint64_t number, const StackTrace& trace) {
  constexpr uint64_t kFirst = 20000, kLast = 22000;
  if (mix_fd >= 0 && number >= kFirst && number < kLast) {
    dprintf(mix_fd, "%u %u\n", trace.kept, trace.count + trace.elided);
  }
}

// Ours alone; the cache sees every call.
StackTrace our_trace(const MachineRegisters& registers, AddressKind kind, const Modules& modules, unsigned use) {
  const StackBounds bounds = bounds_at(registers.value[MachineRegisters::kRsp]);
  return thread_state->incremental[use]->unwind(registers, kind, modules.snapshot, bounds);
}

void compare(ucontext_t* context, AddressKind kind, const Modules& modules, unsigned use) {
  Tally* tally = use == 0 ? &counters->samples : &counters->allocations;
  const MachineRegisters registers = registers_of(*context);
  const StackTrace mine = our_trace(registers, kind, modules, use);
  thread_state->full->reset();
  const StackTrace full =
      thread_state->full->unwind(registers, kind, modules.snapshot, bounds_at(registers.value[MachineRegisters::kRsp]));
  uint64_t* theirs = thread_state->theirs;
  const uint32_t their_count = libunwind_trace(context, kind, theirs, std::size(thread_state->theirs));
  add(&tally->traces, 1);
  add(&tally->frames, mine.count);
  add(&tally->kept, mine.kept);
  add(&tally->heuristic, mine.heuristic);
  add(&tally->to_root, mine.end == UnwindEnd::kRoot);
  add(&tally->elided, mine.elided != 0);
  add(&tally->incremental_differs,
      mine.elided == 0 && (full.count != mine.count || full.end != mine.end ||
                           memcmp(full.frames, mine.frames, mine.count * sizeof(FrameAddress)) != 0));
  uint32_t same = 0;
  while (same < mine.count && same < their_count &&
         mine.frames[mine.count - 1 - same].address().value == theirs[same]) {
    ++same;
  }
  if ((same == mine.count && same == their_count) || mine.elided != 0) {
    add(&tally->equal, 1);
    return;
  }
  add(&tally->their_end_early, same == their_count);
  add(&tally->our_end_early, same == mine.count);
  const auto ours_at = [&](uint32_t i) { return i < mine.count ? mine.frames[mine.count - 1 - i].address().value : 0; };
  const uint32_t flags = use | (mine.heuristic && mine.end == UnwindEnd::kRoot ? 2 : 0);
  note_difference({flags, same, mine.count, their_count, place_of(modules, same > 0 ? theirs[same - 1] : 0),
                   place_of(modules, ours_at(same)), place_of(modules, same < their_count ? theirs[same] : 0)});
}

unsigned random_below(unsigned below) {
  uint64_t& state = thread_state->random;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return static_cast<unsigned>((state * 0x2545F4914F6CDD1Dull) >> 33) % below;
}

// One shot, armed again when the handler is done: a period shorter than the handler would starve the program. A thread
// that did not run meanwhile is asked ever less often.
void arm_timer() {
  timespec cpu;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  const uint64_t cpu_ns = static_cast<uint64_t>(cpu.tv_sec) * 1000000000 + static_cast<uint64_t>(cpu.tv_nsec);
  const bool ran = cpu_ns - thread_state->last_cpu_ns > static_cast<uint64_t>(thread_state->interval_us) * 300;
  thread_state->interval_us = ran ? interval_us : std::min(thread_state->interval_us * 2, 50000L);
  thread_state->last_cpu_ns = cpu_ns;
  const long us = thread_state->interval_us / 2 + random_below(static_cast<unsigned>(thread_state->interval_us) + 1);
  const itimerspec when = {{0, 0}, {us / 1000000, us % 1000000 * 1000 + 1}};
  timer_settime(thread_state->timer, 0, &when, nullptr);
}

void on_timer(int, siginfo_t*, void* raw_context) {
  const int saved_errno = errno;
  const Modules* modules = current_modules();
  if (thread_state != nullptr && modules != nullptr) {
    if (!busy) {
      busy = true;
      compare(static_cast<ucontext_t*>(raw_context), AddressKind::kInstruction, *modules, 0);
      busy = false;
    }
    if (thread_state->has_timer) {
      arm_timer();
    }
  }
  errno = saved_errno;
}

void start_thread_state() {
  busy = true;
  auto* state = static_cast<ThreadState*>(map_pages(sizeof(ThreadState)));
  state->incremental[0] = Unwinder::create(map_pages(Unwinder::memory_bytes()));
  state->incremental[1] = Unwinder::create(map_pages(Unwinder::memory_bytes()));
  state->full = Unwinder::create(map_pages(Unwinder::memory_bytes()));
  state->random = 0x9E3779B97F4A7C15ull ^ static_cast<uint64_t>(syscall(SYS_gettid));
  state->interval_us = interval_us;
  pthread_attr_t attributes;
  void* low = nullptr;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    state->bounds = {reinterpret_cast<uint64_t>(low), reinterpret_cast<uint64_t>(low) + size};
  }
  thread_state = state;
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kSignal;
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  if (interval_us > 0 && timer_create(CLOCK_MONOTONIC, &event, &state->timer) == 0) {
    state->has_timer = true;
    arm_timer();
  }
  busy = false;
}

// The memory stays: 2.5 MB of address space a thread is no matter in a test.
void stop_thread_state() {
  if (thread_state != nullptr && thread_state->has_timer) {
    thread_state->has_timer = false;
    timer_delete(thread_state->timer);
  }
}

bool open_counters() {
  const char* directory = getenv("ORACLE_DIR");
  if (directory == nullptr) {
    return false;
  }
  char path[512];
  snprintf(path, sizeof path, "%s/%d.counters", directory, getpid());
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(Counters)) != 0) {
    return false;
  }
  void* memory = mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (memory == MAP_FAILED) {
    return false;
  }
  counters = static_cast<Counters*>(memory);
  counters->magic = Counters::kMagic;
  copy_name(counters->program, program_invocation_short_name);
  return true;
}

[[gnu::constructor]] void start() {
  if (!open_counters()) {
    return;
  }
  const char* interval = getenv("ORACLE_INTERVAL_US");
  interval_us = interval != nullptr ? atol(interval) : interval_us;
  const char* nth = getenv("ORACLE_EVERY");
  every = nth != nullptr ? strtoull(nth, nullptr, 10) : every;
  const char* mix = getenv("ORACLE_MIX");
  mix_fd = mix != nullptr ? open(mix, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
  refresh_modules();
  struct sigaction action = {};
  action.sa_sigaction = on_timer;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(kSignal, &action, nullptr);
  start_thread_state();
}

// A forked child keeps the unwinders but has no timer and counts into the parent's file, which is shared.
// Allocations: the trace is that of the caller of this function.
[[gnu::noinline]] void on_allocation() {
  const uint64_t number = __atomic_add_fetch(&counters->allocations_seen, 1, __ATOMIC_RELAXED);
  if (every == 0) {
    return;
  }
  const int saved_errno = errno;
  busy = true;
  refresh_modules();
  const Modules* modules = current_modules();
  ucontext_t context;
  unw_getcontext(&context);
  if (number % every == 0) {
    compare(&context, AddressKind::kReturnAddress, *modules, 1);
  } else {
    record_mix(number, our_trace(registers_of(context), AddressKind::kReturnAddress, *modules, 1));
  }
  busy = false;
  errno = saved_errno;
}

struct ThreadStart {
  void* (*function)(void*);
  void* argument;
};

void* run_thread(void* data) {
  const ThreadStart start = *static_cast<ThreadStart*>(data);
  free(data);
  start_thread_state();
  void* result = nullptr;
  pthread_cleanup_push([](void*) { stop_thread_state(); }, nullptr);
  result = start.function(start.argument);
  pthread_cleanup_pop(1);
  return result;
}

}  // namespace
}  // namespace flarestack::oracle

using namespace flarestack::oracle;  // NOLINT: the interposed functions below are not ours to put into a namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED int dl_iterate_phdr(int (*callback)(dl_phdr_info*, size_t, void*), void* data) {
  const Modules* modules = current_modules();
  if (!busy || modules == nullptr) {
    return real_iterate_phdr()(callback, data);
  }
  int result = 0;
  for (unsigned i = 0; i < modules->object_count && result == 0; ++i) {
    dl_phdr_info info = modules->objects[i];
    info.dlpi_adds = modules->snapshot.generation;
    info.dlpi_subs = 0;
    result = callback(&info, sizeof info, data);
  }
  return result;
}

EXPORTED void* malloc(size_t size) {
  if (thread_state != nullptr && !busy) {
    on_allocation();
  }
  return __libc_malloc(size);
}

EXPORTED void* calloc(size_t count, size_t size) {
  if (thread_state != nullptr && !busy) {
    on_allocation();
  }
  return __libc_calloc(count, size);
}

EXPORTED void* realloc(void* block, size_t size) {
  if (thread_state != nullptr && !busy) {
    on_allocation();
  }
  return __libc_realloc(block, size);
}

EXPORTED int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*function)(void*),
                            void* argument) {
  static const auto real = next_symbol<decltype(&pthread_create)>("pthread_create");
  if (counters == nullptr) {
    return real(thread, attributes, function, argument);
  }
  auto* start = static_cast<ThreadStart*>(malloc(sizeof(ThreadStart)));
  *start = {function, argument};
  return real(thread, attributes, run_thread, start);
}

EXPORTED void* dlopen(const char* name, int flags) {
  static const auto real = next_symbol<decltype(&dlopen)>("dlopen");
  void* handle = real(name, flags);
  if (counters != nullptr) {
    refresh_modules();
  }
  return handle;
}

EXPORTED int dlclose(void* handle) {
  static const auto real = next_symbol<decltype(&dlclose)>("dlclose");
  const int result = real(handle);
  if (counters != nullptr) {
    refresh_modules();
  }
  return result;
}
