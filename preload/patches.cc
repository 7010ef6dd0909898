// SPDX-License-Identifier: Apache-2.0
#include "preload/patches.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "preload/agent.h"
#include "preload/next_symbol.h"
#include "preload/system.h"
#include "wire/patch.h"
#include "wire/session.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

namespace flarestack::agent {
namespace {

// What is hooked. It only grows: a library that is closed leaves its entry behind, which its successor at the same
// address takes over. Written under the loader's lock, or before there is a second thread.
struct Hooked {
  std::atomic<uint64_t> entry;
  std::atomic<uint64_t> trampoline;
};
constinit Hooked* hooked = nullptr;  // kMaxPatches of them
constinit std::atomic<uint32_t> hooked_count{0};
constinit HookTable table_for_later{};  // of the first apply_patches()

// What makes a library an allocator (profiler/allocator_names.h).
constexpr const char* kAllocatorNames[] = {"malloc", "mallocx", "mi_malloc", "tc_malloc", "je_malloc", "_rjem_malloc"};

Hooked* find_hooked(uint64_t entry) {
  const uint32_t count = hooked_count.load(std::memory_order_acquire);  // pairs with the release in remember()
  for (uint32_t i = 0; i < count; ++i) {
    if (hooked[i].entry.load(std::memory_order_relaxed) == entry) {
      return &hooked[i];
    }
  }
  return nullptr;
}

// Room for one more; there is, if true.
bool has_room() {
  if (hooked == nullptr) {
    hooked = static_cast<Hooked*>(map_memory(sizeof(Hooked) * kMaxPatches));
  }
  return hooked != nullptr && hooked_count.load(std::memory_order_relaxed) < kMaxPatches;
}

void remember(uint64_t entry, uint64_t trampoline) {
  if (Hooked* known = find_hooked(entry); known != nullptr) {
    known->trampoline.store(trampoline, std::memory_order_release);
    return;
  }
  const uint32_t count = hooked_count.load(std::memory_order_relaxed);
  hooked[count].entry.store(entry, std::memory_order_relaxed);
  hooked[count].trampoline.store(trampoline, std::memory_order_relaxed);
  hooked_count.store(count + 1, std::memory_order_release);
}

// A plan as it is mapped here; what it says is checked before it is used.
struct Plan {
  const char* bytes = nullptr;
  uint32_t size_bytes = 0;

