// SPDX-License-Identifier: Apache-2.0
#include "preload/next_symbol.h"

#include <elf.h>

#include <cstdint>

#include "preload/agent.h"
#include "preload/system.h"

namespace flarestack::agent {
namespace {

// The tables of one module that a lookup needs.
struct SymbolTables {
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  const uint32_t* gnu_hash = nullptr;
  const uint16_t* versions = nullptr;
};

SymbolTables tables_of(const link_map& module) {
  SymbolTables tables;
  // glibc relocates these pointers in place for all modules but the vdso, musl for none.
  const auto pointer = [&](uint64_t value) {
    return reinterpret_cast<const char*>(value < module.l_addr ? value + module.l_addr : value);
  };
  for (const ElfW(Dyn)* entry = module.l_ld; entry != nullptr && entry->d_tag != DT_NULL; ++entry) {
    const uint64_t value = entry->d_un.d_ptr;
    if (entry->d_tag == DT_SYMTAB) {
      tables.symbols = reinterpret_cast<const ElfW(Sym)*>(pointer(value));
    } else if (entry->d_tag == DT_STRTAB) {
      tables.names = pointer(value);
    } else if (entry->d_tag == DT_GNU_HASH) {
      tables.gnu_hash = reinterpret_cast<const uint32_t*>(pointer(value));
    } else if (entry->d_tag == DT_VERSYM) {
      tables.versions = reinterpret_cast<const uint16_t*>(pointer(value));
    }
  }
  return tables;
}

uint32_t gnu_hash_of(const char* name) {
  uint32_t hash = 5381;
  for (; *name != '\0'; ++name) {
    hash = hash * 33 + static_cast<uint8_t>(*name);
  }
  return hash;
}

// A lookup in DT_GNU_HASH (https://flapenguin.me/elf-dt-gnu-hash; binutils bfd/elflink.c).
void* find_in(const link_map& module, const char* name, unsigned char type) {
  const SymbolTables tables = tables_of(module);
  if (tables.gnu_hash == nullptr || tables.symbols == nullptr || tables.names == nullptr) {
    return nullptr;
  }
  const uint32_t bucket_count = tables.gnu_hash[0];
  const uint32_t first_symbol = tables.gnu_hash[1];
  const uint32_t bloom_words = tables.gnu_hash[2];
  const uint32_t* buckets = tables.gnu_hash + 4 + size_t{bloom_words} * 2;
  const uint32_t* chains = buckets + bucket_count;
  const uint32_t hash = gnu_hash_of(name);
  void* hidden_version = nullptr;
  if (bucket_count == 0) {
    return nullptr;
  }
  for (uint32_t index = buckets[hash % bucket_count]; index >= first_symbol; ++index) {
    const uint32_t chain = chains[index - first_symbol];
    const ElfW(Sym)& symbol = tables.symbols[index];
    if (((chain ^ hash) >> 1) == 0 && symbol.st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol.st_info) == type &&
        text_equal(tables.names + symbol.st_name, name)) {
      void* address = reinterpret_cast<void*>(module.l_addr + symbol.st_value);
      if (tables.versions == nullptr || (tables.versions[index] & 0x8000) == 0) {
        return address;
      }
      hidden_version = address;
    }
    if ((chain & 1) != 0) {
      break;
    }
  }
  return hidden_version;
}

// What the kernel tells a program of itself (getauxval(3)).
struct Auxiliary {
  const ElfW(Phdr) * headers = nullptr;
  size_t count = 0;
  uint64_t entry = 0;
  uint64_t vdso = 0;
};

Auxiliary auxiliary_vector() {
  // /proc/self/auxv rather than the vector behind the environment: a hook may run before our constructor.
  ElfW(auxv_t) entries[48];
  const int descriptor = open_file("/proc/self/auxv");
  const long size = descriptor >= 0 ? read_file(descriptor, entries, sizeof(entries)) : 0;
  if (descriptor >= 0) {
    close_file(descriptor);
  }
  Auxiliary result;
  for (size_t i = 0; size > 0 && i < static_cast<size_t>(size) / sizeof(entries[0]); ++i) {
    const uint64_t value = entries[i].a_un.a_val;
    if (entries[i].a_type == AT_PHDR) {
      result.headers = reinterpret_cast<const ElfW(Phdr)*>(value);
    } else if (entries[i].a_type == AT_PHNUM) {
      result.count = value;
    } else if (entries[i].a_type == AT_ENTRY) {
      result.entry = value;
    } else if (entries[i].a_type == AT_SYSINFO_EHDR) {
      result.vdso = value;
    }
  }
  return result;
}

// In a static program, as whoever attached has found it.
void* find_in_program(const char* name) {
  for (uint32_t i = 0; i < kProgramFunctionCount; ++i) {
    if (text_equal(kProgramFunctions[i], name)) {
      return reinterpret_cast<void*>(the_agent.program.functions[i]);
    }
  }
  return nullptr;
}

void* find_behind_us(const r_debug* debug, const char* name, unsigned char type) {
  // One that was attached is not among them; all are behind it.
  bool behind_us = the_agent.is_attached;
  for (const link_map* module = debug != nullptr ? debug->r_map : nullptr; module != nullptr; module = module->l_next) {
    if (behind_us) {
      if (void* address = find_in(*module, name, type)) {
        return address;
      }
    }
    behind_us = behind_us || module->l_ld == _DYNAMIC;
  }
  return nullptr;
}

}  // namespace

