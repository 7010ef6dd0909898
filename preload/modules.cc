// SPDX-License-Identifier: Apache-2.0
#include "preload/modules.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstring>

#include "preload/agent.h"
#include "preload/known_module.h"
#include "preload/loader_hook.h"
#include "preload/patches.h"
#include "preload/sandbox.h"
#include "preload/system.h"
#include "preload/thread_state.h"
#include "unwind/frame_index.h"
#include "unwind/packed_row.h"
#include "wire/records.h"
#include "wire/ring.h"

// Of this very file, where it is mapped; by the linker.
extern "C" __attribute__((visibility("hidden"))) const ElfW(Ehdr) __ehdr_start;

namespace flarestack::agent {
namespace {

constexpr uint32_t kMaxProgramHeaders = 64;
constexpr uint32_t kMaxModules = 4096;

struct Snapshot {
  ModuleSnapshot view;
  size_t mapped_bytes;
  Snapshot* retired_next;
};

// All but `current` and `readers` are touched only under the loader's lock, or before a second thread exists.
constinit KnownModule* known = nullptr;
constinit uint32_t known_count = 0;
constinit uint32_t last_id = 0;
constinit uint64_t generation = 0;
constinit Snapshot* retired = nullptr;
constinit Snapshot empty_snapshot{};
constinit std::atomic<Snapshot*> current{&empty_snapshot};
constinit std::atomic<uint32_t> readers{0};

// Finds the NT_GNU_BUILD_ID note in a PT_NOTE segment.
void find_build_id(KnownModule& module, uint64_t start, uint64_t size_bytes) {
  uint64_t at = start;
  while (at + sizeof(ElfW(Nhdr)) <= start + size_bytes) {
    ElfW(Nhdr) note;
    char name[4];
    if (!safe_read(&note, reinterpret_cast<const void*>(at), sizeof(note)) || note.n_namesz > size_bytes ||
        note.n_descsz > size_bytes) {
      return;
    }
    const uint64_t description = at + sizeof(note) + (uint64_t{note.n_namesz} + 3) / 4 * 4;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz <= kMaxBuildIdBytes &&
        safe_read(name, reinterpret_cast<const void*>(at + sizeof(note)), 4) && memcmp(name, "GNU", 4) == 0) {
      module.build_id_address = description;
      module.build_id_bytes = note.n_descsz;
      return;
    }
    at = description + (uint64_t{note.n_descsz} + 3) / 4 * 4;
  }
}

// Of a static program, which has nobody who lists them.
constinit link_map static_program{};
constinit link_map vdso{};
constinit FrameIndexEntry* program_index = nullptr;
constinit uint64_t program_index_count = 0;

bool is_executable(const link_map* map) {
  return map == &static_program || (the_agent.debug != nullptr && map == the_agent.debug->r_map);
}

// For an executable whose linker left the search table out; made once, for the segment of its code that is first asked
// for.
void index_program(UnwindModule& module) {
  if (program_index == nullptr) {
    const AttachProgram& program = the_agent.program;
    const uint64_t count = index_frames(module, program.eh_frame, program.eh_frame_bytes, nullptr, 0);
    program_index = static_cast<FrameIndexEntry*>(count != 0 ? map_memory(count * sizeof(FrameIndexEntry)) : nullptr);
    program_index_count = program_index == nullptr ? 0 : count;
    index_frames(module, program.eh_frame, program.eh_frame_bytes, program_index, program_index_count);
  }
  module.index = program_index;
  module.index_count = program_index_count;
}

// Fills in segments, CFI and build id from the program headers; false when they cannot be found.
bool describe(KnownModule& module) {
  ElfW(Ehdr) header;
  ElfW(Phdr) headers[kMaxProgramHeaders];
  // All but odd executables map the ELF header at the load bias, or 0x400000 and the like for position-dependent ones,
  // which the loader lists with bias 0.
  uint64_t image = module.bias;
  if (module.bias == 0) {
    image = is_executable(module.map) ? executable_header_address() : 0;
  }
  if (image == 0 || !safe_read(&header, reinterpret_cast<const void*>(image), sizeof(header)) ||
      memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phnum > kMaxProgramHeaders ||
      !safe_read(headers, reinterpret_cast<const void*>(image + header.e_phoff), header.e_phnum * sizeof(headers[0]))) {
    return false;
  }
  uint64_t hdr_start = 0, hdr_size = 0, read_start = 0, read_end = 0;
  for (uint32_t i = 0; i < header.e_phnum; ++i) {
    if (headers[i].p_type == PT_GNU_EH_FRAME) {
      hdr_start = headers[i].p_vaddr + module.bias;
      hdr_size = headers[i].p_memsz;
    } else if (headers[i].p_type == PT_NOTE && module.build_id_bytes == 0) {
      find_build_id(module, headers[i].p_vaddr + module.bias, headers[i].p_memsz);
    }
  }
  const bool needs_index = hdr_start == 0 && is_executable(module.map) && the_agent.program.eh_frame != 0;
  const uint64_t cfi_start = needs_index ? the_agent.program.eh_frame : hdr_start;
  for (uint32_t i = 0; i < header.e_phnum; ++i) {
    const uint64_t start = headers[i].p_vaddr + module.bias;
    if (headers[i].p_type == PT_LOAD && (headers[i].p_flags & PF_R) != 0 && cfi_start >= start &&
        cfi_start < start + headers[i].p_filesz) {
      read_start = start;
      read_end = start + headers[i].p_filesz;
    }
  }
  // musl's loader is its libc, and without CFI; so is what of it is in a static program.
  const bool is_loader = (the_agent.debug != nullptr && module.bias != 0 && module.bias == the_agent.debug->r_ldbase) ||
                         (the_agent.program.lacks_cfi != 0 && is_executable(module.map));
  for (uint32_t i = 0; i < header.e_phnum && module.segment_count < kSegmentsPerModule; ++i) {
    if (headers[i].p_type == PT_LOAD && (headers[i].p_flags & PF_X) != 0) {
      const uint64_t start = headers[i].p_vaddr + module.bias;
      UnwindModule& segment = module.segments[module.segment_count++];
      segment = {start,    start + headers[i].p_memsz, read_end != 0 ? hdr_start : 0, hdr_size, read_start, read_end, 0,
                 is_loader};
      if (needs_index && read_end != 0) {
        index_program(segment);
      }
    }
  }
  return true;
}

void visit(const link_map* map) {
  for (uint32_t i = 0; i < known_count; ++i) {
    if (known[i].bias == map->l_addr && known[i].dynamic == map->l_ld) {
      known[i].present = true;
      return;
    }
  }
  if (known_count == kMaxModules) {
    the_agent.session.page().module_events_lost.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  KnownModule& module = known[known_count++];
  module = KnownModule{};
  module.bias = map->l_addr;
  module.dynamic = map->l_ld;
  module.map = map;
  module.present = true;
  module.id = ++last_id;
  describe(module);
  log_added(module, generation);
}

// Whether all other threads have seen the new snapshot, or show that they hold an old one. Registers us with the kernel
// at the first call, which takes the kernel 10 ms in a process of several threads. The cost is here, at a change of the
// modules, and none in the hooks.
bool fence_other_threads() {
  if (!sandbox_allows(Deed::kHeap)) {
    return false;
  }
  if (raw_syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) {
    return true;
  }
  return raw_syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
         raw_syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

bool is_held(const Snapshot& snapshot) {
  for (uint32_t i = 0; i < kSlotCount && thread_of_slot(i) != nullptr; ++i) {
    if (thread_of_slot(i)->heap.snapshot.load(std::memory_order_acquire) == &snapshot.view) {
      return true;
    }
  }
  return false;
}

// Frees what was retired, unless a handler or a hook may still be reading it: at a later event, then.
void free_retired() {
  if (retired == nullptr || readers.load(std::memory_order_seq_cst) != 0 || !fence_other_threads()) {
    return;
  }
  Snapshot* still_held = nullptr;
  while (retired != nullptr) {
    Snapshot* next_retired = retired->retired_next;
    if (is_held(*retired)) {
      retired->retired_next = still_held;
      still_held = retired;
    } else {
      unmap_memory(reinterpret_cast<char*>(retired) - sizeof(RowCache), retired->mapped_bytes);
    }
    retired = next_retired;
  }
  retired = still_held;
}

void publish() {
  uint64_t count = 0;
  for (uint32_t i = 0; i < known_count; ++i) {
    count += known[i].segment_count;
  }
  const size_t bytes = sizeof(RowCache) + sizeof(Snapshot) + count * sizeof(UnwindModule);
  void* memory = map_memory(bytes);
  auto* snapshot = reinterpret_cast<Snapshot*>(static_cast<char*>(memory) + sizeof(RowCache));
  if (memory == nullptr) {
    the_agent.session.page().module_events_lost.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto* modules = reinterpret_cast<UnwindModule*>(snapshot + 1);
  uint64_t filled = 0;
  for (uint32_t i = 0; i < known_count; ++i) {
    for (uint32_t s = 0; s < known[i].segment_count; ++s) {
      // Insertion keeps the array sorted; the loader's list is nearly so, from high addresses to low ones.
      uint64_t at = filled++;
      for (; at > 0 && modules[at - 1].text_start > known[i].segments[s].text_start; --at) {
        modules[at] = modules[at - 1];
      }
      modules[at] = known[i].segments[s];
    }
  }
  snapshot->view = {generation, count, modules, static_cast<RowCache*>(memory)};
  snapshot->mapped_bytes = bytes;
  // Pairs with SnapshotReader's load: whoever counts himself among the readers afterwards sees the new snapshot.
  Snapshot* old = current.exchange(snapshot, std::memory_order_seq_cst);
  if (old != &empty_snapshot) {
    old->retired_next = retired;
    retired = old;
  }
  free_retired();
}

// Ourselves, where the loader has not loaded us.
link_map own_map() {
  link_map map{};
  map.l_addr = reinterpret_cast<uint64_t>(&__ehdr_start);
  map.l_name = const_cast<char*>(the_agent.agent_path);
  map.l_ld = _DYNAMIC;
  return map;
}
constinit link_map own{};

// Runs under the loader's lock (or before there is a second thread): the loader's lists stand still.
void rebuild() {
  ++generation;
  for (uint32_t i = 0; i < known_count; ++i) {
    known[i].present = false;
  }
  if (the_agent.program.is_static != 0) {
    static_program.l_addr = executable_bias();
    vdso.l_addr = vdso_address();
    vdso.l_name = const_cast<char*>("linux-vdso");
    visit(&static_program);
    if (vdso.l_addr != 0) {
      visit(&vdso);
    }
  }
  // A namespace of dlmopen is chained behind the first one since glibc 2.35 (struct r_debug_extended, version 2).
  struct Extended {
    r_debug base;
    Extended* next;
  };
  const auto* space = reinterpret_cast<const Extended*>(the_agent.debug);
  while (space != nullptr) {
    for (const link_map* map = space->base.r_map; map != nullptr; map = map->l_next) {
      visit(map);
    }
    space = the_agent.debug->r_version >= 2 ? space->next : nullptr;
  }
  if (the_agent.is_attached) {
    own = own_map();
    visit(&own);
  }
  uint32_t kept = 0;
  for (uint32_t i = 0; i < known_count; ++i) {
    if (known[i].present) {
      known[kept++] = known[i];
    } else {
      log_removed(known[i], generation);
    }
  }
  known_count = kept;
  publish();
}

// The loader calls it in place of its empty function, in the thread that loads.
void on_loader_event() {
  if (!recording() || the_agent.debug->r_state != r_debug::RT_CONSISTENT) {
    return;
  }
  const uint32_t last_before = last_id;
  rebuild();
  // What is new is mapped, and neither relocated nor run.
  for (uint32_t i = 0; i < known_count && sandbox_allows(Deed::kReach); ++i) {
    if (known[i].id > last_before) {
      patch_loaded_module(*known[i].map);
    }
  }
}

}  // namespace

void start_modules(bool first_in_process) {
  if (the_agent.debug == nullptr && the_agent.program.is_static == 0) {
    the_agent.session.page().module_hook_missing.store(1, std::memory_order_relaxed);
    return;
  }
  if (first_in_process) {
    known = static_cast<KnownModule*>(map_memory(sizeof(KnownModule) * kMaxModules));
    if (known == nullptr) {
      return;
    }
    rebuild();
    if (the_agent.debug != nullptr && !hook_loader(the_agent.debug->r_brk, on_loader_event)) {
      the_agent.session.page().module_hook_missing.store(1, std::memory_order_relaxed);
    }
    return;
  }
  readers.store(0, std::memory_order_relaxed);  // the parent's other threads may have been reading
  for (uint32_t i = 0; i < known_count; ++i) {
    log_added(known[i], generation);
  }
}

void restart_modules() {
  if (known != nullptr) {
    known_count = 0;
    rebuild();
  }
}

SnapshotReader::SnapshotReader() {
  readers.fetch_add(1, std::memory_order_seq_cst);
  snapshot_ = &current.load(std::memory_order_seq_cst)->view;
}

// A hazard pointer (Michael 2004) whose fence is on the other side: who retires a snapshot has all threads pass a
// barrier (membarrier(2)) before he looks at the hazards.
SnapshotHold::SnapshotHold(std::atomic<const ModuleSnapshot*>& hazard) : hazard_(hazard) {
  for (;;) {
    snapshot_ = &current.load(std::memory_order_acquire)->view;
    hazard_.store(snapshot_, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (&current.load(std::memory_order_acquire)->view == snapshot_) {
      return;
    }
  }
}

SnapshotReader::~SnapshotReader() { readers.fetch_sub(1, std::memory_order_release); }

}  // namespace flarestack::agent
