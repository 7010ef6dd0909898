// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/function_code.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>

#include <gelf.h>

#include "symbolizer/demangle.h"
#include "symbolizer/disassembly.h"
#include "symbolizer/elf_symbols.h"
#include "symbolizer/function_bounds.h"
#include "symbolizer/isolated_work.h"
#include "symbolizer/location_table.h"
#include "symbolizer/module_file.h"
#include "symbolizer/plt_symbols.h"
#include "symbolizer/symbol_table.h"

namespace flarestack {
namespace {

// What is read at most, of one piece and of all; compilers stay far below it.
constexpr uint64_t kMostBytes = 4 << 20;
// What a label without a size stands for at most, in hand-written assembly.
constexpr uint64_t kMostBytesOfLabel = 4096;
constexpr uint64_t kStubBytes = 16;

struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string name;
  explicit operator bool() const { return end > begin; }
};

bool is_function(const GElf_Sym& symbol) {
  const int type = GELF_ST_TYPE(symbol.st_info);
  return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol.st_shndx != SHN_UNDEF;
}

// The smallest function symbol around each of the ascending offsets.
class Extents {
 public:
  explicit Extents(std::span<const uint64_t> offsets) : offsets_(offsets), found_(offsets.size()) {}

  void offer(const GElf_Sym& symbol, const char* name) {
    if (!is_function(symbol) || symbol.st_size == 0 || symbol.st_size > kMostBytes) {
      return;
    }
    auto each = std::lower_bound(offsets_.begin(), offsets_.end(), symbol.st_value);
    for (; each != offsets_.end() && *each - symbol.st_value < symbol.st_size; ++each) {
      Extent& best = found_[size_t(each - offsets_.begin())];
      if (!best || symbol.st_size < best.end - best.begin) {
        best = {symbol.st_value, symbol.st_value + symbol.st_size, name};
      }
    }
  }
  std::vector<Extent>& found() { return found_; }

 private:
  std::span<const uint64_t> offsets_;
  std::vector<Extent> found_;
};

void offer_symbols(ModuleFile& file, Extents& extents) {
  for (Elf* elf : {file.debug_elf(), file.elf()}) {
    if (elf != nullptr) {
      for_each_symbol(elf, [&](const GElf_Sym& symbol, const char* name) { extents.offer(symbol, name); });
    }
  }
  for_each_symbol_of_module(file, [&](const GElf_Sym& symbol, const char* name) { extents.offer(symbol, name); });
}

// Where no symbol has a size: stubs of the linkage table, unwind entries, labels up to the next one.
void delimit_the_rest(ModuleFile& file, std::span<const uint64_t> offsets, std::vector<Extent>& found) {
  const std::vector<PltStub> stubs = find_plt_stubs(file.elf(), offsets);
  const FunctionBounds bounds(file.elf());
  const std::vector<CodeSection> code = code_sections(file.elf());
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (stubs[i].found) {
      found[i] = {stubs[i].start, stubs[i].start + kStubBytes, stubs[i].symbol.empty() ? "" : stubs[i].symbol + "@plt"};
    } else if (const std::optional<uint64_t> start = found[i] ? std::nullopt : bounds.start_of(offsets[i])) {
      found[i] = {*start, *start + std::min(bounds.size_of(offsets[i]), kMostBytes), ""};
    }
  }
  SymbolMatcher matcher(offsets, code);
  for_each_symbol(file.elf(), [&](const GElf_Sym& symbol, const char* name) { matcher.add(symbol, name); });
  const std::vector<SymbolMatch> labels = matcher.matches();
  for (size_t i = 0; i < offsets.size(); ++i) {
    const auto section = std::find_if(code.begin(), code.end(), [&](const CodeSection& each) {
      return each.start <= offsets[i] && offsets[i] < each.end;
    });
    if (found[i] || !labels[i] || section == code.end() || offsets[i] - labels[i].start >= kMostBytesOfLabel) {
      continue;
    }
    uint64_t end = std::min(section->end, labels[i].start + kMostBytesOfLabel);
    for_each_symbol(file.elf(), [&](const GElf_Sym& symbol, const char*) {
      if (symbol.st_shndx != SHN_UNDEF && symbol.st_value > offsets[i]) {
        end = std::min<uint64_t>(end, symbol.st_value);
      }
    });
    found[i] = {labels[i].start, end, std::string(labels[i].name)};
  }
}

// The bytes of [begin, end), fewer where the file has fewer; of a section without contents none.
std::span<const uint8_t> bytes_of(Elf* elf, uint64_t begin, uint64_t end) {
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_PROGBITS ||
        (header.sh_flags & SHF_EXECINSTR) == 0 || begin < header.sh_addr || begin - header.sh_addr >= header.sh_size) {
      continue;
    }
    const Elf_Data* data = elf_rawdata(section, nullptr);
    const uint64_t skipped = begin - header.sh_addr;
    if (data == nullptr || data->d_buf == nullptr || skipped >= data->d_size) {
      return {};
    }
    return {static_cast<const uint8_t*>(data->d_buf) + skipped, std::min(end - begin, data->d_size - skipped)};
  }
  return {};
}

