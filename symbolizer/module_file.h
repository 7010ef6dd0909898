// SPDX-License-Identifier: Apache-2.0
// ModuleFile: one recorded module as found on disk, opened and proven to be the recorded one by its build id, with its
// separate debug file where there is one. Offline side; used by one thread at a time (elfutils handles are not shared).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <elfutils/libdwfl.h>

#include "base/fd.h"
#include "base/result.h"

namespace flarestack {

class BundledFiles;
class SupplementaryFile;
struct SymbolModule;

// The file at that path, or our own vdso for "[vdso]". Error: there is none, or it is no regular file.
Result<Fd> open_module(const std::string& path);

class ModuleFile {
 public:
  // Opens what was bundled with the trace, else `module.path` ("[vdso]": our own vdso). If that file is gone or has
  // another build id, a debug file of the recorded build id in `debug_directories` takes its place. Error: neither is
  // there, and why.
  static Result<ModuleFile> open(const SymbolModule& module, const std::vector<std::string>& debug_directories);
  ModuleFile(ModuleFile&&) noexcept;
  ModuleFile& operator=(ModuleFile&&) noexcept;
  ~ModuleFile();

  // The file itself. Borrowed until the ModuleFile dies, like everything below.
  Elf* elf() const;
  // The file that holds the DWARF (perhaps the same one) and its handle; nullptr: no DWARF anywhere. The first call
  // searches for it: build id, debuglink (CRC checked), .gnu_debugaltlink, and debuginfod where DEBUGINFOD_URLS is set.
  Dwarf* dwarf();
  // The debug file's ELF, or nullptr if there is none besides elf().
  Elf* debug_elf();
  // Paths as opened; empty if there is no such file.
  const std::string& path() const;
  const std::string& debug_path() const;
  // The file itself came with the trace; what time the machine's own has says nothing of it.
  bool is_bundled() const;
  // Why a debug file stands in for the module itself, which then has names and lines but no code: a sentence about the
  // module's own file. Empty: none does.
  const std::string& stand_in_reason() const;
  // Where a separate debug file of this module may lie, whether it is there or not.
  std::vector<std::string> debug_file_candidates(const std::vector<std::string>& debug_directories) const;
  // The supplementary file (dwz) that dwarf() refers to.
  const SupplementaryFile& supplementary() const;
  // What came with the trace, and what this module's files are called there.
  const BundledFiles* bundle() const;
  const std::vector<uint8_t>& key() const;
  // Where a package of split units (.dwp) of this module may lie, whether it is there or not.
  std::vector<std::string> package_paths() const;
  // libdwfl's module, for the symbols of .gnu_debugdata, which it unpacks.
  Dwfl_Module* dwfl_module() const;
  // Addresses in dwarf() are module offsets plus this (0 but for prelinked files).
  uint64_t dwarf_bias() const;
  // Subtracted from libdwfl's addresses gives module offsets.
  uint64_t dwfl_bias() const;

 private:
  struct State;
  explicit ModuleFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The GNU build id note of `elf`; empty: none.
std::vector<uint8_t> read_build_id(Elf* elf);

}  // namespace flarestack
