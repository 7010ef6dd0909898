// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/unit/trace/trace_files.h"
#include "trace/writer.h"

namespace flarestack {
namespace {

// A limit below which writes of the whole process fail with EFBIG, in the middle of a chunk: a full disk for one test.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(uint64_t limit_bytes) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const rlimit limited{limit_bytes, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limited) == 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

// Text that zstd cannot pack, so that the file grows with every flush.
std::string noise(size_t size_bytes, uint64_t seed) {
  std::string text(size_bytes, '\0');
  for (char& byte : text) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>(seed >> 56);
  }
  return text;
}

TEST_CASE("a disk that fills up keeps every whole chunk, says so once, and the writer goes quiet") {
  const TemporaryFolder folder;
  std::vector<TraceRecord> written;
  {
    Result<TraceWriter> writer = TraceWriter::create(folder.file("t"));
    REQUIRE(writer.ok());
    const FileSizeLimit limit(100'000);
    std::optional<Error> error;
    uint32_t id = 0;
    while (!error) {
      REQUIRE(id < 100);
      const StringRecord record{{++id}, noise(9'000, id)};
      writer->add(record);
      if (Result<void> flushed = writer->flush(); flushed.ok()) {
        written.push_back(record);
      } else {
        error = flushed.error();
      }
    }
    CHECK(written.size() == 11);
    CHECK_THAT(error->message, Catch::StartsWith("write " + folder.file("t") + ": File too large; the "));
    CHECK_THAT(error->message, Catch::EndsWith(" bytes before it are a readable trace"));
    CHECK(writer->failed());
    CHECK(std::filesystem::file_size(folder.file("t")) == writer->bytes_written());
    writer->add(StringRecord{{1}, "after"});
    CHECK(writer->flush().ok());
    CHECK(std::filesystem::file_size(folder.file("t")) == writer->bytes_written());
  }
  // SIGXFSZ came with each failed write and must not wait for us.
  sigset_t pending;
  REQUIRE(::sigpending(&pending) == 0);
  CHECK(::sigismember(&pending, SIGXFSZ) == 0);

  const WholeTrace whole = read_trace(folder.file("t"));
  CHECK(whole.records == written);
  CHECK(whole.damage.skipped_bytes == 0);
  CHECK_FALSE(whole.damage.ended);
}

TEST_CASE("a failure inside add() is reported by the next flush") {
  const TemporaryFolder folder;
  Result<TraceWriter> writer = TraceWriter::create(folder.file("t"));
  REQUIRE(writer.ok());
  {
    const FileSizeLimit limit(500'000);
    for (uint32_t id = 1; id <= 200 && !writer->failed(); ++id) writer->add(StringRecord{{id}, noise(9'000, id)});
  }
  CHECK(writer->failed());
  const Result<void> flushed = writer->flush();
  REQUIRE_FALSE(flushed.ok());
  CHECK_THAT(flushed.error().message, Catch::Contains("File too large"));
  CHECK(writer->flush().ok());
  CHECK(read_trace(folder.file("t")).records.empty());
}

TEST_CASE("a device that is full from the start is an error at creation, and keeps its mode") {
  struct stat before, after;
  REQUIRE(::stat("/dev/full", &before) == 0);
  const Result<TraceWriter> writer = TraceWriter::create("/dev/full");
  REQUIRE_FALSE(writer.ok());
  CHECK(writer.error().message == "write /dev/full: No space left on device");
  REQUIRE(::stat("/dev/full", &after) == 0);
  CHECK(before.st_mode == after.st_mode);
}

TEST_CASE("a folder that is missing is an error at creation that names the path") {
  const TemporaryFolder folder;
  const Result<TraceWriter> writer = TraceWriter::create(folder.file("missing/t"));
  REQUIRE_FALSE(writer.ok());
  CHECK_THAT(writer.error().message, Catch::Contains(folder.file("missing/t")) && Catch::Contains("No such file"));
}

}  // namespace
}  // namespace flarestack
