// SPDX-License-Identifier: Apache-2.0
// Nanoseconds for one stack trace, by method, in one process: ours with its cache (F), ours without (E), a frame
// pointer walk (D), libunwind's unw_backtrace (B), glibc's backtrace (A). Rounds of all methods are interleaved and the
// median of the rounds is printed, so that a change of clock frequency meets all alike.
//
//   unwind_bench [--cpu N] [--rounds N] [--mix FILE] [--json FILE] [--depth N] [--method NAME]
//
// A case is a stack of `depth` frames of which the `changed` leaf-most are left and entered anew, by another path,
// before each trace; what those calls cost alone is measured as "calls" and taken off. `mix` replays the depths of real
// programs' stacks at successive allocations (bench/stack_mix.txt: "# program", then lines "kept count").
#define UNW_LOCAL_ONLY
#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <libunwind.h>

#include "tests/unit/unwind/self_modules.h"

namespace flarestack {
namespace {

enum Method : unsigned { kCalls, kF, kE, kFramePointers, kLibunwind, kGlibc, kMethods };
constexpr const char* kNames[kMethods] = {"calls", "F", "E", "frame_pointers", "unw_backtrace", "backtrace"};
constexpr unsigned kMaxFrames = 512;

using Backtrace = int (*)(void**, int);

struct Bench {
  test::SelfModules modules;
  test::OwnedUnwinder incremental;
  test::OwnedUnwinder full;
  Backtrace glibc_backtrace = nullptr;
  uint64_t stack_high = 0;
  Method method = kCalls;
  uint64_t traces = 0;
  uint64_t frames = 0;  // and keeps the results alive
  MachineRegisters registers;
  void* addresses[kMaxFrames];
};

Bench* bench = nullptr;

uint64_t walk_frame_pointers(const void* frame) {
  const auto* link = static_cast<const uint64_t*>(frame);
  uint64_t count = 0;
  while (count < kMaxFrames && reinterpret_cast<uint64_t>(link) < bench->stack_high && link[1] != 0) {
    bench->addresses[count++] = reinterpret_cast<void*>(link[1]);
    const auto* next = reinterpret_cast<const uint64_t*>(link[0]);
    if (next <= link) {
      break;
    }
    link = next;
  }
  return count;
}

// One trace of the caller's stack. What an allocation hook does to begin: its frame holds the caller's rbp and pc.
[[gnu::noinline]] void trace() {
  const auto* frame = static_cast<const uint64_t*>(__builtin_frame_address(0));
  bench->registers.value[MachineRegisters::kRbp] = frame[0];
  bench->registers.value[MachineRegisters::kRip] = frame[1];
  const auto sp = reinterpret_cast<uint64_t>(frame + 2);
  bench->registers.value[MachineRegisters::kRsp] = sp;
  const StackBounds bounds = {sp, bench->stack_high};
  ++bench->traces;
  switch (bench->method) {
    case kCalls:
    case kMethods:
      break;
    case kF:
      bench->frames +=
          bench->incremental->unwind(bench->registers, AddressKind::kReturnAddress, bench->modules.snapshot(), bounds)
              .count;
      break;
    case kE:
      bench->full->reset();
      bench->frames +=
          bench->full->unwind(bench->registers, AddressKind::kReturnAddress, bench->modules.snapshot(), bounds).count;
      break;
    case kFramePointers:
      bench->frames += walk_frame_pointers(frame);
      break;
    case kLibunwind:
      bench->frames += static_cast<uint64_t>(unw_backtrace(bench->addresses, kMaxFrames));
      break;
    case kGlibc:
      bench->frames += static_cast<uint64_t>(bench->glibc_backtrace(bench->addresses, kMaxFrames));
      break;
  }
}

// A walk through depths: from frame to frame by one of 64 functions, a quarter of which use alloca.
struct Script {
  struct Step {
    unsigned kept;   // frames that stay
    unsigned depth;  // frames of the trace
  };
  const Step* step = nullptr;
  const Step* end = nullptr;
  bool returning = false;  // a trace was made: back to the frames that the next one keeps
};

void act(Script* script, unsigned depth);

template <int N>
[[gnu::noinline]] void function(Script* script, unsigned depth) {
  if constexpr (N % 4 == 1) {
    auto* memory = static_cast<volatile char*>(alloca(16 + depth % 5 * 16));
    memory[0] = N;
  }
  act(script, depth);
  asm volatile("" : : "i"(N) : "memory");
}

template <size_t... N>
void call_function(std::index_sequence<N...>, unsigned which, Script* script, unsigned depth) {
  static constexpr void (*kFunctions[])(Script*, unsigned) = {function<static_cast<int>(N)>...};
  kFunctions[which](script, depth);
}

// At `depth` frames: traces, calls and returns as the script says.
[[gnu::always_inline]] inline void act(Script* script, unsigned depth) {
  while (script->step != script->end) {
    if (script->returning && depth > script->step->kept) {
      return;
    }
    script->returning = false;
    if (depth >= script->step->depth) {
      trace();
      ++script->step;
      script->returning = true;
    } else {
      // Which function depends on the step, so that another path is taken each time.
      const auto which = static_cast<unsigned>(depth * 7 + static_cast<uint64_t>(script->end - script->step)) % 64;
      call_function(std::make_index_sequence<64>(), which, script, depth + 1);
    }
  }
}

double now_ns() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);  // other processes are none of our cost
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double run_ns(const std::vector<Script::Step>& steps, Method method) {
  bench->method = method;
  Script script = {steps.data(), steps.data() + steps.size()};
  bench->traces = 0;
  const double start = now_ns();
  call_function(std::make_index_sequence<64>(), 0, &script, 1);
  return (now_ns() - start) / static_cast<double>(bench->traces);
}

struct Case {
  std::string name;
  std::vector<Script::Step> steps;
  double mean_depth = 0;
  double median_ns[kMethods] = {};
};

Case steady(unsigned depth, unsigned changed) {
  Case result;
  result.name = "depth " + std::to_string(depth) + ", " + std::to_string(changed) + " changed";
  result.steps.assign(500, {std::max(depth - changed, 1u), depth});
  return result;
}

std::vector<Case> read_mix(const std::string& path) {
  std::vector<Case> cases;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("# ")) {
      cases.emplace_back();
      cases.back().name = "mix " + line.substr(2);
    } else if (unsigned kept = 0, count = 0; !cases.empty() && std::istringstream(line) >> kept >> count && count > 0) {
      const unsigned depth = std::min(count, 400u);
      cases.back().steps.push_back({std::clamp(kept, 1u, depth), depth});
    }
  }
  return cases;
}

