// SPDX-License-Identifier: Apache-2.0
// A wrong signature corrupts the program, so each name is here with its declaration checked: malloc.h of glibc 2.36,
// the Itanium C++ ABI's mangling of C++17's operators, jemalloc/jemalloc.h 5.3.0, gperftools/tcmalloc.h 2.10,
// mimalloc.h 2.0.9. Entries with signatures that no HookShape has are left out: they are few (mi_calloc_aligned,
// mi_realloc_aligned_at, mi_heap_recalloc, ...), and what they allocate is missed unless they pass a hooked entry.
#include "profiler/allocator_names.h"

#include <array>
#include <unordered_map>

namespace flarestack {
namespace {

using Shape = HookShape;

struct Name {
  std::string_view name;
  HookShape shape;
};

constexpr Name kPlainNames[] = {
    {"malloc", Shape::kAllocate},
    {"calloc", Shape::kAllocateArray},
    {"realloc", Shape::kReallocate},
    {"free", Shape::kFree},
    {"reallocarray", Shape::kReallocateArray},
    {"posix_memalign", Shape::kPosixMemalign},
    {"aligned_alloc", Shape::kAllocateSizeSecond2},
    {"memalign", Shape::kAllocateSizeSecond2},
    {"valloc", Shape::kAllocate},
    {"pvalloc", Shape::kAllocate},
    {"cfree", Shape::kFree},
    {"free_sized", Shape::kFree2},
    {"free_aligned_sized", Shape::kFree3},
    // Aliases that glibc and those that replace it have.
    {"__libc_malloc", Shape::kAllocate},
    {"__libc_calloc", Shape::kAllocateArray},
    {"__libc_realloc", Shape::kReallocate},
    {"__libc_free", Shape::kFree},
    {"__libc_cfree", Shape::kFree},
    {"__libc_memalign", Shape::kAllocateSizeSecond2},
    {"__libc_valloc", Shape::kAllocate},
    {"__libc_pvalloc", Shape::kAllocate},
    {"__posix_memalign", Shape::kPosixMemalign},
};

constexpr Name kOperators[] = {
    {"_Znwm", Shape::kAllocate},
    {"_Znam", Shape::kAllocate},
    {"_ZnwmRKSt9nothrow_t", Shape::kAllocateSizeFirst2},
    {"_ZnamRKSt9nothrow_t", Shape::kAllocateSizeFirst2},
    {"_ZnwmSt11align_val_t", Shape::kAllocateSizeFirst2},
    {"_ZnamSt11align_val_t", Shape::kAllocateSizeFirst2},
    {"_ZnwmSt11align_val_tRKSt9nothrow_t", Shape::kAllocateSizeFirst3},
    {"_ZnamSt11align_val_tRKSt9nothrow_t", Shape::kAllocateSizeFirst3},
    {"_ZdlPv", Shape::kFree},
    {"_ZdaPv", Shape::kFree},
    {"_ZdlPvm", Shape::kFree2},
    {"_ZdaPvm", Shape::kFree2},
    {"_ZdlPvRKSt9nothrow_t", Shape::kFree2},
    {"_ZdaPvRKSt9nothrow_t", Shape::kFree2},
    {"_ZdlPvSt11align_val_t", Shape::kFree2},
    {"_ZdaPvSt11align_val_t", Shape::kFree2},
    {"_ZdlPvmSt11align_val_t", Shape::kFree3},
    {"_ZdaPvmSt11align_val_t", Shape::kFree3},
    {"_ZdlPvSt11align_val_tRKSt9nothrow_t", Shape::kFree3},
    {"_ZdaPvSt11align_val_tRKSt9nothrow_t", Shape::kFree3},
};

// jemalloc's own; also under the prefixes below, with the plain names.
constexpr Name kJemallocNames[] = {
    {"mallocx", Shape::kAllocateSizeFirst2},  // (size, flags)
    {"rallocx", Shape::kReallocate3},         // (block, size, flags)
    {"xallocx", Shape::kResizeInPlace4},      // (block, size, extra, flags)
    {"dallocx", Shape::kFree2},               // (block, flags)
    {"sdallocx", Shape::kFree3},              // (block, size, flags)
    {"sdallocx_noflags", Shape::kFree2},      // (block, size)
};
constexpr std::string_view kJemallocPrefixes[] = {"je_", "_rjem_", "__je_"};

constexpr Name kTcmallocNames[] = {
    {"tc_malloc", Shape::kAllocate},
    {"tc_malloc_skip_new_handler", Shape::kAllocate},
    {"tc_calloc", Shape::kAllocateArray},
    {"tc_realloc", Shape::kReallocate},
    {"tc_free", Shape::kFree},
    {"tc_cfree", Shape::kFree},
    {"tc_free_sized", Shape::kFree2},
    {"tc_memalign", Shape::kAllocateSizeSecond2},
    {"tc_posix_memalign", Shape::kPosixMemalign},
    {"tc_valloc", Shape::kAllocate},
    {"tc_pvalloc", Shape::kAllocate},
    {"tc_new", Shape::kAllocate},
    {"tc_newarray", Shape::kAllocate},
    {"tc_new_nothrow", Shape::kAllocateSizeFirst2},
    {"tc_newarray_nothrow", Shape::kAllocateSizeFirst2},
    {"tc_new_aligned", Shape::kAllocateSizeFirst2},
    {"tc_newarray_aligned", Shape::kAllocateSizeFirst2},
    {"tc_new_aligned_nothrow", Shape::kAllocateSizeFirst3},
    {"tc_newarray_aligned_nothrow", Shape::kAllocateSizeFirst3},
    {"tc_delete", Shape::kFree},
    {"tc_deletearray", Shape::kFree},
    {"tc_delete_sized", Shape::kFree2},
    {"tc_deletearray_sized", Shape::kFree2},
    {"tc_delete_nothrow", Shape::kFree2},
    {"tc_deletearray_nothrow", Shape::kFree2},
    {"tc_delete_aligned", Shape::kFree2},
    {"tc_deletearray_aligned", Shape::kFree2},
    {"tc_delete_sized_aligned", Shape::kFree3},
    {"tc_deletearray_sized_aligned", Shape::kFree3},
    {"tc_delete_aligned_nothrow", Shape::kFree3},
    {"tc_deletearray_aligned_nothrow", Shape::kFree3},
};

constexpr Name kMimallocNames[] = {
    {"mi_malloc", Shape::kAllocate},
    {"mi_malloc_small", Shape::kAllocate},
    {"mi_zalloc", Shape::kAllocate},
    {"mi_zalloc_small", Shape::kAllocate},
    {"mi_valloc", Shape::kAllocate},
    {"mi_pvalloc", Shape::kAllocate},
    {"mi_new", Shape::kAllocate},
    {"mi_new_nothrow", Shape::kAllocate},
    {"mi_calloc", Shape::kAllocateArray},
    {"mi_mallocn", Shape::kAllocateArray},
    {"mi_new_n", Shape::kAllocateArray},
    {"mi_malloc_aligned", Shape::kAllocateSizeFirst2},
    {"mi_zalloc_aligned", Shape::kAllocateSizeFirst2},
    {"mi_new_aligned", Shape::kAllocateSizeFirst2},
    {"mi_new_aligned_nothrow", Shape::kAllocateSizeFirst2},
    {"mi_malloc_aligned_at", Shape::kAllocateSizeFirst3},
    {"mi_zalloc_aligned_at", Shape::kAllocateSizeFirst3},
    {"mi_memalign", Shape::kAllocateSizeSecond2},
    {"mi_aligned_alloc", Shape::kAllocateSizeSecond2},
    {"mi_posix_memalign", Shape::kPosixMemalign},
    {"mi_realloc", Shape::kReallocate},
    {"mi_rezalloc", Shape::kReallocate},
    {"mi_new_realloc", Shape::kReallocate},
    {"mi_expand", Shape::kReallocate},  // in place, or NULL and nothing changes
    {"mi__expand", Shape::kReallocate},
    // mi_reallocf frees the old block when it fails, which a hook of this shape takes for kept. It fails when there is
    // no memory; left out, each of its successes would go unseen.
    {"mi_reallocf", Shape::kReallocate},
    {"mi_realloc_aligned", Shape::kReallocate3},
    {"mi_rezalloc_aligned", Shape::kReallocate3},
    {"mi_reallocarray", Shape::kReallocateArray},
    {"mi_reallocn", Shape::kReallocateArray},
    {"mi_recalloc", Shape::kReallocateArray},
    {"mi_new_reallocn", Shape::kReallocateArray},
    {"mi_free", Shape::kFree},
    {"mi_cfree", Shape::kFree},
    {"mi_free_size", Shape::kFree2},
    {"mi_free_aligned", Shape::kFree2},
    {"mi_free_size_aligned", Shape::kFree3},
    {"mi_heap_malloc", Shape::kAllocateSizeSecond2},
    {"mi_heap_malloc_small", Shape::kAllocateSizeSecond2},
    {"mi_heap_zalloc", Shape::kAllocateSizeSecond2},
    {"mi_heap_alloc_new", Shape::kAllocateSizeSecond2},
    {"mi_heap_malloc_aligned", Shape::kAllocateSizeSecond3},
    {"mi_heap_zalloc_aligned", Shape::kAllocateSizeSecond3},
    {"mi_heap_calloc", Shape::kAllocateArraySecond3},
    {"mi_heap_mallocn", Shape::kAllocateArraySecond3},
    {"mi_heap_alloc_new_n", Shape::kAllocateArraySecond3},
    {"mi_heap_realloc", Shape::kReallocateSecond3},
    {"mi_heap_reallocf", Shape::kReallocateSecond3},
    {"mi_heap_rezalloc", Shape::kReallocateSecond3},
};

const std::unordered_map<std::string_view, HookShape>& shapes() {
  static const auto* const table = [] {
    auto* result = new std::unordered_map<std::string_view, HookShape>;
    const auto add = [&](const auto& names) {
      for (const Name& entry : names) {
        result->emplace(entry.name, entry.shape);
      }
    };
    add(kPlainNames);
    add(kOperators);
    add(kJemallocNames);
    add(kTcmallocNames);
    add(kMimallocNames);
    return result;
  }();
  return *table;
}

std::string_view without_jemalloc_prefix(std::string_view name) {
  for (const std::string_view prefix : kJemallocPrefixes) {
    if (name.starts_with(prefix)) {
      return name.substr(prefix.size());
    }
  }
  return name;
}

bool is_operator(std::string_view name) { return name.starts_with("_Z"); }

}  // namespace

std::optional<HookShape> allocator_shape(std::string_view name) {
  // Most names of most programs end here: all of ours begin with one of few letters and are short.
  constexpr size_t kLongestName = 40;
  constexpr std::string_view kFirstLetters = "_acdfjmprstvx";
  if (name.empty() || name.size() > kLongestName || kFirstLetters.find(name[0]) == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view bare = without_jemalloc_prefix(name);
  const bool prefixed = bare.size() != name.size();
  if (prefixed && (is_operator(bare) || bare.find("_") == 0 || bare.starts_with("mi_") || bare.starts_with("tc_"))) {
    return std::nullopt;
  }
  const auto found = shapes().find(bare);
  return found != shapes().end() ? std::optional(found->second) : std::nullopt;
}

bool names_allocator(std::string_view name) {
  return name == "mallocx" || name == "mi_malloc" || name == "tc_malloc" || without_jemalloc_prefix(name) == "malloc";
}

std::optional<HookShape> relay_shape(std::string_view name) {
  if (!name.starts_with("_Zn")) {
    return std::nullopt;
  }
  const std::optional<HookShape> shape = allocator_shape(name);
  if (!shape) {
    return std::nullopt;
  }
  constexpr std::array kByArity = {HookShape::kRelay, HookShape::kRelay2, HookShape::kRelay3};
  return kByArity[hook_arity(*shape) - 1];
}

bool is_plain_c_name(std::string_view name) {
  return !is_operator(name) && !name.starts_with("mi_") && !name.starts_with("tc_") &&
         without_jemalloc_prefix(name).size() == name.size();
}

}  // namespace flarestack
