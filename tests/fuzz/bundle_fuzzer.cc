// SPDX-License-Identifier: Apache-2.0
// links: flarestack_trace
// Any bytes as a trace with bundled files, also with checksums that are right: a file is what its record promises, or
// none; and one that is packed into the trace comes out of it again.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/right_checksums.h"
#include "trace/bundle.h"
#include "trace/reader.h"

namespace {

using namespace flarestack;  // NOLINT: a fuzzer's helpers

// Unpacking takes its time, and records may name the same parts over and over.
constexpr size_t kRecordsRead = 50'000;
constexpr size_t kFilesOpened = 50;

void require(bool holds) {
  if (!holds) std::abort();
}

Fd file_of(std::string_view bytes) {
  Fd file(::memfd_create("bundle_fuzzer", MFD_CLOEXEC));
  require(file && write_all(file.get(), bytes, "memfd").ok());
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::vector<BundledFileRecord> bundled_files(const std::string& path) {
  std::vector<BundledFileRecord> files;
  Result<TraceReader> reader = TraceReader::open(path);
  for (size_t records = 0; reader.ok() && records < kRecordsRead && files.size() < kFilesOpened; ++records) {
    std::optional<TraceRecord> record = reader->next();
    if (!record) break;
    if (auto* file = std::get_if<BundledFileRecord>(&*record)) files.push_back(std::move(*file));
  }
  return files;
}

std::string path_of(const Fd& file) { return "/proc/self/fd/" + std::to_string(file.get()); }

void read(const std::string& path) {
  const TraceBundle bundle(path, bundled_files(path));
  for (const BundledFileRecord& file : bundle.files()) {
    const Result<Fd> opened = bundle.open(file);
    struct stat status {};
    require(!opened.ok() || (::fstat(opened->get(), &status) == 0 && uint64_t(status.st_size) == file.size_bytes));
    static_cast<void>(bundle.open(file.kind, file.id));
  }
}

void pack(const std::string& path) {
  Result<BundleWriter> writer = BundleWriter::append_to(path, true);
  if (!writer.ok()) return;
  const std::string contents = "the contents of a file that is packed";
  const Fd packed = file_of(contents);
  const std::vector<uint8_t> id{0xF0, 0x22, 0xED, 0xF1, 0x1E};
  if (!writer->add(BundledKind::kSource, "/packed.c", id, packed.get()).ok()) return;
  std::vector<BundledFileRecord> files = bundled_files(path);
  if (files.size() == kFilesOpened || files.empty() || files.back().id != id) return;  // behind what is damaged
  const Result<Fd> again = TraceBundle(path, {files.back()}).open(files.back());
  require(again.ok());
  const Result<std::string> text = read_all(again->get(), "packed");
  require(text.ok() && *text == contents);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const Fd as_it_is = file_of(bytes);
  read(path_of(as_it_is));
  const Fd trace = file_of(fuzz::with_right_checksums(bytes));
  read(path_of(trace));
  pack(path_of(trace));
  return 0;
}
