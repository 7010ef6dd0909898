// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/module_file.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include <elfutils/debuginfod.h>
#include <elfutils/libdwelf.h>
#include <fmt/format.h>

#include "base/fd.h"
#include "symbolizer/hex.h"
#include "symbolizer/regular_file.h"
#include "symbolizer/supplementary_file.h"
#include "symbolizer/symbolizer.h"
#include "symbolizer/zstd_sections.h"

namespace flarestack {

namespace {

// Where libdwfl's question for the debug file of a module is put first.
struct DebugFileSource {
  const BundledFiles* bundle = nullptr;
  std::vector<uint8_t> key;
  std::vector<uint8_t> build_id;
  std::vector<std::string> candidates;  // ModuleFile::debug_file_candidates()
};

}  // namespace

struct ModuleFile::State {
  std::string path;
  std::string debug_path;
  std::string stand_in_reason;
  bool is_bundled = false;
  std::string search_path;  // in libdwfl's form
  char* search_path_pointer = nullptr;
  Dwfl_Callbacks callbacks{};
  Dwfl* dwfl = nullptr;
  Dwfl_Module* module = nullptr;
  Elf* elf = nullptr;
  GElf_Addr elf_bias = 0;
  bool searched = false;
  Dwarf* dwarf = nullptr;
  Dwarf_Addr dwarf_bias = 0;
  std::vector<std::string> debug_directories;
  SupplementaryFile supplementary;
  DebugFileSource source;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (dwfl != nullptr) {
      dwfl_end(dwfl);
    }
  }
};

namespace {

// The kernel maps the same vdso into every process; its size is the end of its section headers.
Result<Fd> open_vdso() {
  const uint64_t address = getauxval(AT_SYSINFO_EHDR);
  if (address == 0) {
    return Error{"[vdso]: this process has none"};
  }
  const auto* bytes = reinterpret_cast<const char*>(address);
  Elf64_Ehdr header;
  std::memcpy(&header, bytes, sizeof header);
  const size_t size = header.e_shoff + size_t{header.e_shnum} * header.e_shentsize;
  Fd file(memfd_create("vdso", MFD_CLOEXEC));
  if (!file) {
    return errno_error("[vdso]: memfd_create");
  }
  if (Result<void> written = write_all(file.get(), {bytes, size}, "[vdso]"); !written.ok()) {
    return written.error();
  }
  return file;
}

std::string without_deleted(const std::string& path) {
  constexpr std::string_view kDeleted = " (deleted)";  // as /proc/PID/maps marks it
  return path.ends_with(kDeleted) ? path.substr(0, path.size() - kDeleted.size()) : path;
}

// Error: not ELF, or not of the recorded build id.
Result<void> check_build_id(int descriptor, const std::string& path, std::span<const uint8_t> recorded) {
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(descriptor, ELF_C_READ_MMAP_PRIVATE, nullptr);
  if (elf == nullptr || elf_kind(elf) != ELF_K_ELF) {
    elf_end(elf);
    return Error{path + " is not an ELF file"};
  }
  const std::vector<uint8_t> found = read_build_id(elf);
  elf_end(elf);
  if (!recorded.empty() && !std::equal(found.begin(), found.end(), recorded.begin(), recorded.end())) {
    return Error{path + " changed since the recording (build id differs)"};
  }
  return {};
}

// libdwfl opens the files whose build ids it compares, and keeps what it opened: one that has to be unpacked must be
// found before it looks itself.
Fd find_zstd_debug_file(const DebugFileSource& source, char** found_name) {
  for (const std::string& path : source.candidates) {
    Result<Fd> file = open_regular_file(path);
    if (!source.build_id.empty() && file.ok() && has_zstd_sections(file->get()) &&
        check_build_id(file->get(), path, source.build_id).ok()) {
      *found_name = strdup(path.c_str());
      return unpack_zstd_sections(std::move(*file));
    }
  }
  return {};
}

int find_debug_file(Dwfl_Module* module, void** userdata, const char* name, Dwarf_Addr base, const char* file_name,
                    const char* link, GElf_Word checksum, char** found_name) {
  const auto* source = static_cast<const DebugFileSource*>(*userdata);
  if (source != nullptr && source->bundle != nullptr) {
    if (Fd bundled = source->bundle->open(BundledKind::kDebugFile, source->key)) {
      return unpack_zstd_sections(std::move(bundled)).release();
    }
  }
  if (Fd unpacked = source == nullptr ? Fd() : find_zstd_debug_file(*source, found_name)) {
    return unpacked.release();
  }
  // A binary names its debug file as it likes.
  if (link != nullptr && file_name != nullptr &&
      (!is_safe_to_open(path_beside(file_name, link)) ||
       !is_safe_to_open(path_beside(file_name, ".debug/" + std::string(link))))) {
    return -1;
  }
  Fd found(dwfl_standard_find_debuginfo(module, userdata, name, base, file_name, link, checksum, found_name));
  return found ? unpack_zstd_sections(std::move(found)).release() : -1;
}

std::string build_id_path(const std::string& directory, std::span<const uint8_t> build_id) {
  const std::string id = to_hex(build_id);
  return fmt::format("{}/.build-id/{}/{}.debug", directory, id.substr(0, 2), id.substr(2));
}

// From the servers in DEBUGINFOD_URLS, or the client's own cache of what they gave. Asks nobody when that is not set.
Result<Fd> open_from_debuginfod(std::span<const uint8_t> build_id, std::string& path) {
  const char* urls = std::getenv(DEBUGINFOD_URLS_ENV_VAR);
  if (urls == nullptr || urls[0] == '\0') {
    return Error{"no debuginfod server"};
  }
  debuginfod_client* client = debuginfod_begin();
  if (client == nullptr) {
    return errno_error("debuginfod");
  }
  char* found_path = nullptr;
  const int found = debuginfod_find_debuginfo(client, build_id.data(), int(build_id.size()), &found_path);
  debuginfod_end(client);
  if (found < 0) {
    return errno_error("debuginfod", -found);
  }
  path = found_path;
  std::free(found_path);
  return Fd(found);
}

// `file`: the recorded one, or a debug file that stands in for it.
struct OpenedModule {
  Fd file;
  std::string path;             // that was opened
  std::string stand_in_reason;  // what is wrong with the recorded one
  bool is_bundled = false;
};

Result<OpenedModule> open_recorded(const SymbolModule& module, const std::vector<std::string>& debug_directories) {
  const std::string path = without_deleted(module.path);
  if (module.bundle != nullptr) {
    Fd bundled = module.bundle->open(BundledKind::kModule, bundle_key(module.path, module.build_id));
    if (bundled && check_build_id(bundled.get(), path, module.build_id).ok()) {
      return OpenedModule{std::move(bundled), path, {}, true};
    }
  }
  Result<Fd> file = open_module(path);
  Result<void> same = file.ok() ? check_build_id(file->get(), path, module.build_id) : Result<void>(file.error());
  if (same.ok()) {
    return OpenedModule{std::move(*file), path, {}, false};
  }
  if (module.build_id.size() > 1) {
    for (const std::string& directory : debug_directories) {
      const std::string debug_path = build_id_path(directory, module.build_id);
      Result<Fd> debug_file = open_module(debug_path);
      if (debug_file.ok() && check_build_id(debug_file->get(), debug_path, module.build_id).ok()) {
        return OpenedModule{std::move(*debug_file), debug_path, same.error().message, false};
      }
    }
    std::string debug_path;
    Result<Fd> debug_file = open_from_debuginfod(module.build_id, debug_path);
    if (debug_file.ok() && check_build_id(debug_file->get(), debug_path, module.build_id).ok()) {
      return OpenedModule{std::move(*debug_file), debug_path, same.error().message, false};
    }
  }
  return same.error();
}

}  // namespace

