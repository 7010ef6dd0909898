// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/demangle.h"

#include <cxxabi.h>
#include <libiberty/demangle.h>

#include <cstdlib>
#include <memory>

namespace flarestack {
namespace {

constexpr size_t kMaxSymbolBytes =
    32 << 10;  // the demanglers recurse with the input; longer names are shown as they are
constexpr size_t kMaxDemangledBytes = 64 << 10;

struct Free {
  void operator()(char* text) const { std::free(text); }
};
using CString = std::unique_ptr<char, Free>;

std::string_view without_version(std::string_view symbol) {
  const size_t at = symbol.find('@');
  return at == std::string_view::npos || at == 0 ? symbol : symbol.substr(0, at);
}

// Legacy Rust symbols are Itanium names too; libiberty tells them by their 17h<16 hex digits>E ending and answers null
// for every other one, so that it is asked first.
bool may_be_rust(std::string_view symbol) {
  return symbol.starts_with("_R") || (symbol.starts_with("_ZN") && symbol.find("17h") != std::string_view::npos);
}

}  // namespace

bool is_mangled(std::string_view symbol) { return symbol.starts_with("_Z") || symbol.starts_with("_R"); }

std::string demangle(std::string_view symbol) {
  std::string name(without_version(symbol));
  if (!is_mangled(name) || name.size() > kMaxSymbolBytes) {
    return name;
  }
  CString text;
  if (may_be_rust(name)) {
    text.reset(rust_demangle(name.c_str(), DMGL_PARAMS));
  }
  if (!text && name.starts_with("_Z")) {
    int status = 0;
    text.reset(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status));
  }
  if (!text || text.get()[0] == '\0') {
    return name;
  }
  const std::string_view demangled(text.get());
  return demangled.size() > kMaxDemangledBytes ? name : std::string(demangled);
}

}  // namespace flarestack
