// SPDX-License-Identifier: Apache-2.0
#include "wire/loadable.h"

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

class Scratch {
 public:
  Scratch() {
    char name[] = "/tmp/flarestack-loadable.XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  std::string file(const std::string& name, const std::string& contents, mode_t mode = 0755) const {
    std::ofstream(path(name), std::ios::binary) << contents;
    chmod(path(name).c_str(), mode);
    return path(name);
  }

 private:
  std::string path_;
};

// An ELF file of one program header, PT_INTERP with the loader's path, or PT_NULL if there is none.
std::string elf_file(const std::string& loader, uint8_t bits = ELFCLASS64, uint16_t machine = EM_X86_64) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = bits;
  header.e_machine = machine;
  header.e_phoff = sizeof(header);
  header.e_phnum = 1;
  Elf64_Phdr segment{};
  segment.p_type = loader.empty() ? PT_NULL : PT_INTERP;
  segment.p_offset = sizeof(header) + sizeof(segment);
  segment.p_filesz = loader.size() + 1;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  bytes.append(reinterpret_cast<const char*>(&segment), sizeof(segment));
  return bytes.append(loader).append(1, '\0');
}

constexpr char kGlibcLoader[] = "/lib64/ld-linux-x86-64.so.2";

LoadVerdict check(const std::string& path) { return check_loadable(path.c_str()); }

}  // namespace

TEST_CASE("a dynamically linked program loads the agent") {
  CHECK(check("/bin/sh") == LoadVerdict::kLoadable);
  const Scratch scratch;
  CHECK(check(scratch.file("program", elf_file(kGlibcLoader))) == LoadVerdict::kLoadable);
}

TEST_CASE("programs that cannot load the agent are told apart") {
  const Scratch scratch;
  CHECK(check(scratch.file("static", elf_file(""))) == LoadVerdict::kStatic);
  CHECK(check(scratch.file("musl", elf_file("/lib/ld-musl-x86_64.so.1"))) == LoadVerdict::kOtherLibc);
  CHECK(check(scratch.file("narrow", elf_file(kGlibcLoader, ELFCLASS32, EM_386))) == LoadVerdict::kOther32Bit);
  CHECK(check(scratch.file("x32", elf_file("/libx32/ld-linux-x32.so.2", ELFCLASS32))) == LoadVerdict::kOther32Bit);
  CHECK(check(scratch.file("foreign", elf_file("/lib/ld-linux-aarch64.so.1", ELFCLASS64, EM_AARCH64))) ==
        LoadVerdict::kOther32Bit);
}

TEST_CASE("what is no program is left to the exec") {
  const Scratch scratch;
  CHECK(check(scratch.path("missing")) == LoadVerdict::kNotFound);
  CHECK(check("") == LoadVerdict::kNotFound);
  CHECK(check("/tmp") == LoadVerdict::kNotFound);
  CHECK(check(scratch.file("empty", "")) == LoadVerdict::kNotFound);
  CHECK(check(scratch.file("text", "echo hello\n")) == LoadVerdict::kNotFound);
  CHECK(check(scratch.file("short",
                           "\x7f"
                           "ELF")) == LoadVerdict::kNotFound);
  CHECK(check(scratch.file("cut", elf_file(kGlibcLoader).substr(0, 70))) == LoadVerdict::kNotFound);
}

TEST_CASE("a script is as loadable as its interpreter") {
  const Scratch scratch;
  const std::string program = scratch.file("program", elf_file(kGlibcLoader));
  const std::string other = scratch.file("static", elf_file(""));
  CHECK(check(scratch.file("script", "#!" + program + "\nexit\n")) == LoadVerdict::kLoadable);
  CHECK(check(scratch.file("spaced", "#! \t" + program + " -e\nexit\n")) == LoadVerdict::kLoadable);
  CHECK(check(scratch.file("unfinished", "#!" + program)) == LoadVerdict::kLoadable);
  CHECK(check(scratch.file("of_static", "#!" + other + "\n")) == LoadVerdict::kStatic);
  CHECK(check(scratch.file("nameless", "#!   \nexit\n")) == LoadVerdict::kNotFound);
  CHECK(check(scratch.file("long", "#!/" + std::string(1000, 'x') + "\n")) == LoadVerdict::kNotFound);
}

TEST_CASE("scripts of scripts are followed as far as the kernel does, and a loop ends") {
  const Scratch scratch;
  std::string name = scratch.file("program", elf_file(kGlibcLoader));
  for (int level = 1; level <= 4; ++level) {
    name = scratch.file("level" + std::to_string(level), "#!" + name + "\n");
    CHECK(check(name) == LoadVerdict::kLoadable);
  }
  CHECK(check(scratch.file("level5", "#!" + name + "\n")) == LoadVerdict::kNotFound);
  CHECK(check(scratch.file("loop", "#!" + scratch.path("loop") + "\n")) == LoadVerdict::kNotFound);
}

TEST_CASE("a program that changes its user ignores the agent") {
  const Scratch scratch;
  const std::string path = scratch.file("program", elf_file(kGlibcLoader), 04755);
  CHECK(check(path) == LoadVerdict::kLoadable);  // to its own user
  if (geteuid() == 0) {
    REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
    REQUIRE(chmod(path.c_str(), 04755) == 0);
    CHECK(check(path) == LoadVerdict::kSetuid);
    REQUIRE(chmod(path.c_str(), 02755) == 0);
    CHECK(check(path) == LoadVerdict::kSetuid);
    REQUIRE(chmod(path.c_str(), 02745) == 0);  // set-group-id without group execute is mandatory locking
    CHECK(check(path) == LoadVerdict::kLoadable);
  }
}

TEST_CASE("every verdict has words of its own") {
  for (uint32_t i = 0; i <= static_cast<uint32_t>(LoadVerdict::kNoSession); ++i) {
    for (uint32_t other = 0; other < i; ++other) {
      CHECK(std::string(load_verdict_text(static_cast<LoadVerdict>(i))) !=
            load_verdict_text(static_cast<LoadVerdict>(other)));
    }
  }
  CHECK(std::string(load_verdict_text(static_cast<LoadVerdict>(99))) == "unknown");
}

}  // namespace flarestack
