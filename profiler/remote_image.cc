// temporary
#include "profiler/remote_image.h"
#include <elf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <cstring>
#include <map>
#include "base/fd.h"
#include "profiler/process_maps.h"
#include "profiler/remote_place.h"
namespace flarestack {
static std::map<int32_t, RemoteImage> loaded;
Result<RemoteImage> load_remote_image(RemoteThread& thread, int32_t pid, const std::string& path, uint64_t) {
  Result<std::string> file = read_file(path);
  if (!file.ok()) return file.error();
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(file->data());
  const auto* ph = reinterpret_cast<const Elf64_Phdr*>(file->data() + header->e_phoff);
  uint64_t size = 0;
  for (int i = 0; i < header->e_phnum; ++i) if (ph[i].p_type == PT_LOAD) size = (ph[i].p_vaddr + ph[i].p_memsz + 4095) / 4096 * 4096;
  std::string image(size, '\0');
  const Elf64_Dyn* dynamic = nullptr;
  for (int i = 0; i < header->e_phnum; ++i) {
    if (ph[i].p_type == PT_LOAD) std::memcpy(image.data() + ph[i].p_vaddr, file->data() + ph[i].p_offset, ph[i].p_filesz);
    if (ph[i].p_type == PT_DYNAMIC) dynamic = reinterpret_cast<const Elf64_Dyn*>(file->data() + ph[i].p_offset);
  }
  Result<ProcessMaps> maps = ProcessMaps::read(pid);
  const uint64_t hint = place_apart(*maps, size);
  Result<int64_t> at = thread.syscall(SYS_mmap, {hint, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~uint64_t{0}, 0});
  if (!at.ok()) return at.error();
  const uint64_t base = static_cast<uint64_t>(*at);
  uint64_t rela = 0, count = 0;
  for (const auto* d = dynamic; d->d_tag != DT_NULL; ++d) {
    if (d->d_tag == DT_RELA) rela = d->d_un.d_ptr;
    if (d->d_tag == DT_RELASZ) count = d->d_un.d_val / sizeof(Elf64_Rela);
  }
  for (uint64_t i = 0; i < count; ++i) {
    auto* r = reinterpret_cast<Elf64_Rela*>(image.data() + rela) + i;
    if (ELF64_R_TYPE(r->r_info) != R_X86_64_RELATIVE) return Error{"relocation " + std::to_string(ELF64_R_TYPE(r->r_info))};
    const uint64_t value = base + static_cast<uint64_t>(r->r_addend);
    std::memcpy(image.data() + r->r_offset, &value, 8);
  }
  if (!thread.write(base, image.data(), size)) return Error{"write"};
  for (int i = 0; i < header->e_phnum; ++i) {
    if (ph[i].p_type != PT_LOAD) continue;
    const uint64_t from = ph[i].p_vaddr / 4096 * 4096, to = (ph[i].p_vaddr + ph[i].p_memsz + 4095) / 4096 * 4096;
    uint64_t prot = ((ph[i].p_flags & PF_R) ? PROT_READ : 0) | ((ph[i].p_flags & PF_W) ? PROT_WRITE : 0) | ((ph[i].p_flags & PF_X) ? PROT_EXEC : 0);
    static_cast<void>(thread.syscall(SYS_mprotect, {base + from, to - from, prot, 0, 0, 0}));
  }
  return loaded[pid] = RemoteImage{base, base + header->e_entry, size};
}
std::optional<RemoteImage> find_remote_image(int32_t pid, const std::string&) {
  auto f = loaded.find(pid);
  return f != loaded.end() ? std::optional<RemoteImage>(f->second) : std::nullopt;
}
}