  const PatchPlanHeader& header() const { return *reinterpret_cast<const PatchPlanHeader*>(bytes); }
  const PlannedArea* areas() const { return reinterpret_cast<const PlannedArea*>(bytes + sizeof(PatchPlanHeader)); }
  const PlannedPatch* patches() const { return reinterpret_cast<const PlannedPatch*>(areas() + header().area_count); }
  bool makes_sense() const {
    if (size_bytes < sizeof(PatchPlanHeader) || header().magic != kSessionMagic || header().version != kWireVersion ||
        header().size_bytes != size_bytes || header().area_count > kMaxPatchAreas ||
        header().patch_count > kMaxPatches) {
      return false;
    }
    const size_t tables_bytes = sizeof(PatchPlanHeader) + header().area_count * sizeof(PlannedArea) +
                                header().patch_count * sizeof(PlannedPatch);
    if (tables_bytes > size_bytes) {
      return false;
    }
    for (uint32_t i = 0; i < header().area_count; ++i) {
      const PlannedArea& area = areas()[i];
      if (area.code_offset > size_bytes || area.code_bytes > size_bytes - area.code_offset ||
          area.code_bytes > area.size_bytes || area.size_bytes > kMaxPlanBytes) {
        return false;
      }
    }
    for (uint32_t i = 0; i < header().patch_count; ++i) {
      const PlannedPatch& patch = patches()[i];
      if (patch.area >= header().area_count || patch.expected_bytes < patch.written_bytes ||
          patch.expected_bytes > sizeof(patch.expected) || patch.written_bytes > sizeof(patch.written)) {
        return false;
      }
    }
    return true;
  }
};

void note_failure(PatchOutcome& outcome, long result) {
  if (outcome.error_number == 0) {
    outcome.error_number = raw_failed(result) ? static_cast<int32_t>(-result) : EIO;
  }
}

// Maps an area and fills it with its code, which from then on can be run and not written. 0, or a negative errno.
long map_area(const PlannedArea& area, const char* code) {
  const auto size = static_cast<long>(area.size_bytes);
  const long address = raw_syscall(SYS_mmap, static_cast<long>(area.address), size, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (raw_failed(address)) {
    return address;
  }
  long result = -EEXIST;  // a kernel before 4.17 takes the flag for a hint
  if (address == static_cast<long>(area.address)) {
    memcpy(reinterpret_cast<void*>(address), code, area.code_bytes);
    result = raw_syscall(SYS_mprotect, address, size, PROT_READ | PROT_EXEC);
  }
  if (raw_failed(result)) {
    raw_syscall(SYS_munmap, address, size);
  }
  return result;
}

// Reads and writes through the page protection, so that no page of the program ever becomes writable.
class OwnMemory {
 public:
  OwnMemory() : descriptor_(raw_syscall(SYS_openat, AT_FDCWD, raw_pointer("/proc/self/mem"), O_RDWR | O_CLOEXEC, 0)) {}
  ~OwnMemory() {
    if (!raw_failed(descriptor_)) {
      raw_syscall(SYS_close, descriptor_);
    }
  }
  OwnMemory(const OwnMemory&) = delete;
  OwnMemory& operator=(const OwnMemory&) = delete;

  long read(uint64_t address, void* to, uint32_t size_bytes) const {
    return transfer(SYS_pread64, address, raw_pointer(to), size_bytes);
  }
  long write(uint64_t address, const void* from, uint32_t size_bytes) const {
    return transfer(SYS_pwrite64, address, raw_pointer(from), size_bytes);
  }

 private:
  // 0, or a negative errno.
  long transfer(long call, uint64_t address, long memory, uint32_t size_bytes) const {
    if (raw_failed(descriptor_)) {
      return descriptor_;
    }
    const long count = raw_syscall(call, descriptor_, memory, size_bytes, static_cast<long>(address));
    return count == static_cast<long>(size_bytes) ? 0 : raw_failed(count) ? count : -EIO;
  }
  long descriptor_;
};

enum class Deal : uint8_t { kMapAndJump, kMap, kJump };

void apply_patch(const OwnMemory& memory, const PlannedPatch& patch, PatchOutcome& outcome) {
  uint8_t present[sizeof(patch.expected)];
  long result = has_room() ? memory.read(patch.address, present, patch.expected_bytes) : -ENOMEM;
  if (!raw_failed(result) && memcmp(present, patch.expected, patch.expected_bytes) != 0) {
    // Ours already, where a module is asked about twice; else a debugger's, another tool's, or another file's. A
    // pointer may lead to another module's function of this name, or is still to be filled.
    outcome.changed += patch.is_jump() && find_hooked(patch.function_address) == nullptr ? 1 : 0;
    return;
  }
  if (!raw_failed(result)) {
    // Before the jump is there: a hook that it leads to may ask.
    remember(patch.function_address, patch.trampoline_address);
    result = memory.write(patch.address, patch.written, patch.written_bytes);
  }
  if (raw_failed(result)) {
    note_failure(outcome, result);
    ++outcome.failed;
  } else {
    ++outcome.patched;
  }
}

void carry_out(const Plan& plan, Deal deal, PatchOutcome& outcome) {
  if (!plan.makes_sense()) {
    note_failure(outcome, -EBADMSG);
    return;
  }
  const OwnMemory memory;
  for (uint32_t a = 0; a < plan.header().area_count; ++a) {
    const PlannedArea& area = plan.areas()[a];
    const long mapped = deal != Deal::kJump ? map_area(area, plan.bytes + area.code_offset) : 0;
    for (uint32_t i = 0; i < plan.header().patch_count; ++i) {
      if (plan.patches()[i].area != a) {
        continue;
      }
      if (raw_failed(mapped)) {
        note_failure(outcome, mapped);
        ++outcome.failed;
      } else if (deal != Deal::kMap) {
        apply_patch(memory, plan.patches()[i], outcome);
      }
    }
  }
}

bool request(const Connection& connection, const HookTable& table, uint64_t module_address) {
  PatchRequest message = patch_request(table, module_address);
  bool is_empty = message.function_count == 0;
  for (const uint64_t hook : message.hooks) {
    is_empty = is_empty && hook == 0;
  }
  return !is_empty && copy_secret(the_agent.session_value, message.secret) &&
         connection.send(&message, sizeof(message));
}

// What the recorder plans, mapped; without bytes: nothing, or it failed with an error that the outcome has.
Plan ask(const Connection& connection, const HookTable& table, uint64_t module_address, PatchOutcome& outcome) {
  PatchReply reply{};
  int descriptor = -1;
  if (!connection || !request(connection, table, module_address) ||
      !connection.receive(&reply, sizeof(reply), descriptor) || descriptor < 0) {
    return {};
  }
  const bool is_reply = reply.magic == kSessionMagic && reply.version == kWireVersion && reply.size_bytes != 0 &&
                        reply.size_bytes <= kMaxPlanBytes;
  const long bytes = is_reply ? map_apart(reply.size_bytes, PROT_READ, MAP_PRIVATE, descriptor) : -EBADMSG;
  close_file(descriptor);
  if (raw_failed(bytes)) {
    note_failure(outcome, bytes);
    return {};
  }
  return {reinterpret_cast<const char*>(bytes), reply.size_bytes};
}

// False: there is no plan.
bool ask_and_carry_out(const Connection& connection, const HookTable& table, uint64_t module_address,
                       PatchOutcome& outcome) {
  const Plan plan = ask(connection, table, module_address, outcome);
  if (plan.bytes == nullptr) {
    return outcome.error_number != 0;
  }
  carry_out(plan, Deal::kMapAndJump, outcome);
  unmap_memory(const_cast<char*>(plan.bytes), plan.size_bytes);
  return true;
}

void tell(const Connection& connection, PatchOutcome& outcome) {
  if (copy_secret(the_agent.session_value, outcome.secret)) {
    connection.send(&outcome, sizeof(outcome));
  }
}

}  // namespace

void apply_patches(Connection& connection, const HookTable& table, uint64_t module_address) {
  PatchOutcome outcome{kSessionMagic, kWireVersion, 0, 0, 0, 0, 0, {}};
  bool is_answered = ask_and_carry_out(connection, table, module_address, outcome);
  if (is_answered && outcome.error_number == EEXIST) {
    // Another thread has mapped something where an area was to be. The next plan knows of it; what is hooked stays so.
    outcome.failed = 0;
    outcome.error_number = 0;
    is_answered = ask_and_carry_out(connection, table, module_address, outcome);
  }
  if (is_answered) {
    tell(connection, outcome);
  }
  connection.close();
}

PatchRequest patch_request(const HookTable& table, uint64_t module_address) {
  table_for_later = table;
  PatchRequest message{kSessionMagic, kWireVersion, table.function_count, module_address, {}, {}, {}};
  memcpy(message.functions, table.functions, sizeof(message.functions));
  for (uint32_t i = 0; i < kHookShapeCount; ++i) {
    message.hooks[i] = reinterpret_cast<uint64_t>(table.hooks[i]);
  }
  return message;
}

bool map_areas(const PatchPlanHeader* header, uint32_t size_bytes, PatchOutcome& outcome) {
  const Plan plan{reinterpret_cast<const char*>(header), size_bytes};
  carry_out(plan, Deal::kMap, outcome);
  return plan.makes_sense();
}

void write_jumps(const PatchPlanHeader* plan) {
  PatchOutcome outcome{};
  carry_out({reinterpret_cast<const char*>(plan), plan->size_bytes}, Deal::kJump, outcome);
}

void take_jumps_out(const PatchPlanHeader* header) {
  const Plan plan{reinterpret_cast<const char*>(header), header->size_bytes};
  const OwnMemory memory;
  for (uint32_t i = 0; i < header->patch_count; ++i) {
    const PlannedPatch& patch = plan.patches()[i];
    uint8_t present[sizeof(patch.written)];
    if (!raw_failed(memory.read(patch.address, present, patch.written_bytes)) &&
        memcmp(present, patch.written, patch.written_bytes) == 0) {
      memory.write(patch.address, patch.expected, patch.written_bytes);
    }
  }
}

void HookTable::add(const char* name, void* hook) {
  if (hook != nullptr && function_count < kMaxHookedFunctions) {
    text_copy(functions[function_count].name, name, sizeof(functions[0].name));
    functions[function_count++].hook = reinterpret_cast<uint64_t>(hook);
  }
}

const void* allocator_in(const link_map& module) {
  for (const char* name : kAllocatorNames) {
    if (const void* entry = function_of(module, name); entry != nullptr) {
      return entry;
    }
  }
  return nullptr;
}

void patch_loaded_module(const link_map& module) {
  bool is_wanted = false;
  for (const void* hook : table_for_later.hooks) {
    is_wanted = is_wanted || hook != nullptr;
  }
  const void* entry = is_wanted ? allocator_in(module) : nullptr;
  if (entry != nullptr) {
    Connection connection;
    connection.open(the_agent.session_value);
    apply_patches(connection, table_for_later, reinterpret_cast<uint64_t>(entry));
  }
}

void* original_of(void* entry) {
  const Hooked* known = find_hooked(reinterpret_cast<uint64_t>(entry));
  return known != nullptr ? reinterpret_cast<void*>(known->trampoline.load(std::memory_order_acquire)) : entry;
}

}  // namespace flarestack::agent
