// SPDX-License-Identifier: Apache-2.0
#include "model/stack_place.h"

#include <algorithm>
#include <array>

namespace flarestack {
namespace {

constexpr size_t kMostLibraryFrames = 64;

template <size_t Count>
bool starts_with_any(std::string_view text, const std::array<std::string_view, Count>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view each) { return text.starts_with(each); });
}

constexpr std::array<std::string_view, 9> kLibraryNamespaces = {
    "std::",   "__gnu_cxx::", "operator new", "boost::container::", "boost::unordered::", "absl::container_internal::",
    "alloc::", "core::",      "__rust_"};
constexpr std::array<std::string_view, 34> kAllocatorNames = {
    "PyObject_Malloc",  "_PyObject_Malloc", "PyObject_Calloc",
    "_PyObject_Calloc", "PyObject_Realloc", "_PyObject_Realloc",
    "PyMem_Malloc",     "PyMem_Calloc",     "PyMem_Realloc",
    "PyMem_RawMalloc",  "_PyMem_RawMalloc", "_PyMem_RawRealloc",
    "PyObject_Free",    "_PyObject_Free",   "malloc",
    "calloc",           "realloc",          "reallocarray",
    "aligned_alloc",    "posix_memalign",   "memalign",
    "valloc",           "strdup",           "strndup",
    "asprintf",         "vasprintf",        "xmalloc",
    "xcalloc",          "xrealloc",         "xstrdup",
    "getline",          "getdelim",         "__getdelim",
    "__strdup"};
constexpr std::array<std::string_view, 13> kLibraryModules = {
    "libstdc++.so", "libc++.so", "libc.so",  "libc-2.",     "libglib-2.0.so", "libm.so",    "libpthread.so",
    "libgcc_s.so",  "ld-linux",  "ld-musl-", "libjemalloc", "libtcmalloc",    "libmimalloc"};

struct GrowthName {
  std::string_view part;  // of the function's name
  GrowthKind kind;
};
// libstdc++, libc++, Rust's alloc, GLib and CPython, in the words of their sources.
constexpr GrowthName kGrowthNames[] = {
    {"::_M_realloc_insert", GrowthKind::kVector},
    {"::_M_realloc_append", GrowthKind::kVector},
    {"::_M_range_insert", GrowthKind::kVector},
    {"::_M_fill_insert", GrowthKind::kVector},
    {"__push_back_slow_path", GrowthKind::kVector},
    {"__emplace_back_slow_path", GrowthKind::kVector},
    {"::_M_mutate", GrowthKind::kString},
    {"::_M_append", GrowthKind::kString},
    {"::_M_assign", GrowthKind::kString},
    {"::_M_replace", GrowthKind::kString},
    {"::__grow_by", GrowthKind::kString},
    {"::_M_reallocate_map", GrowthKind::kDeque},
    {"finish_grow", GrowthKind::kVector},
    {"RawVec<T,A>::grow", GrowthKind::kVector},
    {"g_realloc", GrowthKind::kBuffer},
    {"g_array_", GrowthKind::kBuffer},
    {"g_ptr_array_", GrowthKind::kBuffer},
    {"g_string_", GrowthKind::kBuffer},
    {"xrealloc", GrowthKind::kBuffer},
    {"reallocarray", GrowthKind::kBuffer},
    {"list_resize", GrowthKind::kBuffer},
    {"PyList_Append", GrowthKind::kBuffer},
    {"PyMem_Realloc", GrowthKind::kBuffer},
    {"_PyBytes_Resize", GrowthKind::kBuffer},
};

GrowthKind growth_of_name(std::string_view name) {
  for (const GrowthName& each : kGrowthNames) {
    if (name.find(each.part) != std::string_view::npos) return each.kind;
  }
  return GrowthKind::kNone;
}

// Time that the kernel, or we, took from the function below.
bool is_taken_from_caller(const Function& function) {
  return function.type == FrameType::kKernel ||
         (function.type == FrameType::kMarker && function.name == "[flarestack]");
}

}  // namespace

bool PlaceFinder::is_library(const Location& location) {
  std::optional<bool>& known = traits_[location.function].is_library;
  if (!known) {
    const Function& function = profile_.functions[location.function];
    known = is_taken_from_caller(function) || is_library_function(function, profile_.files[location.file]);
  }
  return *known;
}

GrowthKind PlaceFinder::growth_of(const StackPlace& place) {
  const auto growth_at = [this](uint32_t location) {
    const uint32_t function = profile_.locations[location].function;
    std::optional<GrowthKind>& known = traits_[function].growth;
    if (!known) known = growth_of_name(qualified_name(profile_.functions[function].name));
    return *known;
  };
  for (const uint32_t each : place.library) {
    if (const GrowthKind growth = growth_at(each); growth != GrowthKind::kNone) return growth;
  }
  return place.found ? growth_at(place.path.front()) : GrowthKind::kNone;
}

const StackPlace& PlaceFinder::find(uint32_t stack, size_t most) {
  StackPlace& place = place_;
  place.path.clear();
  place.library.clear();
  place.found = false;
  const Recording& recording = profile_.recording;
  for (; stack < recording.stacks.size() && place.path.size() < most; stack = recording.stacks[stack].parent) {
    const uint32_t frame = recording.stacks[stack].frame;
    if (frame >= profile_.frame_locations.size()) continue;
    const LocationRange range = profile_.frame_locations[frame];
    for (uint32_t i = range.begin; i < range.end && place.path.size() < most; ++i) {
      if (!place.found && is_library(profile_.locations[i])) {
        if (place.library.size() < kMostLibraryFrames) place.library.push_back(i);
        continue;
      }
      place.found = true;
      place.path.push_back(i);
    }
  }
  if (!place.found)
    place.path.assign(place.library.begin(),
                      place.library.begin() + static_cast<ptrdiff_t>(std::min(place.library.size(), most)));
  return place;
}

std::string_view qualified_name(std::string_view demangled) {
  if (demangled.starts_with("operator")) return demangled;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i < demangled.size(); ++i) {
    const char each = demangled[i];
    if (each == '<') ++depth;
    if (each == '>' && depth > 0 && (i == 0 || demangled[i - 1] != '-')) --depth;
    if (depth != 0) continue;
    if (each == 'o' && demangled.substr(i).starts_with("operator")) return demangled.substr(begin);
    // "(anonymous namespace)::f(int)": a bracket that a name goes on behind.
    if (each == '(') {
      const size_t close = demangled.find(')', i);
      if (close == std::string_view::npos || !demangled.substr(close + 1).starts_with("::"))
        return demangled.substr(begin, i - begin);
      i = close;
    }
    if (each == ' ') begin = i + 1;
  }
  return demangled.substr(begin);
}

bool is_library_function(const Function& function, std::string_view file) {
  if (function.type != FrameType::kNative && function.type != FrameType::kInlined) return false;
  const std::string_view name = qualified_name(function.name);
  if (starts_with_any(name, kLibraryNamespaces)) return true;
  if (name.starts_with("<alloc::") || name.starts_with("<std::")) return true;
  if (std::find(kAllocatorNames.begin(), kAllocatorNames.end(), name) != kAllocatorNames.end()) return true;
  if (starts_with_any(function.module, kLibraryModules)) return true;
  return file.starts_with("/usr/include/") || file.find("include/c++/") != std::string_view::npos;
}

}  // namespace flarestack