Result<Fd> open_module(const std::string& path) {
  if (path == "[vdso]") {
    return open_vdso();
  }
  if (path.empty() || path[0] != '/') {
    return Error{fmt::format("{} is not a file", path.empty() ? "this mapping" : path)};
  }
  return open_regular_file(path);
}

std::vector<uint8_t> read_build_id(Elf* elf) {
  const void* bytes = nullptr;
  const ssize_t size = dwelf_elf_gnu_build_id(elf, &bytes);
  const auto* first = static_cast<const uint8_t*>(bytes);
  return size > 0 ? std::vector<uint8_t>(first, first + size) : std::vector<uint8_t>();
}

Result<ModuleFile> ModuleFile::open(const SymbolModule& module, const std::vector<std::string>& debug_directories) {
  auto state = std::make_unique<State>();
  Result<OpenedModule> opened = open_recorded(module, debug_directories);
  if (!opened.ok()) {
    return opened.error();
  }
  state->path = std::move(opened->path);
  state->stand_in_reason = std::move(opened->stand_in_reason);
  state->is_bundled = opened->is_bundled;
  state->debug_directories = debug_directories;
  state->source = {module.bundle, bundle_key(module.path, module.build_id), {}, {}};
  state->search_path = "+:.debug";  // "+": check the CRC of a debuglink
  for (const std::string& directory : debug_directories) {
    state->search_path += ":" + directory;
  }
  state->search_path_pointer = state->search_path.data();
  state->callbacks.find_elf = dwfl_build_id_find_elf;
  state->callbacks.find_debuginfo = find_debug_file;
  state->callbacks.section_address = dwfl_offline_section_address;
  state->callbacks.debuginfo_path = &state->search_path_pointer;
  state->dwfl = dwfl_begin(&state->callbacks);
  if (state->dwfl == nullptr) {
    return Error{fmt::format("{}: {}", state->path, dwfl_errmsg(-1))};
  }
  dwfl_report_begin(state->dwfl);
  Fd readable = unpack_zstd_sections(std::move(opened->file));
  state->module = dwfl_report_offline(state->dwfl, state->path.c_str(), state->path.c_str(), readable.get());
  if (state->module != nullptr) {
    static_cast<void>(readable.release());  // libdwfl's now
    void** userdata = nullptr;
    dwfl_module_info(state->module, &userdata, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    *userdata = &state->source;
  }
  if (state->module == nullptr || dwfl_report_end(state->dwfl, nullptr, nullptr) != 0) {
    return Error{fmt::format("{} cannot be read as ELF: {}", state->path, dwfl_errmsg(-1))};
  }
  state->elf = dwfl_module_getelf(state->module, &state->elf_bias);
  if (state->elf == nullptr) {
    return Error{fmt::format("{} cannot be read as ELF: {}", state->path, dwfl_errmsg(-1))};
  }
  state->source.build_id = read_build_id(state->elf);
  ModuleFile result(std::move(state));
  result.state_->source.candidates = result.debug_file_candidates(debug_directories);
  return result;
}

ModuleFile::ModuleFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
ModuleFile::ModuleFile(ModuleFile&&) noexcept = default;
ModuleFile& ModuleFile::operator=(ModuleFile&&) noexcept = default;
ModuleFile::~ModuleFile() = default;

Elf* ModuleFile::elf() const { return state_->elf; }

Dwarf* ModuleFile::dwarf() {
  if (!state_->searched) {
    state_->searched = true;
    state_->dwarf = dwfl_module_getdwarf(state_->module, &state_->dwarf_bias);
    const char* debug_path = nullptr;
    dwfl_module_info(state_->module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, &debug_path);
    if (debug_path != nullptr && debug_path != state_->path) {
      state_->debug_path = debug_path;
    }
    if (state_->dwarf != nullptr) {
      const std::string& holder = state_->debug_path.empty() ? state_->path : state_->debug_path;
      state_->supplementary =
          SupplementaryFile(state_->dwarf, holder, state_->debug_directories, state_->source.bundle);
    }
  }
  return state_->dwarf;
}

Elf* ModuleFile::debug_elf() {
  Dwarf* handle = dwarf();
  Elf* debug = handle == nullptr ? nullptr : dwarf_getelf(handle);
  return debug == state_->elf ? nullptr : debug;
}

std::vector<std::string> ModuleFile::debug_file_candidates(const std::vector<std::string>& debug_directories) const {
  std::vector<std::string> result;
  if (const std::vector<uint8_t> build_id = read_build_id(state_->elf); build_id.size() > 1) {
    for (const std::string& directory : debug_directories) {
      result.push_back(build_id_path(directory, build_id));
    }
  }
  GElf_Word checksum = 0;
  if (const char* link = dwelf_elf_gnu_debuglink(state_->elf, &checksum)) {
    const std::string folder = state_->path.substr(0, state_->path.rfind('/'));
    result.push_back(fmt::format("{}/{}", folder, link));
    result.push_back(fmt::format("{}/.debug/{}", folder, link));
    for (const std::string& directory : debug_directories) {
      result.push_back(fmt::format("{}{}/{}", directory, folder, link));
    }
  }
  return result;
}

std::vector<std::string> ModuleFile::package_paths() const {
  std::vector<std::string> result;
  if (!state_->debug_path.empty()) {
    result.push_back(state_->debug_path + ".dwp");
  }
  result.push_back(state_->path + ".dwp");
  for (const std::string& directory : state_->debug_directories) {
    result.push_back(fmt::format("{}{}.dwp", directory, state_->path));
  }
  return result;
}

const SupplementaryFile& ModuleFile::supplementary() const { return state_->supplementary; }
bool ModuleFile::is_bundled() const { return state_->is_bundled; }
const BundledFiles* ModuleFile::bundle() const { return state_->source.bundle; }
const std::vector<uint8_t>& ModuleFile::key() const { return state_->source.key; }
const std::string& ModuleFile::path() const { return state_->path; }
const std::string& ModuleFile::stand_in_reason() const { return state_->stand_in_reason; }
const std::string& ModuleFile::debug_path() const { return state_->debug_path; }
Dwfl_Module* ModuleFile::dwfl_module() const { return state_->module; }
uint64_t ModuleFile::dwarf_bias() const { return state_->elf_bias - state_->dwarf_bias; }
uint64_t ModuleFile::dwfl_bias() const { return state_->elf_bias; }

}  // namespace flarestack
