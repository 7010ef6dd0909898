// SPDX-License-Identifier: Apache-2.0
// Which file a module's symbols come from, and what is said when there is none.
#include "symbolizer/symbolizer.h"

#include <elf.h>
#include <signal.h>
#include <sys/auxv.h>

#include <cstring>

#include "tests/unit/symbolizer/fixture.h"

namespace flarestack {
namespace {

using fixture::build;
using fixture::function_addresses;
using fixture::output_of;
using fixture::Resolved;
using fixture::TemporaryDirectory;

constexpr const char* kOurFunctions = " [tTW] (main$|c_entry|.*shapes)";

uint64_t symbol_address(const std::string& program, const std::string& name) {
  return std::stoull(output_of("nm " + program + " | grep -E \" [tTWi] " + name + "$\""), nullptr, 16);
}

std::vector<std::vector<std::string>> all_texts(const Resolved& resolved) {
  std::vector<std::vector<std::string>> result;
  for (const auto& frames : resolved.frames) {
    result.push_back(fixture::frame_texts(frames));
  }
  return result;
}

TEST_CASE("a stripped program's debug file is found by its debuglink, beside it or in .debug") {
  const std::string place = GENERATE("prog.debug", ".debug/prog.debug");
  const TemporaryDirectory directory;
  const std::string program = build(directory, "g++ -O2 -g -Wl,--build-id=none");
  const std::vector<uint64_t> addresses = function_addresses(program, kOurFunctions);
  const Resolved expected = fixture::resolve({{}, program, {}}, addresses);
  output_of("cd " + directory.path() + " && mkdir .debug && objcopy --only-keep-debug prog prog.debug && " +
            "objcopy --strip-all --add-gnu-debuglink=prog.debug prog");
  if (place != "prog.debug") {
    std::filesystem::rename(directory / "prog.debug", directory / place);
  }
  const Resolved resolved = fixture::resolve({{}, program, {}}, addresses);
  CHECK(resolved.symbols.level == ModuleSymbols::Level::kLines);
  CHECK(all_texts(resolved) == all_texts(expected));

  SECTION("and is not used if its checksum is another") {
    output_of("cd " + directory.path() + " && objcopy --remove-section=.comment " + place);
    const Resolved without = fixture::resolve({{}, program, {}}, addresses);
    CHECK(without.symbols.level != ModuleSymbols::Level::kLines);
    CHECK(without.symbols.problem == program + " has no debug information, and names for exported functions only");
    CHECK(without.symbols.remedy == "build it with -g");
    CHECK(without.frames[0][0].file.empty());
  }
}

TEST_CASE("a debug file is found by build id, even when the program is gone or was built anew") {
  const TemporaryDirectory directory;
  const std::string program = build(directory, "g++ -O2 -g -Wl,--build-id");
  const std::vector<uint8_t> id = fixture::build_id(program);
  REQUIRE(id.size() == 20);
  const std::vector<uint64_t> addresses = function_addresses(program, kOurFunctions);
  const Resolved expected = fixture::resolve({{}, program, id}, addresses);
  output_of("cd " + directory.path() + " && ID=$(readelf -n prog | sed -n \"s/.*Build ID: //p\") && " +
            "mkdir -p debug/.build-id/$(echo $ID | cut -c1-2) && " +
            "objcopy --only-keep-debug prog debug/.build-id/$(echo $ID | cut -c1-2)/$(echo $ID | cut -c3-).debug && " +
            "strip prog");
  SymbolizerOptions options;
  options.debug_directories = {directory / "debug"};
  SECTION("stripped") {}
  SECTION("gone") { std::filesystem::remove(program); }
  SECTION("built anew") { build(directory, "g++ -O1 -g -Wl,--build-id"); }
  const Resolved resolved = fixture::resolve({{}, program, id}, addresses, options);
  CHECK(resolved.symbols.level == ModuleSymbols::Level::kLines);
  CHECK(all_texts(resolved) == all_texts(expected));
}

TEST_CASE("a file with another build id than the recorded one gives no symbols, and a sentence") {
  const TemporaryDirectory directory;
  const std::string program = build(directory, "g++ -O2 -g -Wl,--build-id");
  const Resolved resolved = fixture::resolve({{}, program, {1, 2, 3, 4}}, {symbol_address(program, "main")});
  CHECK(resolved.symbols.level == ModuleSymbols::Level::kNone);
  CHECK(resolved.symbols.problem == program + " changed since the recording (build id differs)");
  REQUIRE(resolved.frames[0].size() == 1);
  CHECK(resolved.frames[0][0].function.starts_with("prog+0x"));
}

TEST_CASE("a module that cannot be read is named with its offsets, and the reason given") {
  const TemporaryDirectory directory;
  fixture::write_text(directory / "text", "not a program\n");
  const Resolved text = fixture::resolve({{}, directory / "text", {}}, {0x10});
  CHECK(text.symbols.problem == directory / "text" + " is not an ELF file");
  CHECK(text.frames[0][0].function == "text+0x10");
  const Resolved gone = fixture::resolve({{}, "/no/such/file", {}}, {0x1234});
  CHECK(gone.symbols.problem == "open /no/such/file: No such file or directory");
  CHECK(gone.frames[0][0].function == "file+0x1234");
  const Resolved folder = fixture::resolve({{}, directory.path(), {}}, {0x10});
  CHECK(folder.symbols.problem == directory.path() + " is not a regular file");
  const Resolved heap = fixture::resolve({{}, "[heap]", {}}, {0x10});
  CHECK(heap.symbols.problem == "[heap] is not a file");
  CHECK(heap.frames[0][0].function == "[heap]+0x10");
  CHECK(heap.symbols.level == ModuleSymbols::Level::kNone);
}

TEST_CASE("the cache lies where the environment says") {
  const auto directory = [](const char* own, const char* cache, const char* home) {
    for (const auto& [name, value] :
         {std::pair{"FLARESTACK_CACHE_DIR", own}, std::pair{"XDG_CACHE_HOME", cache}, std::pair{"HOME", home}}) {
      value == nullptr ? unsetenv(name) : setenv(name, value, 1);
    }
    return default_cache_directory();
  };
  const char* home = getenv("HOME");
  const std::string old_home = home == nullptr ? "" : home;
  CHECK(directory("/a", "/b", "/c") == "/a");
  CHECK(directory(nullptr, "/b", "/c") == "/b/flarestack");
  CHECK(directory("", "", "/c") == "/c/.cache/flarestack");
  CHECK(directory(nullptr, nullptr, nullptr).empty());
  directory(nullptr, nullptr, old_home.empty() ? nullptr : old_home.c_str());
}

TEST_CASE("an address of no known module is shown as a number") {
  Symbolizer symbolizer({}, {});
  const std::vector<SymbolQuery> queries{{ModuleId{7}, ModuleOffset{0xabc}}};
  const auto frames = symbolizer.resolve(queries);
  REQUIRE(frames.size() == 1);
  CHECK(frames[0][0].function == "0xabc");
  CHECK(symbolizer.modules().empty());
}

TEST_CASE("exported functions have the same names with and without debug information") {
  const TemporaryDirectory directory;
  const std::string program = build(directory, "g++ -O2 -g -rdynamic");
  const std::vector<uint64_t> entries{symbol_address(program, "c_entry"), symbol_address(program, "main"),
                                      symbol_address(program, "_ZN6shapes4areaEii")};
  const Resolved full = fixture::resolve({{}, program, {}}, entries);
  output_of("strip --strip-debug " + program);
  const Resolved table = fixture::resolve({{}, program, {}}, entries);
  output_of("strip --strip-all " + program);
  const Resolved exported = fixture::resolve({{}, program, {}}, entries);
  CHECK(full.symbols.level == ModuleSymbols::Level::kLines);
  CHECK(table.symbols.level == ModuleSymbols::Level::kSymbolTable);
  CHECK(table.symbols.problem == program + " has no debug information: no lines, no inlined functions");
  CHECK(exported.symbols.level == ModuleSymbols::Level::kExportedSymbols);
  for (size_t i = 0; i < entries.size(); ++i) {
    CHECK(full.frames[i].back().function == table.frames[i].back().function);
    CHECK(full.frames[i].back().function == exported.frames[i].back().function);
    CHECK(full.frames[i].back().function_offset == entries[i]);
    CHECK(exported.frames[i].back().function_offset == entries[i]);
  }
  CHECK(full.frames[2].back().function == "shapes::area(int, int)");
}

TEST_CASE("the entry of a stripped program has the name that it always has") {
  const TemporaryDirectory directory;
  const std::string mode = GENERATE("-pie", "-no-pie");
  const std::string program = build(directory, "g++ -O2 " + mode);
  const uint64_t entry = symbol_address(program, "_start");
  const uint64_t other = symbol_address(program, "c_entry");
  output_of("strip " + program);
  const Resolved resolved = fixture::resolve({{}, program, {}}, {entry, entry + 20, other});
  CHECK(resolved.frames[0][0].function == "_start");
  CHECK(resolved.frames[1][0].function == "_start");
  CHECK(resolved.frames[2][0].function != "_start");
}

TEST_CASE("the addresses of a function without a name are one function, at its start") {
  const TemporaryDirectory directory;
  const std::string program = build(directory, "g++ -O2");
  const uint64_t start = symbol_address(program, "_ZN6shapes4areaEii");
  const uint64_t other = symbol_address(program, "c_entry");
  output_of("strip " + program);
  const Resolved resolved = fixture::resolve({{}, program, {}}, {start, start + 9, start + 30, other + 2, other - 1});
  std::ostringstream name;
  name << "prog+0x" << std::hex << start;
  for (size_t i = 0; i < 3; ++i) {
    CHECK(resolved.frames[i][0].function == name.str());
    CHECK(resolved.frames[i][0].function_offset == start);
  }
  CHECK(resolved.frames[3][0].function_offset == other);
  CHECK(resolved.frames[4][0].function_offset != other);
}

TEST_CASE("local functions of a stripped program come from its .gnu_debugdata") {
  const TemporaryDirectory directory;
  fixture::write_text(directory / "a.c",
                      "__attribute__((noinline)) static int local_function(int v) { return v * 3 + 1; }\n"
                      "int main(int argc, char** argv) { (void)argv; return local_function(argc); }\n");
  const std::string program = directory / "prog";
  output_of("cd " + directory.path() + " && gcc -O1 a.c -o prog");
  const uint64_t address = symbol_address(program, "local_function");
  output_of("cd " + directory.path() + " && objcopy --only-keep-debug prog mini && strip prog && xz -f mini && " +
            "objcopy --add-section .gnu_debugdata=mini.xz prog");
  const Resolved resolved = fixture::resolve({{}, program, {}}, {address + 1});
  CHECK(resolved.frames[0][0].function == "local_function");
  CHECK(resolved.frames[0][0].function_offset == address);
  CHECK(resolved.symbols.level == ModuleSymbols::Level::kSymbolTable);
}

// A debuginfod server is HTTP with one fixed layout, which python's file server speaks as well.
class FileServer {
 public:
  explicit FileServer(const std::string& directory) {
    pipe_ = popen(("cd " + directory +
                   " && exec 2>&1 && echo $$ && exec timeout 100 python3 -u -m http.server --bind " + "127.0.0.1 0")
                      .c_str(),
                  "r");
    REQUIRE(pipe_ != nullptr);
    REQUIRE(fscanf(pipe_, "%d Serving HTTP on 127.0.0.1 port %d", &process_, &port_) == 2);
  }
  FileServer(const FileServer&) = delete;
  FileServer& operator=(const FileServer&) = delete;
  ~FileServer() {
    kill(process_, SIGTERM);
    pclose(pipe_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  FILE* pipe_ = nullptr;
  int process_ = 0;
  int port_ = 0;
};

TEST_CASE("a debuginfod server is asked for the debug file of a stripped or missing program, if the user names one") {
  const TemporaryDirectory directory;
  const std::string program = build(directory, "g++ -O2 -g -Wl,--build-id");
  const std::vector<uint8_t> id = fixture::build_id(program);
  const std::vector<uint64_t> addresses = function_addresses(program, kOurFunctions);
  const Resolved expected = fixture::resolve({{}, program, id}, addresses);
  output_of(
      "cd " + directory.path() + " && ID=$(readelf -n prog | sed -n \"s/.*Build ID: //p\") && " +
      "mkdir -p www/buildid/$ID client && objcopy --only-keep-debug prog www/buildid/$ID/debuginfo && strip prog");
  SECTION("stripped") {}
  SECTION("gone") { std::filesystem::remove(program); }
  const Resolved without = fixture::resolve({{}, program, id}, addresses);
  CHECK(without.symbols.level != ModuleSymbols::Level::kLines);
  const FileServer server(directory / "www");
  setenv("DEBUGINFOD_URLS", server.url().c_str(), 1);
  setenv("DEBUGINFOD_CACHE_PATH", (directory / "client").c_str(), 1);
  const Resolved resolved = fixture::resolve({{}, program, id}, addresses);
  unsetenv("DEBUGINFOD_URLS");
  unsetenv("DEBUGINFOD_CACHE_PATH");
  CHECK(resolved.symbols.level == ModuleSymbols::Level::kLines);
  CHECK(all_texts(resolved) == all_texts(expected));
}

TEST_CASE("stubs of the procedure linkage table have the names that objdump gives them") {
  const std::string flags = GENERATE("-Wl,-z,lazy", "-Wl,-z,now", "-fcf-protection=full -Wl,-z,ibtplt -Wl,-z,lazy");
  INFO(flags);
  const TemporaryDirectory directory;
  fixture::write_text(directory / "a.c",
                      "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
                      "int main(int n, char** v) { char* p = malloc(n); free(strdup(v[0])); puts(p);\n"
                      "  void* (*volatile f)(size_t) = calloc ? malloc : 0; return f(3) == getenv(v[0]); }\n");
  output_of("cd " + directory.path() + " && gcc -O1 " + flags + " a.c -o prog");
  std::istringstream stubs(output_of("objdump -d " + directory / "prog" + " | grep -E \"^[0-9a-f]+ <.*@plt>:\""));
  std::vector<uint64_t> addresses;
  std::vector<std::string> names;
  for (std::string address, name; stubs >> address >> name;) {
    addresses.push_back(std::stoull(address, nullptr, 16) + 5);  // somewhere inside
    names.push_back(name.substr(1, name.size() - 3));
  }
  REQUIRE(names.size() >= 5);
  const Resolved resolved = fixture::resolve({{}, directory / "prog", {}}, addresses);
  for (size_t i = 0; i < names.size(); ++i) {
    CHECK(resolved.frames[i][0].function == names[i]);
    CHECK(resolved.frames[i][0].function_offset == addresses[i] - 5);
  }
}

TEST_CASE("stubs of a static program have the names of the functions that select their targets") {
  const TemporaryDirectory directory;
  fixture::write_text(directory / "a.c",
                      "static int one(int v) { return v + 1; }\n"
                      "static int (*select_it(void))(int) { return one; }\n"
                      "__attribute__((ifunc(\"select_it\"))) int chosen(int);\n"
                      "int main(int n, char** v) { (void)v; return chosen(n); }\n");
  output_of("cd " + directory.path() + " && gcc -O1 -static a.c -o prog");
  std::istringstream call(output_of("objdump -d --disassemble=main " + directory / "prog" + " | grep -E \"call|jmp\""));
  std::string text;
  std::getline(call, text);
  const size_t operand = text.find_first_not_of(" \t", text.find_first_of("lp", text.rfind('\t')) + 4);
  const uint64_t stub = std::stoull(text.substr(operand), nullptr, 16);
  const Resolved resolved = fixture::resolve({{}, directory / "prog", {}}, {stub});
  CHECK(resolved.frames[0][0].function == "chosen@plt");
}

TEST_CASE("functions of the vdso have their names") {
  const uint64_t base = getauxval(AT_SYSINFO_EHDR);
  REQUIRE(base != 0);
  const TemporaryDirectory directory;
  Elf64_Ehdr header;
  std::memcpy(&header, reinterpret_cast<const void*>(base), sizeof header);
  const size_t size = header.e_shoff + size_t{header.e_shnum} * header.e_shentsize;
  fixture::write_text(directory / "vdso.so", {reinterpret_cast<const char*>(base), size});
  const uint64_t address =
      std::stoull(output_of("nm -D " + directory / "vdso.so" + " | grep -E \" __vdso_clock_gettime\""), nullptr, 16);
  const std::vector<uint8_t> id = fixture::build_id(directory / "vdso.so");
  const Resolved resolved = fixture::resolve({{}, "[vdso]", id}, {address + 4});
  CHECK(resolved.frames[0][0].function == "clock_gettime");
  CHECK(resolved.symbols.problem.empty());
  const Resolved other = fixture::resolve({{}, "[vdso]", {1, 2, 3}}, {address + 4});
  CHECK(other.symbols.problem == "[vdso] changed since the recording (build id differs)");
  CHECK(other.frames[0][0].function.starts_with("[vdso]+0x"));
}

}  // namespace
}  // namespace flarestack
