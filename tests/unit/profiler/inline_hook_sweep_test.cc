// SPDX-License-Identifier: Apache-2.0
// Every function of real libraries is displaced, and the trampoline disassembled: the same instructions with the same
// absolute targets, whatever inline_hook.cc thought of them.
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <capstone/capstone.h>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/allocator_entries.h"
#include "profiler/allocator_names.h"
#include "profiler/inline_hook.h"

namespace flarestack {
namespace {

constexpr uint64_t kBias = 0x7f0000000000;  // where the library is thought to lie
constexpr uint64_t kCodeAddress = kBias - (64 << 20);

struct Library {
  std::string bytes;
  std::vector<Elf64_Phdr> segments;
  std::map<uint64_t, std::pair<std::string, uint64_t>> functions;  // by address: an allocator's name or any, and size
};

template <typename T>
T at(const std::string& bytes, uint64_t offset) {
  T value{};
  REQUIRE(offset + sizeof(T) <= bytes.size());
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

Library read_library(const std::string& path) {
  Library library;
  const Result<std::string> bytes = read_file(path);
  REQUIRE(bytes.ok());
  library.bytes = *bytes;
  const auto header = at<Elf64_Ehdr>(library.bytes, 0);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    library.segments.push_back(at<Elf64_Phdr>(library.bytes, header.e_phoff + i * sizeof(Elf64_Phdr)));
  }
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const auto section = at<Elf64_Shdr>(library.bytes, header.e_shoff + i * sizeof(Elf64_Shdr));
    if (section.sh_type != SHT_DYNSYM) {
      continue;
    }
    const auto names = at<Elf64_Shdr>(library.bytes, header.e_shoff + section.sh_link * sizeof(Elf64_Shdr));
    for (uint64_t offset = 0; offset < section.sh_size; offset += sizeof(Elf64_Sym)) {
      const auto symbol = at<Elf64_Sym>(library.bytes, section.sh_offset + offset);
      if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF && symbol.st_size != 0) {
        const char* name = library.bytes.data() + names.sh_offset + symbol.st_name;
        if (allocator_shape(name) || !library.functions.contains(symbol.st_value)) {
          library.functions[symbol.st_value] = {name, symbol.st_size};
        }
      }
    }
  }
  return library;
}

// Up to the next function, or 64 bytes behind its end.
std::vector<uint8_t> code_of(const Library& library, uint64_t address, uint64_t size_bytes) {
  uint64_t length = size_bytes + 64;
  if (const auto next = library.functions.upper_bound(address); next != library.functions.end()) {
    length = std::min(length, next->first - address);
  }
  for (const Elf64_Phdr& segment : library.segments) {
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address < segment.p_vaddr + segment.p_filesz) {
      length = std::min(length, segment.p_vaddr + segment.p_filesz - address);
      const auto* first = reinterpret_cast<const uint8_t*>(library.bytes.data()) + segment.p_offset;
      return {first + (address - segment.p_vaddr), first + (address - segment.p_vaddr) + length};
    }
  }
  return {};
}

// Instructions as "MNEMONIC OPERANDS", with the absolute address in place of a distance from the program counter.
std::vector<std::string> instructions_of(csh handle, const uint8_t* code, size_t size_bytes, uint64_t address) {
  std::vector<std::string> result;
  cs_insn* instructions = nullptr;
  const size_t count = cs_disasm(handle, code, size_bytes, address, 0, &instructions);
  for (size_t i = 0; i < count; ++i) {
    const cs_insn& one = instructions[i];
    std::string text = fmt::format("{} {}", one.mnemonic, one.op_str);
    const cs_x86& x86 = one.detail->x86;
    for (uint8_t o = 0; o < x86.op_count; ++o) {
      if (x86.operands[o].type == X86_OP_MEM && x86.operands[o].mem.base == X86_REG_RIP) {
        const size_t from = text.find("[rip");
        REQUIRE(from != std::string::npos);
        const uint64_t target = one.address + one.size + static_cast<uint64_t>(x86.operands[o].mem.disp);
        text.replace(from, text.find(']') - from, fmt::format("[{:#x}", target));
      }
    }
    result.push_back(text);
  }
  if (count != 0) {
    cs_free(instructions, count);
  }
  return result;
}

