// SPDX-License-Identifier: Apache-2.0
// The modules of this process as a ModuleSnapshot, and an Unwinder in its own mapping: what the agent provides in real
// use.
#pragma once

#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "unwind/unwinder.h"

namespace flarestack::test {

#if defined(__has_feature)
#define FLARESTACK_HAS_FEATURE(x) __has_feature(x)
#else
#define FLARESTACK_HAS_FEATURE(x) 0
#endif
// Instrumented code has larger frames, and ASan's shadow of stacks it does not know survives longjmp and swapcontext.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || FLARESTACK_HAS_FEATURE(address_sanitizer) || \
    FLARESTACK_HAS_FEATURE(thread_sanitizer)
constexpr bool kInstrumented = true;
#else
constexpr bool kInstrumented = false;
#endif

class SelfModules {
 public:
  SelfModules() { refresh(); }
  // Takes the modules anew, as after a dlopen.
  void refresh() {
    modules_.clear();
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* self) {
          static_cast<SelfModules*>(self)->add(info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum);
          return 0;
        },
        this);
    std::sort(modules_.begin(), modules_.end(),
              [](const UnwindModule& a, const UnwindModule& b) { return a.text_start < b.text_start; });
    publish();
  }
  // Makes what was changed in modules() a new generation.
  void publish() {
    snapshot_.generation++;
    snapshot_.count = modules_.size();
    snapshot_.modules = modules_.data();
    if (rows_ != nullptr) {
      share_rows();
    }
  }
  // Lets all who unwind with the snapshot share their rows, as the agent does.
  void share_rows() {
    rows_ = std::make_unique<RowCache>();
    snapshot_.rows = rows_.get();
  }
  const ModuleSnapshot& snapshot() const { return snapshot_; }
  std::vector<UnwindModule>& modules() { return modules_; }

 private:
  void add(uint64_t bias, const ElfW(Phdr) * headers, unsigned count) {
    UnwindModule module;
    module.read_start = UINT64_MAX;
    for (unsigned i = 0; i < count; ++i) {
      const uint64_t start = bias + headers[i].p_vaddr;
      const uint64_t end = start + headers[i].p_memsz;
      if (headers[i].p_type == PT_LOAD) {
        module.read_start = std::min(module.read_start, start);
        module.read_end = std::max(module.read_end, end);
      } else if (headers[i].p_type == PT_GNU_EH_FRAME) {
        module.eh_frame_hdr = start;
        module.eh_frame_hdr_size = headers[i].p_memsz;
      }
    }
    for (unsigned i = 0; i < count; ++i) {
      if (headers[i].p_type == PT_LOAD && (headers[i].p_flags & PF_X) != 0) {
        module.text_start = bias + headers[i].p_vaddr;
        module.text_end = module.text_start + headers[i].p_memsz;
        modules_.push_back(module);
      }
    }
  }

  std::vector<UnwindModule> modules_;
  std::unique_ptr<RowCache> rows_;
  ModuleSnapshot snapshot_;
};

class OwnedUnwinder {
 public:
  OwnedUnwinder()
      : memory_(mmap(nullptr, Unwinder::memory_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
        unwinder_(Unwinder::create(memory_)) {}
  ~OwnedUnwinder() { munmap(memory_, Unwinder::memory_bytes()); }
  OwnedUnwinder(const OwnedUnwinder&) = delete;
  OwnedUnwinder& operator=(const OwnedUnwinder&) = delete;
  Unwinder* operator->() const { return unwinder_; }

 private:
  void* memory_;
  Unwinder* unwinder_;
};

}  // namespace flarestack::test
