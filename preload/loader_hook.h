// SPDX-License-Identifier: Apache-2.0
// Puts a jump over the loader's empty notification function (r_debug.r_brk), which debuggers break on.
#pragma once

#include <link.h>

namespace flarestack::agent {

// From now on the loader calls `function` after each change of its lists. False, and nothing is changed, if the
// function is not "return" with enough padding behind it, or cannot be written. [init]
bool hook_loader(ElfW(Addr) notification_function, void (*function)());

}  // namespace flarestack::agent