r_debug* loader_debug() {
  if (the_agent.program.is_static != 0) {
    return nullptr;  // a static program that can be anywhere has one, and lists nothing but itself
  }
  const Auxiliary program = auxiliary_vector();
  const uint64_t bias = executable_bias();
  const ElfW(Phdr)* dynamic = nullptr;
  for (size_t i = 0; i < program.count; ++i) {
    if (program.headers[i].p_type == PT_DYNAMIC) {
      dynamic = &program.headers[i];
    }
  }
  if (dynamic == nullptr) {
    return nullptr;
  }
  for (const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(bias + dynamic->p_vaddr); entry->d_tag != DT_NULL;
       ++entry) {
    if (entry->d_tag == DT_DEBUG) {
      return reinterpret_cast<r_debug*>(entry->d_un.d_ptr);
    }
  }
  return nullptr;
}

uint64_t executable_header_address() {
  // The linker puts the program headers right behind the ELF header.
  const Auxiliary program = auxiliary_vector();
  return program.headers != nullptr ? reinterpret_cast<uint64_t>(program.headers) - sizeof(ElfW(Ehdr)) : 0;
}

uint64_t executable_bias() {
  const Auxiliary program = auxiliary_vector();
  for (size_t i = 0; i < program.count; ++i) {
    if (program.headers[i].p_type == PT_PHDR) {
      return reinterpret_cast<uint64_t>(program.headers) - program.headers[i].p_vaddr;
    }
  }
  // Linkers leave that one out of static programs.
  ElfW(Ehdr) header;
  const auto* at = reinterpret_cast<const void*>(executable_header_address());
  return at != nullptr && safe_read(&header, at, sizeof(header)) && header.e_ident[EI_MAG0] == ELFMAG0
             ? program.entry - header.e_entry
             : 0;
}

uint64_t vdso_address() { return auxiliary_vector().vdso; }

bool executable_has_note(const char* owner) {
  const Auxiliary program = auxiliary_vector();
  const uint64_t bias = executable_bias();
  for (size_t i = 0; i < program.count; ++i) {
    const ElfW(Phdr)& header = program.headers[i];
    if (header.p_type != PT_NOTE) {
      continue;
    }
    // Name and description are padded to words (System V ABI, chapter 5).
    const uint64_t end = bias + header.p_vaddr + header.p_memsz;
    for (uint64_t at = bias + header.p_vaddr; at + sizeof(ElfW(Nhdr)) < end;) {
      const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
      if (note->n_namesz != 0 && text_equal(reinterpret_cast<const char*>(note + 1), owner)) {
        return true;
      }
      at += sizeof(*note) + (uint64_t{note->n_namesz} + 3) / 4 * 4 + (uint64_t{note->n_descsz} + 3) / 4 * 4;
    }
  }
  return false;
}

void* next_symbol(const r_debug* debug, const char* name) {
  return the_agent.program.is_static != 0 ? find_in_program(name) : find_behind_us(debug, name, STT_FUNC);
}

void* function_of(const link_map& module, const char* name) { return find_in(module, name, STT_FUNC); }

void* global_object(const r_debug* debug, const char* name) {
  for (const link_map* module = debug != nullptr ? debug->r_map : nullptr; module != nullptr; module = module->l_next) {
    if (void* address = find_in(*module, name, STT_OBJECT)) {
      return address;
    }
  }
  return nullptr;
}

}  // namespace flarestack::agent
