// SPDX-License-Identifier: Apache-2.0
// Build ids as they are written everywhere: lower-case hexadecimal.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace flarestack {

inline std::string to_hex(std::span<const uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace flarestack
