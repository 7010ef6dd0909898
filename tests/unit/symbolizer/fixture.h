// SPDX-License-Identifier: Apache-2.0
// Small programs built at test time, and what other tools say about them.
#pragma once

#include <stdlib.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "symbolizer/symbolizer.h"

namespace flarestack::fixture {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "flarestack-symbolizer-XXXXXX").native();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// stdout of a shell command; the test fails if the command does.
inline std::string output_of(const std::string& command) {
  FILE* pipe = popen(("timeout 300 sh -c '" + command + "'").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    text.append(buffer, n);
  }
  INFO(command);
  REQUIRE(pclose(pipe) == 0);
  return text;
}

inline void write_text(const std::string& path, std::string_view text) { REQUIRE(write_file(path, text).ok()); }

// Inline chains across files, templates, lambdas, local classes, an anonymous namespace and a C function.
inline void write_sources(const TemporaryDirectory& directory) {
  write_text(directory / "shapes.h", R"(#pragma once
namespace shapes {
template <typename T, int N> struct Grid {
  T cells[N]{};
  T sum() const { T s{}; for (const T& c : cells) s += c * s + N; return s; }
  __attribute__((noinline)) T slow(T x) const { T s = x; for (const T& c : cells) s = s * c + sum(); return s; }
};
inline int clamp(int v, int low, int high) { return v < low ? low : v > high ? high : v * 3 / (high - low + 1); }
inline int twice_clamped(int v) { return clamp(v * 2, 3, 1000) + clamp(v * 3, 4, 900); }
int area(int w, int h);
template <typename Less> __attribute__((noinline)) void sort(int* first, int* last, Less less) {
  for (int* i = first; i != last; ++i)
    for (int* j = i; j != first && less(*j, *(j - 1)); --j) { int t = *j; *j = *(j - 1); *(j - 1) = t; }
}
}
extern "C" int c_entry(int v);
)");
  write_text(directory / "shapes.cc", R"(#include "shapes.h"
namespace shapes {
namespace {
int hidden(int v) { return twice_clamped(v) ^ 0x55; }
struct Local { int value; Local(int v) : value(v / 3 + twice_clamped(v)) {} int get() const { return value % 17; } };
}
__attribute__((noinline)) int area(int w, int h) {
  Local local(w);
  auto scale = [&](int x) { return x * local.get() + hidden(x + h); };
  int s = 0;
  for (int i = 0; i < w; ++i) s += scale(i) / (h + 1);
  return s;
}
__attribute__((noinline)) int sort_them(int* v, int n) {
  sort(v, v + n, [](int a, int b) { return clamp(a, 1, 50) < clamp(b, 2, 60); });
  return v[0];
}
}
extern "C" __attribute__((noinline)) int c_entry(int v) { return shapes::area(v, v + 1) + shapes::twice_clamped(v); }
)");
  write_text(directory / "main.cc", R"(#include "shapes.h"
#include <stdio.h>
#include <stdlib.h>
namespace shapes { int sort_them(int*, int); }
int main(int argc, char** argv) {
  int n = argc > 1 ? atoi(argv[1]) : 10;
  shapes::Grid<int, 5> g; shapes::Grid<long, 3> h;
  int v[100];
  for (int i = 0; i < 100; ++i) v[i] = shapes::twice_clamped(i * 7919) + g.slow(i);
  printf("%d %ld %d\n", c_entry(n), h.slow(n), shapes::sort_them(v, 100));
}
)");
}

// Compiles the sources to `directory/prog`.
inline std::string build(const TemporaryDirectory& directory, const std::string& compiler_and_flags) {
  write_sources(directory);
  output_of("cd " + directory.path() + " && " + compiler_and_flags + " main.cc shapes.cc -o prog");
  return directory / "prog";
}