// What the trampoline must say for the displaced instructions.
std::vector<std::string> expected_of(csh handle, const DisplacedEntry& entry, uint64_t entry_address) {
  const uint64_t behind = entry_address + entry.original.size();
  std::vector<std::string> expected =
      instructions_of(handle, entry.original.data(), entry.original.size(), entry_address);
  expected.resize(entry.instructions.size());  // padding is not displaced
  if (expected.back().starts_with("call ")) {
    std::string target = expected.back().substr(5);
    expected.back() = fmt::format("push {:#x}", static_cast<uint32_t>(behind));
    expected.push_back(fmt::format("mov dword ptr [rsp + 4], {:#x}", behind >> 32));
    expected.push_back("jmp " + target);
  }
  if (entry.returns_to_function) {
    expected.push_back(fmt::format("jmp {:#x}", behind));
  }
  return expected;
}

struct Tally {
  size_t functions = 0;
  std::map<std::string, size_t> refusals;
};

// The refusal without its particulars.
std::string kind_of(const std::string& reason) {
  const size_t from = reason.find('`');
  const size_t to = reason.rfind('`');
  return from == std::string::npos ? reason.substr(0, reason.find_first_of("0123456789"))
                                   : reason.substr(0, from) + "..." + reason.substr(to + 1);
}

void check_function(csh handle, const Library& library, uint64_t address, uint64_t size_bytes, Tally& tally) {
  const std::vector<uint8_t> code = code_of(library, address, size_bytes);
  const Result<DisplacedEntry> displaced = displace_entry({code, size_bytes});
  ++tally.functions;
  if (!displaced.ok()) {
    ++tally.refusals[kind_of(displaced.error().message)];
    return;
  }
  const uint64_t entry_address = address + kBias;
  const Result<HookCode> hook = build_hook(*displaced, {entry_address, kCodeAddress, 0x123456789abc, 1});
  REQUIRE(hook.ok());
  REQUIRE(hook->code.size() <= kHookCodeBytes);
  const size_t trampoline_at = hook->trampoline_address - kCodeAddress;
  const std::vector<std::string> found = instructions_of(handle, hook->code.data() + trampoline_at,
                                                         hook->code.size() - trampoline_at, hook->trampoline_address);
  const std::vector<std::string> expected = expected_of(handle, *displaced, entry_address);
  if (found != expected) {
    CHECK(found == expected);
  }
  const std::vector<std::string> jump = instructions_of(handle, hook->entry_jump.data(), 5, entry_address);
  if (jump != std::vector<std::string>{fmt::format("jmp {:#x}", kCodeAddress)}) {
    FAIL("the entry's jump leads elsewhere");
  }
}

std::string path_of_library(const std::string& name) {
  for (const std::string folder : {"/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/"}) {
    if (open_file(folder + name, O_RDONLY).ok()) {
      return folder + name;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("each function of a real library means the same in its trampoline") {
  const std::string name = GENERATE("libc.so.6", "libstdc++.so.6", "libjemalloc.so.2", "libtcmalloc_minimal.so.4",
                                    "libmimalloc.so.2", "libcrypto.so.3");
  const std::string path = path_of_library(name);
  if (path.empty()) {
    WARN(name << " is not installed");
    return;
  }
  csh handle = 0;
  REQUIRE(cs_open(CS_ARCH_X86, CS_MODE_64, &handle) == CS_ERR_OK);
  cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
  const Library library = read_library(path);
  Tally tally;
  for (const auto& [address, function] : library.functions) {
    INFO(name << ": " << function.first);
    check_function(handle, library, address, function.second, tally);
  }
  cs_close(&handle);
  size_t refused = 0;
  for (const auto& [reason, count] : tally.refusals) {
    refused += count;
    UNSCOPED_INFO(count << " functions: " << reason);
  }
  UNSCOPED_INFO(name << ": " << refused << " of " << tally.functions << " functions refused");
  CHECK(refused * 5 < tally.functions);  // nobody asks for most of them, but it says that the rules are not too strict
}

TEST_CASE("each entry of each allocator can be hooked") {
  const std::string name = GENERATE("libc.so.6", "libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2");
  const std::string path = path_of_library(name);
  if (path.empty()) {
    WARN(name << " is not installed");
    return;
  }
  const Result<Fd> file = open_file(path, O_RDONLY);
  REQUIRE(file.ok());
  const AllocatorEntries entries = AllocatorEntries::read(file->get());
  const Library library = read_library(path);
  size_t named = 0;
  for (const auto& [address, function] : library.functions) {
    if (!allocator_shape(function.first)) {
      continue;
    }
    ++named;
    INFO(name << ": " << function.first);
    const auto found = std::find_if(entries.allocator().begin(), entries.allocator().end(),
                                    [&, wanted = address](const auto& one) { return one.address == wanted; });
    REQUIRE(found != entries.allocator().end());
    INFO((found->displaced.ok() ? "" : found->displaced.error().message));
    CHECK(found->displaced.ok());
  }
  CHECK(named >= 9);
  CHECK(entries.allocator().size() == named);
}

}  // namespace flarestack