int64_t modified_ns(const std::string& path) {
  struct stat status {};
  return path.empty() || stat(path.c_str(), &status) != 0
             ? 0
             : int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

// A piece as its file has it.
struct RawPiece {
  Extent extent;
  std::span<const uint8_t> bytes;  // borrowed
};

struct RawCode {
  std::string path;
  int64_t built_ns = 0;
  std::vector<RawPiece> pieces;
};

// In a child, as the file may be anything: an error's message, or an empty text and the code.
std::string encode(const Result<RawCode>& code) {
  std::string out;
  put_text(out, code.ok() ? std::string() : code.error().message);
  if (code.ok()) {
    put_text(out, code->path);
    put_uleb(out, uint64_t(code->built_ns));
    for (const RawPiece& piece : code->pieces) {
      put_uleb(out, piece.extent.begin);
      put_uleb(out, piece.extent.end);
      put_text(out, piece.extent.name);
      put_text(out, {reinterpret_cast<const char*>(piece.bytes.data()), piece.bytes.size()});
    }
  }
  return out;
}

// Borrows `answer`. Only an answer of encode() is taken, so what makes no sense is an error without a sentence.
Result<RawCode> decode(std::span<const uint8_t> answer) {
  ByteReader reader(answer);
  if (const std::string_view problem = take_text(reader); !problem.empty() || reader.failed()) {
    return Error{std::string(problem)};
  }
  RawCode code;
  code.path = take_text(reader);
  code.built_ns = int64_t(reader.uleb());
  while (!reader.at_end()) {
    RawPiece& piece = code.pieces.emplace_back();
    piece.extent.begin = reader.uleb();
    piece.extent.end = reader.uleb();
    piece.extent.name = take_text(reader);
    const std::string_view bytes = take_text(reader);
    piece.bytes = {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  }
  return code;
}

std::string find_code(const CodeRequest& request, std::span<const uint64_t> offsets) {
  Result<ModuleFile> file = ModuleFile::open(request.module, request.debug_directories);
  if (!file.ok()) {
    return encode(file.error());
  }
  if (!file->stand_in_reason().empty()) {
    return encode(Error{file->stand_in_reason()});
  }
  GElf_Ehdr header;
  if (gelf_getehdr(file->elf(), &header) == nullptr || header.e_machine != EM_X86_64) {
    return encode(Error{file->path() + " is no code for x86-64"});
  }
  RawCode result;
  result.path = file->path();
  result.built_ns = file->is_bundled() ? 0 : modified_ns(file->path());
  if (request.module.build_id.empty() && request.module.path != "[vdso]" && request.recorded_ns != 0 &&
      result.built_ns > request.recorded_ns) {
    return encode(Error{file->path() + " changed since the recording (it has no build id, and is younger)"});
  }
  static_cast<void>(file->dwarf());
  if (const int64_t debug_ns = modified_ns(file->debug_path()); debug_ns != 0 && !file->is_bundled()) {
    result.built_ns = std::min(result.built_ns, debug_ns);
  }

  Extents extents(offsets);
  offer_symbols(*file, extents);
  delimit_the_rest(*file, offsets, extents.found());
  std::map<uint64_t, Extent> by_begin;
  for (const Extent& extent : extents.found()) {
    if (extent) {
      Extent& kept = by_begin[extent.begin];
      kept = extent.end > kept.end ? extent : kept;
    }
  }
  uint64_t left_bytes = kMostBytes;
  for (const auto& [begin, extent] : by_begin) {
    const std::span<const uint8_t> bytes = bytes_of(file->elf(), begin, extent.end);
    result.pieces.push_back({extent, bytes.first(std::min<uint64_t>(bytes.size(), left_bytes))});
    left_bytes -= result.pieces.back().bytes.size();
  }
  return encode(result);
}

}  // namespace

Result<FunctionCode> read_function_code(const CodeRequest& request) {
  std::vector<uint64_t> offsets = request.offsets;
  std::sort(offsets.begin(), offsets.end());
  offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
  const Result<std::string> answer = run_isolated({}, [&] { return find_code(request, offsets); });
  if (!answer.ok()) {
    return Error{request.module.path + ": reading its code " + answer.error().message};
  }
  Result<RawCode> raw = decode({reinterpret_cast<const uint8_t*>(answer->data()), answer->size()});
  if (!raw.ok()) {
    return raw.error();
  }
  FunctionCode result;
  result.path = std::move(raw->path);
  result.built_ns = raw->built_ns;
  for (const RawPiece& found : raw->pieces) {
    const Extent& extent = found.extent;
    CodePiece piece{extent.begin, extent.end, extent.name.empty() ? "" : demangle(extent.name), {}};
    piece.instructions = disassemble(found.bytes, extent.begin, offsets);
    if (!piece.instructions.empty()) {
      result.pieces.push_back(std::move(piece));
    }
  }
  return result;
}

}  // namespace flarestack