// Every third address of the functions whose nm line matches the extended regular expression; at most `limit`.
inline std::vector<uint64_t> function_addresses(const std::string& program, const std::string& pattern,
                                                size_t limit = 800) {
  std::istringstream lines(output_of("nm -S --defined-only " + program + " | grep -E \"" + pattern + "\""));
  std::map<uint64_t, bool> addresses;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    uint64_t start = 0;
    uint64_t size = 0;
    if (fields >> std::hex >> start >> size) {
      for (uint64_t at = start; at < start + size && addresses.size() < limit; at += 3) {
        addresses[at] = true;
      }
    }
  }
  std::vector<uint64_t> result;
  for (const auto& [address, wanted] : addresses) {
    result.push_back(address);
  }
  REQUIRE(result.size() > 50);
  return result;
}

inline std::vector<uint8_t> build_id(const std::string& program) {
  std::istringstream text(output_of("readelf -n " + program + " 2>/dev/null | sed -n \"s/.*Build ID: //p\""));
  std::string hex;
  text >> hex;
  std::vector<uint8_t> result;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    result.push_back(uint8_t(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return result;
}

struct Resolved {
  std::vector<std::vector<SymbolFrame>> frames;
  ModuleSymbols symbols;
};

inline Resolved resolve(const SymbolModule& module, const std::vector<uint64_t>& addresses,
                        const SymbolizerOptions& options = {}) {
  SymbolModule numbered = module;
  numbered.id = ModuleId{1};
  Symbolizer symbolizer({numbered}, options);
  std::vector<SymbolQuery> queries;
  for (const uint64_t address : addresses) {
    queries.push_back({ModuleId{1}, ModuleOffset{address}});
  }
  Resolved result{symbolizer.resolve(queries), {}};
  REQUIRE(symbolizer.modules().size() == 1);
  result.symbols = symbolizer.modules()[0];
  return result;
}

// One frame as both a reference tool and we can say it: "function file.c:12". The file without its directory, since
// tools differ in how they join paths; unknown things are "?".
inline std::string frame_text(std::string function, std::string file, uint32_t line) {
  file = file.substr(file.rfind('/') + 1);
  return function + " " + (file.empty() || file == "??" ? "?" : file) + ":" + std::to_string(line);
}

inline std::vector<std::string> frame_texts(const std::vector<SymbolFrame>& frames) {
  std::vector<std::string> result;
  for (const SymbolFrame& frame : frames) {
    result.push_back(frame_text(frame.function, frame.file, frame.line));
  }
  return result;
}

// What llvm-symbolizer or eu-addr2line print with -a: the address, then a line with the function and one with the place
// for each frame.
inline std::map<uint64_t, std::vector<std::string>> parse_reference(const std::string& text) {
  std::map<uint64_t, std::vector<std::string>> result;
  std::istringstream lines(text);
  std::vector<std::string>* frames = nullptr;
  std::string function;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0x") && line.find(' ') == std::string::npos) {
      frames = &result[std::stoull(line, nullptr, 16)];
      function.clear();
    } else if (line.empty() || frames == nullptr) {
      continue;
    } else if (function.empty()) {
      function = line.substr(0, line.find(" inlined at "));
    } else {
      const size_t colon = line.find(':');
      frames->push_back(frame_text(function, line.substr(0, colon), uint32_t(std::atoi(line.c_str() + colon + 1))));
      function.clear();
    }
  }
  return result;
}

inline std::map<uint64_t, std::vector<std::string>> reference(const std::string& tool, const std::string& program,
                                                              const std::vector<uint64_t>& addresses,
                                                              const TemporaryDirectory& directory) {
  std::ostringstream list;
  for (const uint64_t address : addresses) {
    list << "0x" << std::hex << address << "\n";
  }
  write_text(directory / "addresses", list.str());
  return parse_reference(
      output_of("cd " + directory.path() + " && " + tool + " -e " + program + " < addresses 2>/dev/null"));
}

inline std::string places_only(const std::vector<std::string>& frames) {
  std::string text;
  for (const std::string& frame : frames) {
    text += frame.substr(frame.rfind(' ') + 1) + " ";
  }
  return text;
}

}  // namespace flarestack::fixture
