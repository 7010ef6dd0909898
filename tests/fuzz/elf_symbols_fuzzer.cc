// SPDX-License-Identifier: Apache-2.0
// links: flarestack_symbolizer
// Any bytes as a module: each of its addresses has a frame with a name, and the module a level or a problem. Nothing is
// looked for on this machine; what may lie behind the module in the input comes as bundled files:
//
//   module, then for each file: "\n==PART", its BundledKind as a digit, the length of its id (a byte), id, contents
//
// An empty id fits whoever asks for that kind. In this process, not in a child of it, which is where it would be read.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "symbolizer/module_resolver.h"

namespace {

using namespace flarestack;  // NOLINT: a fuzzer's helpers

constexpr std::string_view kMark = "\n==PART";

Fd file_of(std::string_view bytes) {
  Fd file(memfd_create("module", MFD_CLOEXEC));
  if (!file || !write_all(file.get(), bytes, "memfd").ok()) std::abort();
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

class Parts : public BundledFiles {
 public:
  explicit Parts(std::string_view bytes) {
    for (size_t mark = bytes.find(kMark); mark != std::string_view::npos; mark = bytes.find(kMark)) {
      bytes.remove_prefix(mark + kMark.size());
      if (bytes.size() < 2 || bytes.size() - 2 < uint8_t(bytes[1])) return;
      const std::string_view id = bytes.substr(2, uint8_t(bytes[1]));
      const std::string_view contents = bytes.substr(2 + id.size());
      parts_.push_back({unsigned(bytes[0] - '0'), id, contents.substr(0, contents.find(kMark))});
    }
  }
  Fd open(BundledKind kind, std::span<const uint8_t> id) const override {
    const std::string_view wanted(reinterpret_cast<const char*>(id.data()), id.size());
    for (const Part& part : parts_) {
      if (part.kind == unsigned(kind) && (part.id.empty() || part.id == wanted)) return file_of(part.contents);
    }
    return {};
  }
  Fd open_source(const std::string&) const override { return {}; }

 private:
  struct Part {
    unsigned kind = 0;
    std::string_view id;
    std::string_view contents;
  };
  std::vector<Part> parts_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Fd file = file_of(bytes.substr(0, bytes.find(kMark)));
  const Parts parts(bytes);
  SymbolizerOptions options;
  options.threads = 1;
  options.debug_directories = {};
  std::vector<uint64_t> addresses;
  for (uint64_t offset = 0x200; offset < 0x340; offset += 5) addresses.push_back(offset);
  for (const SymbolDetail detail : {SymbolDetail::kEverything, SymbolDetail::kNamesOnly}) {
    const ResolvedModule resolved = resolve_module(
        {ModuleId{1}, "/proc/self/fd/" + std::to_string(file.get()), {}, &parts}, addresses, options, detail);
    for (const std::vector<SymbolFrame>& location : resolved.frames) {
      if (location.empty() || location.back().inlined || location.front().function.empty()) std::abort();
    }
    if (resolved.symbols.level == ModuleSymbols::Level::kNone && resolved.symbols.problem.empty() &&
        detail == SymbolDetail::kEverything) {
      std::abort();
    }
  }
  return 0;
}
