// SPDX-License-Identifier: Apache-2.0
// Leaks: what the last leak check of each chosen process says, by call path and verdict; what was suppressed; and the
// processes that no check could judge, with what they had live at their end. Made from a profile of a heap metric,
// whose filters by process, thread and function hold. Offline side.
//
// Blocks whose symbolized stacks and verdicts are the same are one site, as memcheck merges them, of whatever threads
// and processes. Verdicts are memcheck's; an indirectly lost block is told beside the lost one that leads to it, and is
// suppressed with it (as in LeakSanitizer). Blocks that a forked child has from its parent are leaks of the child where
// it lost them and the parent did not (model/leak_choice.h): sites of their own. The others are told apart.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/leak_choice.h"
#include "model/profile.h"
#include "model/suppressions.h"
#include "symbolizer/raw_symbols.h"

namespace flarestack {

// Who holds blocks of a site.
struct LeakHeldBy {
  LeakHolder kind = LeakHolder::kNone;
  uint32_t module = kNoIndex;  // kModuleData: in Recording::modules
  ModuleOffset offset;         // in the module
  std::string variable;        // that covers the offset, demangled; empty: no symbol does
  uint64_t offset_in_variable = 0;
  uint32_t thread = kNoIndex;  // kStack, kThreadLocal, kRegister: in Recording::threads
  std::vector<uint32_t> path;  // kBlock: where that was allocated, as LeakSite::path
  LeakAmount amount;
};

struct LeakSite {
  LeakVerdict verdict = LeakVerdict::kDefinitelyLost;
  bool inherited = false;      // its processes were forked with them
  std::vector<uint32_t> path;  // in Profile::locations, innermost first; empty: no stack is known
  LeakAmount amount;
  uint64_t smallest_bytes = 0;  // of a block
  uint64_t largest_bytes = 0;
  int64_t first_ns = 0;  // allocated
  int64_t last_ns = 0;
  std::vector<uint32_t> threads;      // that allocated; in Recording::threads or kLostIndex, ascending
  std::vector<uint32_t> processes;    // in Recording::processes, ascending
  std::vector<LeakHeldBy> holders;    // most bytes first
  LeakAmount behind;                  // of definitely lost blocks: what is indirectly lost through them
  std::optional<size_t> suppression;  // in Suppressions::entries(); of one behind a suppressed leak: that leak's
};

struct LeakTotals {
  std::array<LeakAmount, 4> by_verdict;  // LeakVerdict; not suppressed
  LeakAmount suppressed;                 // of all verdicts
  LeakAmount inherited;                  // in no other total
  const LeakAmount& of(LeakVerdict verdict) const { return by_verdict[static_cast<size_t>(verdict)]; }
  // What --fail-above measures: definitely and indirectly lost.
  uint64_t lost_bytes() const {
    return of(LeakVerdict::kDefinitelyLost).bytes + of(LeakVerdict::kIndirectlyLost).bytes;
  }
  uint64_t lost_blocks() const {
    return of(LeakVerdict::kDefinitelyLost).blocks + of(LeakVerdict::kIndirectlyLost).blocks;
  }
};

struct ProcessLeakCheck {
  uint32_t process = kNoIndex;  // in Recording::processes
  LeakCheckRecord check;        // its own process is not used
  uint32_t checks = 0;          // how many there were
};

// What is lost in a process that was forked with it, and perhaps was lost before: there is no verdict of its parent.
struct InheritedLoss {
  uint32_t process = kNoIndex;
  NoParentVerdict unknown;
  LeakAmount lost;  // of LeakTotals::inherited
};

struct ProcessWithoutVerdict {
  uint32_t process = kNoIndex;
  std::string reason;
  LeakAmount live;  // at its end
};

struct LiveSite {
  std::vector<uint32_t> path;
  LeakAmount amount;
};

struct Leaks {
  LeakTotals totals;
  std::vector<LeakSite> sites;                   // by verdict, the worst first, then by bytes with what is behind them
  std::vector<LeakSite> suppressed;              // the same
  std::vector<LeakSite> inherited;               // and not lost by who inherited it, as far as is known
  std::vector<InheritedLoss> no_parent_verdict;  // by process
  std::vector<ProcessLeakCheck> checks;          // that gave verdicts, perhaps of a part; by process
  std::vector<ProcessWithoutVerdict> no_verdict;
  std::vector<LiveSite> live_without_verdict;  // of these processes, by bytes
  // By location, the names that the linker knows, of the suppressible sites; see LeakOptions::mangled_names.
  std::unordered_map<uint32_t, std::string> mangled;
};

// Names from ELF files; tests answer themselves.
using RawSymbolSource =
    std::function<std::vector<RawSymbol>(const SymbolModule&, std::span<const uint64_t>, SymbolSort)>;

struct LeakOptions {
  const Suppressions* suppressions = nullptr;  // borrowed for the call; null: nothing is suppressed
  RawSymbolSource raw_symbols = flarestack::raw_symbols;
  bool mangled_names = false;  // also where no suppression asks for them
};

Leaks find_leaks(const Profile& profile, const LeakOptions& options);

// How suppressions see a path; borrowed from the profile and `mangled`.
std::vector<SuppressibleFrame> suppressible(const Profile& profile, const std::vector<uint32_t>& path,
                                            const std::unordered_map<uint32_t, std::string>& mangled);

const char* verdict_name(LeakVerdict verdict);      // "definitely_lost", ..., the keys of JSON
const char* leak_check_cause_name(LeakCheckCause);  // "exit", "fatal_signal", "detach", "on_demand"

}  // namespace flarestack
