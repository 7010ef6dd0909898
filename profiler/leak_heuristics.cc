// SPDX-License-Identifier: Apache-2.0
#include "profiler/leak_heuristics.h"

#include <array>

namespace flarestack {

// The characters of a libstdc++ string of before C++11, behind its length, capacity and count of references.
bool LeakHeuristics::is_string(uint64_t pointer, const ScannedBlock& block) const {
  constexpr uint64_t kHeaderBytes = 24;
  uint64_t length = 0;
  uint64_t capacity = 0;
  return pointer == block.address + kHeaderBytes && block.size_bytes > kHeaderBytes &&
         read_word(block.address, length) && read_word(block.address + 8, capacity) && length <= capacity &&
         capacity == block.size_bytes - kHeaderBytes - 1;
}

// What is behind a length of 64 bits, as sqlite keeps.
bool LeakHeuristics::is_length(uint64_t pointer, const ScannedBlock& block) const {
  uint64_t length = 0;
  return pointer == block.address + 8 && block.size_bytes > 8 && read_word(block.address, length) && length > 0 &&
         length == block.size_bytes - 8;
}

// The elements of a new[] that have destructors, behind their number.
bool LeakHeuristics::is_array(uint64_t pointer, const ScannedBlock& block) const {
  uint64_t count = 0;
  return pointer == block.address + 8 && block.size_bytes > 8 && read_word(block.address, count) && count > 0 &&
         (block.size_bytes - 8) % count == 0;
}

// A table of virtual functions: nothing, or pointers to code, of which there are two among its first words.
bool LeakHeuristics::is_function_table(uint64_t address) const {
  constexpr size_t kWords = 20;
  std::array<uint64_t, kWords> words{};
  const size_t count = input_.is_file(address) ? input_.read(address, words.data(), sizeof(words)) / 8 : 0;
  int functions = 0;
  for (size_t i = 0; i < count; ++i) {
    if (words[i] != 0 && !input_.is_code(words[i])) {
      return false;
    }
    functions += words[i] != 0 ? 1 : 0;
    if (functions == 2) {
      return true;
    }
  }
  return false;
}

// A base class but the first: the object begins with a table of virtual functions, and so does the base.
bool LeakHeuristics::is_base_class(uint64_t pointer, const ScannedBlock& block) const {
  uint64_t outer = 0;
  uint64_t inner = 0;
  return pointer % 8 == 0 && pointer + 8 <= block.address + block.size_bytes && read_word(pointer, inner) &&
         inner % 8 == 0 && input_.is_file(inner) && read_word(block.address, outer) && outer % 8 == 0 &&
         is_function_table(inner) && is_function_table(outer);
}

bool LeakHeuristics::is_start(uint64_t pointer, const ScannedBlock& block) const {
  return is_string(pointer, block) || is_length(pointer, block) || is_array(pointer, block) ||
         is_base_class(pointer, block);
}

}  // namespace flarestack
