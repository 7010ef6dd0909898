// SPDX-License-Identifier: Apache-2.0
// SupplementaryFile: what dwz has moved out of several debug files into a common one: GNU's form of it
// (.gnu_debugaltlink) and DWARF 5's (.debug_sup; DWARF 5, 7.3.6). Offline side.
//
// libdw 0.188 finds only the first by itself, and takes any file of that name: the names of a file that was built anew
// would be shown for the places of the old one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <elfutils/libdw.h>

namespace flarestack {

class BundledFiles;

class SupplementaryFile {
 public:
  SupplementaryFile();
  // Makes the one that `main` names, the bundled one first, its alternate file: none at all if no file of that name is
  // the right one by build id or checksum. A relative name is relative to the folder of `main_path`; build ids are
  // looked up in `debug_directories` as well. Must outlive every use of `main`.
  SupplementaryFile(Dwarf* main, const std::string& main_path, std::span<const std::string> debug_directories,
                    const BundledFiles* bundle);
  SupplementaryFile(SupplementaryFile&&) noexcept;
  SupplementaryFile& operator=(SupplementaryFile&&) noexcept;
  ~SupplementaryFile();

  // As opened here; empty: none, or one that was bundled.
  const std::string& path() const;
  // Its build id or checksum.
  const std::vector<uint8_t>& id() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace flarestack
