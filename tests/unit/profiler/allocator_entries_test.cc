// SPDX-License-Identifier: Apache-2.0
// Which functions of a file are an allocator's, on files that the compiler makes for the test.
#include "profiler/allocator_entries.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "profiler/allocator_names.h"

namespace flarestack {
namespace {

using Shapes = std::map<std::string, HookShape>;

Result<AllocatorEntries> entries_of(const std::string& source, const std::string& flags) {
  static int count = 0;
  const std::string folder =
      std::filesystem::temp_directory_path() / ("flarestack-entries-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/" + std::to_string(++count);
  REQUIRE(write_file(path + ".c", source).ok());
  const std::string command = "cc -fno-builtin -O1 -w " + flags + " -o " + path + " " + path + ".c";
  REQUIRE(std::system(command.c_str()) == 0);
  const Result<Fd> file = open_file(path, O_RDONLY);
  REQUIRE(file.ok());
  AllocatorEntries entries = AllocatorEntries::read(file->get(), {"_exit", "plain"});
  std::filesystem::remove_all(folder);
  return entries;
}

Shapes shapes_of(const std::string& source, const std::string& flags) {
  Shapes shapes;
  const Result<AllocatorEntries> entries = entries_of(source, flags);
  for (const HookableFunction& entry : entries->allocator()) {
    shapes[entry.name] = *entry.shape;
  }
  return shapes;
}

// A body of its own for each function, longer than a jump.
const std::string kBody = " { volatile char c[64]; c[3] = __LINE__; c[4] = (long)a; return 0; }\n";
const std::string kFamily = "#include <stddef.h>\nvoid* malloc(size_t a)" + kBody + "void* calloc(size_t a, size_t b)" +
                            kBody + "void* realloc(void* a, size_t b)" + kBody + "void free(void* a)" +
                            " { volatile char c[64]; c[3] = 1; }\n";
const std::string kMain = "int main(int a) " + kBody;

}  // namespace

TEST_CASE("a library that defines malloc is an allocator, with its operators") {
  const Shapes shapes =
      shapes_of(kFamily + "void* _Znwm(size_t a)" + kBody + "void* memory_pool(size_t a)" + kBody, "-shared -fPIC");
  CHECK(shapes == Shapes{{"malloc", HookShape::kAllocate},
                         {"calloc", HookShape::kAllocateArray},
                         {"realloc", HookShape::kReallocate},
                         {"free", HookShape::kFree},
                         {"_Znwm", HookShape::kAllocate}});
}

TEST_CASE("a library with operator new is entered there; one that calls malloc is no allocator") {
  CHECK(shapes_of("#include <stdlib.h>\nvoid* _Znwm(size_t a) { return malloc(a); }\n", "-shared -fPIC") ==
        Shapes{{"_Znwm", HookShape::kRelay}});
  CHECK(shapes_of("#include <stdlib.h>\nvoid* pool(size_t a) { return malloc(a); }\n", "-shared -fPIC").empty());
}

TEST_CASE("a static allocator of an executable is found by its symbols, and not where they are stripped") {
  const std::string source = "#include <stddef.h>\nvoid* je_malloc(size_t a)" + kBody +
                             "void je_dallocx(void* a, int b)" + " { volatile char c[64]; c[3] = 1; }\n" + kMain;
  CHECK(shapes_of(source, "") == Shapes{{"je_malloc", HookShape::kAllocate}, {"je_dallocx", HookShape::kFree2}});
  CHECK(shapes_of(source, "-s").empty());
}

TEST_CASE("a static function that is called free is not an allocator's, one of a whole local family is") {
  const std::string use = "int main(int a) { free((void*)(long)a); return 0; }\n";
  CHECK(shapes_of("#include <stddef.h>\nvoid* mi_malloc(size_t a)" + kBody +
                      "__attribute__((noinline)) static void free(void* a) { volatile char c[64]; c[3] = 1; }\n" + use,
                  "") == Shapes{{"mi_malloc", HookShape::kAllocate}});
  const std::string hidden = "#pragma GCC visibility push(hidden)\n" + kFamily + kMain;
  CHECK(shapes_of(hidden, "").size() == 4);
}

TEST_CASE("several names of one function are one entry, of the signature with the fewest arguments") {
  const Shapes shapes = shapes_of(kFamily +
                                      "void _ZdlPv(void*) __attribute__((alias(\"free\")));\n"
                                      "void _ZdlPvm(void*, size_t) __attribute__((alias(\"free\")));\n",
                                  "-shared -fPIC");
  CHECK(shapes.size() == 4);
  CHECK(shapes.at("free") == HookShape::kFree);
}

TEST_CASE("an indirect function and an undefined one are no entries") {
  const Shapes shapes = shapes_of(
      kFamily + "static void* own(size_t a)" + kBody +
          "static void* choose(void) { return own; }\nvoid* valloc(size_t) __attribute__((ifunc(\"choose\")));\n"
          "void* pvalloc(size_t);\nvoid* use(void) { return pvalloc(1); }\n",
      "-shared -fPIC");
  CHECK(shapes.size() == 4);
}

TEST_CASE("a function into whose entry another one jumps is refused") {
  const std::string source = kFamily + R"(
asm(".globl valloc\n.type valloc,@function\nvalloc: xor %eax,%eax\n1: nop\nnop\nnop\nnop\nret\n.size valloc,.-valloc\n"
    ".p2align 4\n.type valloc_cold,@function\nvalloc_cold: inc %edi\n.byte 0xe9\n.long 1b-.-4\n.size valloc_cold,.-valloc_cold\n");
)";
  const Result<AllocatorEntries> entries = entries_of(source, "-shared -fPIC");
  for (const HookableFunction& entry : entries->allocator()) {
    INFO(entry.name);
    CHECK(entry.displaced.ok() == (entry.name != "valloc"));
  }
  CHECK(entries->allocator().size() == 5);
}

TEST_CASE("other functions are found by name") {
  const Result<AllocatorEntries> entries = entries_of("int plain(int a)" + kBody + kMain, "");
  CHECK(entries->allocator().empty());
  REQUIRE(entries->functions().size() == 1);
  CHECK(entries->functions()[0].name == "plain");
  CHECK(entries->functions()[0].displaced.ok());
}

TEST_CASE("a file that is damaged anywhere is read without harm") {
  const Result<std::string> whole = read_file("/proc/self/exe");
  REQUIRE(whole.ok());
  const std::string path = std::filesystem::temp_directory_path() / ("flarestack-damaged-" + std::to_string(getpid()));
  for (const size_t size_bytes : {size_t{0}, size_t{10}, size_t{64}, size_t{4096}, whole->size() / 2}) {
    REQUIRE(write_file(path, whole->substr(0, size_bytes)).ok());
    const Result<Fd> file = open_file(path, O_RDONLY);
    REQUIRE(file.ok());
    CHECK(AllocatorEntries::read(file->get()).allocator().empty());
  }
  std::filesystem::remove(path);
}

TEST_CASE("names that only look like an allocator's are none") {
  CHECK(allocator_shape("malloc") == HookShape::kAllocate);
  CHECK(allocator_shape("_rjem_sdallocx") == HookShape::kFree3);
  CHECK_FALSE(allocator_shape("je__Znwm"));
  CHECK_FALSE(allocator_shape("je_mi_malloc"));
  CHECK_FALSE(allocator_shape("je___libc_malloc"));
  CHECK_FALSE(allocator_shape("malloc_usable_size"));
  CHECK_FALSE(allocator_shape("mallinfo"));
  CHECK_FALSE(allocator_shape(""));
}

}  // namespace flarestack
