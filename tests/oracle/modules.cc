// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/modules.h"

#include <algorithm>
#include <atomic>

namespace flarestack::oracle {
namespace {

std::atomic<const Modules*> current = nullptr;

int add_module(dl_phdr_info* info, size_t, void* data) {
  auto* modules = static_cast<Modules*>(data);
  modules->changes = info->dlpi_adds + info->dlpi_subs;
  if (modules->object_count == Modules::kMax) {
    return 1;
  }
  modules->objects[modules->object_count++] = *info;
  UnwindModule module;
  module.read_start = UINT64_MAX;
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    const uint64_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    const uint64_t end = start + info->dlpi_phdr[i].p_memsz;
    if (info->dlpi_phdr[i].p_type == PT_LOAD) {
      module.read_start = std::min(module.read_start, start);
      module.read_end = std::max(module.read_end, end);
    } else if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME) {
      module.eh_frame_hdr = start;
      module.eh_frame_hdr_size = info->dlpi_phdr[i].p_memsz;
    }
  }
  for (unsigned i = 0; i < info->dlpi_phnum && modules->segment_count < Modules::kMax; ++i) {
    if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X) != 0) {
      module.text_start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
      module.text_end = module.text_start + info->dlpi_phdr[i].p_memsz;
      modules->segments[modules->segment_count++] = module;
    }
  }
  return 0;
}

}  // namespace

const Modules* current_modules() { return current.load(std::memory_order_acquire); }

IteratePhdr real_iterate_phdr() {
  static const auto real = next_symbol<IteratePhdr>("dl_iterate_phdr");
  return real;
}

void refresh_modules() {
  static std::atomic_flag building = ATOMIC_FLAG_INIT;
  if (building.test_and_set(std::memory_order_acquire)) {
    return;
  }
  const Modules* old = current.load(std::memory_order_acquire);
  unsigned long long changes = 0;
  real_iterate_phdr()(
      [](dl_phdr_info* info, size_t, void* data) {
        *static_cast<unsigned long long*>(data) = info->dlpi_adds + info->dlpi_subs;
        return 1;
      },
      &changes);
  if (old == nullptr || old->changes != changes) {
    auto* modules = static_cast<Modules*>(map_pages(sizeof(Modules)));
    real_iterate_phdr()(add_module, modules);
    std::sort(modules->segments, modules->segments + modules->segment_count,
              [](const UnwindModule& a, const UnwindModule& b) { return a.text_start < b.text_start; });
    modules->snapshot = {old == nullptr ? 1 : old->snapshot.generation + 1, modules->segment_count, modules->segments};
    current.store(modules, std::memory_order_release);  // pairs with the acquires
  }
  building.clear(std::memory_order_release);
}

}  // namespace flarestack::oracle
