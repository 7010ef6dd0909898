// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "flarestack_fd_XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  size_t file_count() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) count += entry.exists() ? 1 : 0;
    return count;
  }

 private:
  std::string path_;
};

bool is_open(int descriptor) { return fcntl(descriptor, F_GETFD) >= 0; }

TEST_CASE("an Fd closes its descriptor when it goes, once, and only if it still has it") {
  int raw = -1;
  {
    Fd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
    raw = fd.get();
    Fd moved = std::move(fd);
    REQUIRE(moved.get() == raw);
    REQUIRE(is_open(raw));
  }
  REQUIRE_FALSE(is_open(raw));

  Fd released(open("/dev/null", O_RDONLY | O_CLOEXEC));
  raw = released.release();
  released.reset();
  REQUIRE(is_open(raw));
  close(raw);
}

TEST_CASE("open_file closes on exec and its error names the path and the cause") {
  Result<Fd> null = open_file("/dev/null", O_RDONLY);
  REQUIRE(null.ok());
  REQUIRE((fcntl(null->get(), F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE(open_file("/nowhere/at/all", O_RDONLY).error().message == "open /nowhere/at/all: No such file or directory");
}

TEST_CASE("read_file reads files that say they are empty") {
  Result<std::string> status = read_file("/proc/self/status");
  REQUIRE(status.ok());
  REQUIRE(status->find("Pid:\t" + std::to_string(getpid()) + "\n") != std::string::npos);
}

TEST_CASE("read_file of a folder is an error that names it") {
  REQUIRE(read_file("/proc/self").error().message == "read /proc/self: Is a directory");
}

TEST_CASE("write_all carries on after short writes, read_all reads to the end of a pipe") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  Fd reading_end(ends[0]);
  Fd writing_end(ends[1]);
  std::string sent(1'000'000, 'x');  // a pipe holds 64 KiB
  sent.back() = 'y';
  Result<std::string> got = Error{"not read"};
  std::thread reader([&] { got = read_all(reading_end.get(), "pipe"); });
  Result<void> written = write_all(writing_end.get(), sent, "pipe");
  writing_end.reset();
  reader.join();
  REQUIRE(written.ok());
  REQUIRE(got.ok());
  REQUIRE(*got == sent);
}

TEST_CASE("write_all to a full device is an error that names it") {
  Result<Fd> full = open_file("/dev/full", O_WRONLY);
  REQUIRE(full.ok());
  REQUIRE(write_all(full->get(), "x", "the trace").error().message == "write the trace: No space left on device");
}

TEST_CASE("write_file replaces a file, keeps its mode argument and leaves nothing beside it") {
  TemporaryFolder folder;
  std::string path = folder.file("out");
  REQUIRE(write_file(path, "a much longer first version").ok());
  REQUIRE(write_file(path, "second", 0600).ok());
  REQUIRE(*read_file(path) == "second");
  struct stat status;
  REQUIRE(stat(path.c_str(), &status) == 0);
  REQUIRE((status.st_mode & 0777) == 0600);
  REQUIRE(folder.file_count() == 1);
}

TEST_CASE("write_file replaces a symbolic link and leaves what it pointed to alone") {
  TemporaryFolder folder;
  REQUIRE(write_file(folder.file("precious"), "precious").ok());
  REQUIRE(symlink(folder.file("precious").c_str(), folder.file("link").c_str()) == 0);
  REQUIRE(write_file(folder.file("link"), "new").ok());
  REQUIRE(*read_file(folder.file("precious")) == "precious");
  REQUIRE(*read_file(folder.file("link")) == "new");
}

TEST_CASE("write_file writes to a device instead of replacing it") {
  REQUIRE(write_file("/dev/null", "gone").ok());
  REQUIRE(std::filesystem::is_character_file("/dev/null"));
  REQUIRE(write_file("/dev/full", "x").error().message == "write /dev/full: No space left on device");
}

TEST_CASE("write_file to a folder that does not exist is an error that names the file") {
  REQUIRE(write_file("/nowhere/out.svg", "x").error().message == "create /nowhere/out.svg: No such file or directory");
}

}  // namespace
}  // namespace flarestack
