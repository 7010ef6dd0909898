// SPDX-License-Identifier: Apache-2.0
// SplitUnits: the other halves of the skeleton units of one program: .dwo files, which libdw finds, and a .dwp package,
// which it does not. Offline side; one thread, since a Dwarf handle is.
//
// A unit of a package is given to libdw as two files made in memory: a .dwo of its own, and a skeleton with the
// addresses, ranges and bases of the program's, that names it. So libdw joins them as it does any other, and there is
// one reader of DWARF entries. Cost: a copy of the unit and of the strings it names, only for units that are hit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <elfutils/libdw.h>

namespace flarestack {

class BundledFiles;

class SplitUnits {
 public:
  // Where they may be, besides where libdw looks: bundled with the trace, or in packages at these paths.
  struct Sources {
    const BundledFiles* bundle = nullptr;
    std::vector<uint8_t> key;  // of the module
    std::vector<std::string> package_paths;
    std::string holder = {};  // the file that `main` is of
  };
  // Borrows `main`; looks when a unit needs it.
  SplitUnits(Dwarf* main, Sources sources);
  SplitUnits(const SplitUnits&) = delete;
  SplitUnits& operator=(const SplitUnits&) = delete;
  ~SplitUnits();

  // The entries of `unit`: those of its other half if it is a skeleton and that is found. Valid while this lives.
  Dwarf_Die entries_of(Dwarf_Die unit);
  // Where the .dwo file of a skeleton unit may lie by what it says; empty: it is none.
  static std::vector<std::string> file_candidates(Dwarf_Die skeleton, const std::string& main_path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace flarestack