void measure(Case* which, unsigned rounds, const std::string& only_method) {
  std::vector<double> times[kMethods];
  for (unsigned round = 0; round < rounds; ++round) {
    for (unsigned method = 0; method < kMethods; ++method) {
      if (!only_method.empty() && method != kCalls && only_method != kNames[method]) {
        times[method].push_back(0);
        continue;
      }
      times[method].push_back(run_ns(which->steps, static_cast<Method>(method)));
    }
  }
  for (unsigned method = 0; method < kMethods; ++method) {
    std::sort(times[method].begin(), times[method].end());
    which->median_ns[method] = times[method][times[method].size() / 2];
  }
  for (const Script::Step& step : which->steps) {
    which->mean_depth += step.depth;
  }
  which->mean_depth /= static_cast<double>(which->steps.size());
}

void print(const std::vector<Case>& cases, const std::string& json_path) {
  std::printf("%-28s %6s %8s", "ns per trace, calls taken off", "frames", "calls");
  for (unsigned method = 1; method < kMethods; ++method) {
    std::printf(" %15s", kNames[method]);
  }
  std::printf("\n");
  FILE* json = json_path.empty() ? nullptr : std::fopen(json_path.c_str(), "w");
  if (json != nullptr) {
    std::fprintf(json, "{\"schema\":\"flarestack.bench.unwind/1\",\"unit\":\"ns\",\"cases\":[");
  }
  const char* comma = "";
  for (const Case& which : cases) {
    std::printf("%-28s %6.1f %8.1f", which.name.c_str(), which.mean_depth, which.median_ns[kCalls]);
    if (json != nullptr) {
      std::fprintf(json, "%s\n{\"name\":\"%s\",\"frames\":%.1f,\"calls\":%.1f", comma, which.name.c_str(),
                   which.mean_depth, which.median_ns[kCalls]);
    }
    comma = ",";
    for (unsigned method = 1; method < kMethods; ++method) {
      const double ns = which.median_ns[method] - which.median_ns[kCalls];
      std::printf(" %15.1f", ns);
      if (json != nullptr) {
        std::fprintf(json, ",\"%s\":%.1f", kNames[method], ns);
      }
    }
    std::printf("\n");
    if (json != nullptr) {
      std::fprintf(json, "}");
    }
  }
  if (json != nullptr) {
    std::fprintf(json, "]}\n");
    std::fclose(json);
  }
}

int run(int argc, char** argv) {
  int cpu = -1;
  unsigned rounds = 15;
  std::string mix;
  std::string json;
  std::string only_method;
  std::vector<unsigned> depths = {10, 30, 100};
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--cpu") {
      cpu = std::atoi(argv[i + 1]);
    } else if (option == "--rounds") {
      rounds = static_cast<unsigned>(std::atoi(argv[i + 1]));
    } else if (option == "--mix") {
      mix = argv[i + 1];
    } else if (option == "--json") {
      json = argv[i + 1];
    } else if (option == "--depth") {
      depths = {static_cast<unsigned>(std::atoi(argv[i + 1]))};
    } else if (option == "--method") {
      only_method = argv[i + 1];
    }
  }
  if (cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    sched_setaffinity(0, sizeof set, &set);
  }
  static Bench instance;
  bench = &instance;
  bench->modules.share_rows();
  // libunwind exports a backtrace() of its own: glibc's is asked for by library.
  bench->glibc_backtrace = reinterpret_cast<Backtrace>(dlsym(dlopen("libc.so.6", RTLD_NOW), "backtrace"));
  pthread_attr_t attributes;
  void* low = nullptr;
  size_t size = 0;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &low, &size);
  bench->stack_high = reinterpret_cast<uint64_t>(low) + size;

  std::vector<Case> cases;
  for (const unsigned depth : depths) {
    for (const unsigned changed : {0, 1, 4, 10}) {
      cases.push_back(steady(depth, std::min(changed, depth - 1)));
    }
  }
  if (!mix.empty()) {
    for (Case& recorded : read_mix(mix)) {
      cases.push_back(std::move(recorded));
    }
  }
  for (Case& which : cases) {
    measure(&which, rounds, only_method);
  }
  print(cases, json);
  return 0;
}

}  // namespace
}  // namespace flarestack

int main(int argc, char** argv) { return flarestack::run(argc, argv); }
