// SPDX-License-Identifier: Apache-2.0
// SplitPackage: a .dwp file: the split units (.dwo) of a program in one file, with an index (DWARF 5, 7.3.5; before
// that https://gcc.gnu.org/wiki/DebugFissionDWP). libdw reads them from 0.191 on, Debian 12 has 0.188. Offline side;
// one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <gelf.h>

#include "base/fd.h"

namespace flarestack {

// What the package has of one unit; `strings` is everybody's. Borrowed from the package.
struct SplitUnit {
  std::span<const uint8_t> info;
  std::span<const uint8_t> abbreviations;
  std::span<const uint8_t> string_offsets;
  std::span<const uint8_t> range_lists;  // DWARF 5; before that they are in the program
  std::span<const uint8_t> strings;
};

class SplitPackage {
 public:
  // Error: not there, no regular file, no package.
  static Result<SplitPackage> open(const std::string& path);
  // The same of an open file; a .dwo without an index is a package of whatever it holds.
  static Result<SplitPackage> open(Fd file, const std::string& path);
  SplitPackage(SplitPackage&&) noexcept;
  SplitPackage& operator=(SplitPackage&&) noexcept;
  ~SplitPackage();

  // None: it is not in this package, or the index makes no sense.
  std::optional<SplitUnit> find(uint64_t dwo_id) const;
  const std::string& path() const;

 private:
  struct State;
  explicit SplitPackage(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace flarestack
