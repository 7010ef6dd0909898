// SPDX-License-Identifier: Apache-2.0
// What the terminal behind a descriptor can show. Recorder and offline side.
#pragma once

#include <cstddef>
#include <optional>

namespace flarestack {

// Colour is wanted on a terminal, unless NO_COLOR is set and not empty (no-color.org) or TERM is "dumb" or unset.
bool wants_colour(int descriptor);

// The number of columns; nullopt where there is no terminal (a pipe or a file: nothing has to be shortened) or where
// the terminal does not know.
std::optional<size_t> terminal_width(int descriptor);

}  // namespace flarestack
