// SPDX-License-Identifier: Apache-2.0
#include "trace/bundle.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/trace/trace_files.h"

namespace flarestack {
namespace {

std::vector<BundledFileRecord> bundled(const WholeTrace& trace) {
  std::vector<BundledFileRecord> files;
  for (const TraceRecord& record : trace.records) {
    if (const auto* file = std::get_if<BundledFileRecord>(&record)) files.push_back(*file);
  }
  return files;
}

std::string contents(const TraceBundle& bundle, const BundledFileRecord& record) {
  const Result<Fd> file = bundle.open(record);
  if (!file.ok()) return file.error().message;
  return read_all(file->get(), "a bundled file").value();
}

struct Packed {
  TemporaryFolder folder;
  std::string trace = folder.file("a.flare");
  std::string large;  // three parts
  uint64_t plain_bytes = 0;

  Packed() {
    for (uint32_t i = 0; large.size() < (5U << 19); ++i) large += std::to_string(i * 2654435761U);
    write_bytes(folder.file("large"), large);
    write_bytes(folder.file("small"), "int main;\n");
    write_trace(trace, small_recording());
    plain_bytes = read_bytes(trace).size();
    Result<BundleWriter> writer = BundleWriter::append_to(trace, false);
    REQUIRE(writer.ok());
    add(*writer, BundledKind::kModule, "large", {1, 2});
    add(*writer, BundledKind::kSource, "small", {});
  }
  void add(BundleWriter& writer, BundledKind kind, const std::string& name, const std::vector<uint8_t>& id) const {
    const Result<Fd> file = open_file(folder.file(name), O_RDONLY);
    REQUIRE(file.ok());
    REQUIRE(writer.add(kind, folder.file(name), id, file->get()).ok());
  }
};

TEST_CASE("packed files come out as they were, and the records before them are as without") {
  const Packed packed;
  const WholeTrace trace = read_trace(packed.trace);
  CHECK_FALSE(trace.damage.any());
  const std::vector<BundledFileRecord> files = bundled(trace);
  REQUIRE(files.size() == 2);
  CHECK(files[0].part_offsets.size() == 3);
  CHECK(trace.records.size() == small_recording().size() + 2);
  const TraceBundle bundle(packed.trace, files);
  CHECK(contents(bundle, files[0]) == packed.large);
  CHECK(contents(bundle, files[0]) == packed.large);  // each time from its start
  CHECK(bundle.open(BundledKind::kModule, std::vector<uint8_t>{1, 2}));
  CHECK_FALSE(bundle.open(BundledKind::kModule, std::vector<uint8_t>{1, 3}));
  CHECK_FALSE(bundle.open(BundledKind::kDebugFile, std::vector<uint8_t>{1, 2}));
}

TEST_CASE("a source file is found by its path") {
  const Packed packed;
  const TraceBundle bundle(packed.trace, bundled(read_trace(packed.trace)));
  write_bytes(packed.folder.file("small"), "changed since\n");
  CHECK(read_all(bundle.open_source(packed.folder.file("small")).get(), "small").value() == "int main;\n");
  CHECK_FALSE(bundle.open_source(packed.folder.file("none")));
}

TEST_CASE("the same contents are packed once, and the same file is not told of twice") {
  const Packed packed;
  const uint64_t before = read_bytes(packed.trace).size();
  Result<BundleWriter> writer = BundleWriter::append_to(packed.trace, false);
  REQUIRE(writer.ok());
  packed.add(*writer, BundledKind::kModule, "large", {1, 2});
  CHECK(read_bytes(packed.trace).size() == before);
  packed.add(*writer, BundledKind::kDebugFile, "large", {1, 2});
  CHECK(read_bytes(packed.trace).size() < before + 300);
  const std::vector<BundledFileRecord> files = bundled(read_trace(packed.trace));
  REQUIRE(files.size() == 3);
  CHECK(contents(TraceBundle(packed.trace, files), files[2]) == packed.large);
}

TEST_CASE("wherever a bundled trace is cut behind its recording, the recording and each whole file are there") {
  const Packed packed;
  const std::string whole = read_bytes(packed.trace);
  for (size_t size = packed.plain_bytes; size < whole.size(); size += size < packed.plain_bytes + 200 ? 7 : 99'991) {
    write_bytes(packed.trace, whole.substr(0, size));
    const WholeTrace trace = read_trace(packed.trace);
    CHECK(trace.damage.ended);
    CHECK(trace.records.size() >= small_recording().size());
    const std::vector<BundledFileRecord> files = bundled(trace);
    for (const BundledFileRecord& file : files) {
      CHECK(contents(TraceBundle(packed.trace, files), file) == packed.large);
    }
  }
}

TEST_CASE("a part that is damaged, missing or named too often makes its file unusable, and nothing else") {
  const Packed packed;
  std::vector<BundledFileRecord> files = bundled(read_trace(packed.trace));
  std::string bytes = read_bytes(packed.trace);
  bytes[files[0].part_offsets[1] + 5000] ^= 1;
  write_bytes(packed.trace, bytes);
  const WholeTrace trace = read_trace(packed.trace);
  CHECK_FALSE(trace.damage.any());
  CHECK_FALSE(TraceBundle(packed.trace, files).open(files[0]).ok());
  CHECK(contents(TraceBundle(packed.trace, files), files[1]) == "int main;\n");
  files[1].part_offsets.assign(1000, files[1].part_offsets[0]);
  CHECK_FALSE(TraceBundle(packed.trace, files).open(files[1]).ok());
  files[1].part_offsets = {0, UINT64_MAX, UINT64_MAX - 31};
  CHECK_FALSE(TraceBundle(packed.trace, files).open(files[1]).ok());
}

TEST_CASE("a trace without an end may still be being written, and is not appended to unless that is asked for") {
  const TemporaryFolder folder;
  std::vector<TraceRecord> records = small_recording();
  records.pop_back();
  write_trace(folder.file("a.flare"), records);
  CHECK_FALSE(BundleWriter::append_to(folder.file("a.flare"), false).ok());
  CHECK(BundleWriter::append_to(folder.file("a.flare"), true).ok());
}

}  // namespace
}  // namespace flarestack
