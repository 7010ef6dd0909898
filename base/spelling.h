// SPDX-License-Identifier: Apache-2.0
// "Did you mean ...?" for commands, options and function names. Recorder and offline side.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace flarestack {

// The least number of insertions, deletions, substitutions and swaps of neighbours, no place edited twice (optimal
// string alignment: Damerau-Levenshtein as spell checkers use it). Bytes, case sensitive. O(|a| * |b|).
size_t spelling_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, the first of equals; nullopt where none is near enough to be what was meant: more
// than a third of the longer word would have to change, or more than three edits. Borrowed from `candidates`.
std::optional<std::string_view> closest_spelling(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace flarestack
