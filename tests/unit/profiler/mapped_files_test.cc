// SPDX-License-Identifier: Apache-2.0
#include "profiler/mapped_files.h"

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>

#include "base/fd.h"

namespace flarestack {
namespace {

constexpr size_t kPageBytes = 4096;

// A function of this program, and where its code lies.
__attribute__((noinline)) int sought() { return 4711; }

uint64_t address_of_sought() { return reinterpret_cast<uint64_t>(&sought); }

uint64_t load_bias() {
  uint64_t bias = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* to) {
        *static_cast<uint64_t*>(to) = info->dlpi_addr;
        return 1;  // the program itself comes first
      },
      &bias);
  return bias;
}

// Maps the page of `file` that holds the offset, executable; the address of the offset's byte.
class SecondMapping {
 public:
  SecondMapping(const std::string& file, uint64_t file_offset) {
    const Result<Fd> opened = open_file(file, O_RDONLY);
    REQUIRE(opened.ok());
    const auto page = static_cast<off_t>(file_offset / kPageBytes * kPageBytes);
    memory_ = mmap(nullptr, kPageBytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, opened->get(), page);
    REQUIRE(memory_ != MAP_FAILED);
    address_ = reinterpret_cast<uint64_t>(memory_) + file_offset % kPageBytes;
  }
  ~SecondMapping() { munmap(memory_, kPageBytes); }
  SecondMapping(const SecondMapping&) = delete;
  SecondMapping& operator=(const SecondMapping&) = delete;
  RuntimeAddress address() const { return {address_}; }

 private:
  void* memory_;
  uint64_t address_;
};

// The file offset of an address of this program, from the mapping it is in.
uint64_t file_offset_of(uint64_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uint64_t start = 0, end = 0, offset = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %*s %lx", &start, &end, &offset) == 3 && start <= address && address < end) {
      return address - start + offset;
    }
  }
  return 0;
}

constexpr uint64_t kLater = 1'000'000'000'000'000;

}  // namespace

TEST_CASE("code that is mapped a second time is the same place of the same file") {
  REQUIRE(sought() == 4711);
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const SecondMapping mapping(self, file_offset_of(address_of_sought()));
  MappedFiles files;
  CHECK_FALSE(files.find(mapping.address()));
  files.look(getpid(), kLater);
  const std::optional<MappedFiles::Place> place = files.find(mapping.address());
  REQUIRE(place);
  CHECK(place->path == self);
  CHECK(place->offset.value == address_of_sought() - load_bias());
  CHECK_FALSE(place->build_id.empty());
  const std::optional<MappedFiles::Place> first = files.find({address_of_sought()});
  REQUIRE(first);
  CHECK(first->offset.value == place->offset.value);
}

TEST_CASE("a mapping that is gone is remembered until another one takes its place") {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  MappedFiles files;
  RuntimeAddress address{};
  {
    const SecondMapping mapping(self, file_offset_of(address_of_sought()));
    address = mapping.address();
    files.look(getpid(), kLater);
  }
  files.look(getpid(), 2 * kLater);
  CHECK(files.find(address));
  files.look(999'999'999, 3 * kLater);  // no such process
  CHECK(files.find(address));
}

TEST_CASE("mappings of no file, and of no ELF file, are nowhere") {
  char name[] = "/tmp/flarestack-mapped.XXXXXX";
  const Fd file(mkstemp(name));
  REQUIRE(ftruncate(file.get(), kPageBytes) == 0);
  const SecondMapping text(name, 16);
  unlink(name);
  void* anonymous = mmap(nullptr, kPageBytes, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MappedFiles files;
  files.look(getpid(), kLater);
  CHECK_FALSE(files.find(text.address()));
  CHECK_FALSE(files.find({reinterpret_cast<uint64_t>(anonymous)}));
  CHECK_FALSE(files.find({0}));
  CHECK_FALSE(files.find({UINT64_MAX}));
  munmap(anonymous, kPageBytes);
}

TEST_CASE("a process is not looked at all the time") {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  MappedFiles files;
  files.look(getpid(), kLater);
  const SecondMapping mapping(self, file_offset_of(address_of_sought()));
  files.look(getpid(), kLater + 1);
  CHECK_FALSE(files.find(mapping.address()));
}

}  // namespace flarestack
