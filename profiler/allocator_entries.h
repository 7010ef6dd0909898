// SPDX-License-Identifier: Apache-2.0
// AllocatorEntries: what of one ELF file can be hooked: the entries of the allocator that it holds, if any, and, by
// name, any other function. Read once for each file of a recording, since the children of a build load the same libc
// hundreds of times. Recorder side.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "profiler/inline_hook.h"
#include "wire/hook_shape.h"

namespace flarestack {

// A function, judged once. Addresses are the file's own (virtual addresses).
struct HookableFunction {
  std::string name;  // one of them, if it has several
  uint64_t address = 0;
  std::optional<HookShape> shape;  // of an allocator's entry
  Result<DisplacedEntry> displaced{Error{}};
};

class AllocatorEntries {
 public:
  // Reads the symbol tables. A file that is no ELF file for x86-64, or damaged, has no entries and no functions; the
  // bytes of the file are not trusted. `functions`: names of other functions that are wanted, as far as they are there.
  static AllocatorEntries read(int descriptor, const std::vector<std::string>& functions = {});

  // Sorted by address, each address once. Empty: the file holds no allocator.
  const std::vector<HookableFunction>& allocator() const { return allocator_; }
  const std::vector<HookableFunction>& functions() const { return functions_; }

  struct Segment {
    uint64_t file_offset = 0;
    uint64_t size_bytes = 0;
    uint64_t address = 0;
  };
  // Executable ones.
  const std::vector<Segment>& code() const { return code_; }

  // The file is a program, with its libc in it.
  bool is_static_program() const { return is_static_program_; }

 private:
  std::vector<HookableFunction> allocator_;
  std::vector<HookableFunction> functions_;
  std::vector<Segment> code_;
  bool is_static_program_ = false;
};

}  // namespace flarestack
