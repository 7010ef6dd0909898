// SPDX-License-Identifier: Apache-2.0
// TextTable: values by text, found by a view without a copy (Debian's Abseil knows no std::string_view). Offline side.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

namespace flarestack {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};

template <typename Value>
using TextTable = absl::flat_hash_map<std::string, Value, TextHash, std::equal_to<>>;

}  // namespace flarestack
