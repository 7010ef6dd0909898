// SPDX-License-Identifier: Apache-2.0
// ElfImage: an ELF file of a few sections, made in memory, so that elfutils can read DWARF that lies elsewhere: in a
// package of split units, or packed in a way that libelf does not know. Offline side; a value type.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flarestack {

class ElfImage {
 public:
  // Copies the contents.
  void add(std::string_view name, std::span<const uint8_t> contents);
  void add(std::string_view name, std::string_view contents);
  // The file: ELF64, little endian, x86-64, with the sections in the order they were added.
  std::string bytes() const;

 private:
  struct Section {
    std::string name;
    std::string contents;
  };
  std::vector<Section> sections_;
};

}  // namespace flarestack
