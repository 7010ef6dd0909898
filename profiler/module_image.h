// SPDX-License-Identifier: Apache-2.0
// ModuleImage: CFI and code of an ELF file, laid out the way the loader lays them out, so that the recorder unwinds a
// target's threads without touching the target. Copied, not mapped: a file that is cut while it is mapped raises
// SIGBUS. Recorder side.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "unwind/module_snapshot.h"

namespace flarestack {

class ModuleImage {
 public:
  // Reads the segments with CFI and code. `expected_build_id` empty: any. Error: it cannot be read, is no 64-bit ELF
  // file, or is not the file that the target has loaded (its build id differs).
  static Result<std::shared_ptr<const ModuleImage>> load(const std::string& path,
                                                         const std::vector<uint8_t>& expected_build_id);
  // The vdso of this very process, which is the target's as well: the kernel has one.
  static Result<std::shared_ptr<const ModuleImage>> vdso();
  ~ModuleImage();  // never while an UnwindModule of it is in use
  ModuleImage(const ModuleImage&) = delete;
  ModuleImage& operator=(const ModuleImage&) = delete;

  // The executable segment that holds the text [text_start, text_end) of a module loaded with `load_bias`, as the
  // unwinder wants it.
  UnwindModule unwind_module(uint64_t text_start, uint64_t text_end, uint64_t load_bias) const;

 private:
  ModuleImage() = default;
  // Of an .eh_frame whose search table the linker left out. Not before it has been read.
  void index_frames_of(uint64_t eh_frame, uint64_t size_bytes);

  char* base_ = nullptr;       // stands for virtual address first_address_
  uint64_t mapped_bytes_ = 0;  // 0: not ours to unmap (the vdso)
  uint64_t first_address_ = 0;
  uint64_t end_address_ = 0;
  uint64_t eh_frame_hdr_ = 0;  // virtual address; 0: none
  uint64_t eh_frame_hdr_size_ = 0;
  std::vector<FrameIndexEntry> frame_index_;  // where there is none; virtual addresses
};

}  // namespace flarestack
