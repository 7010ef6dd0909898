// SPDX-License-Identifier: Apache-2.0
// The commit that is checked out where something is measured. Offline side.
#pragma once

#include <string>

namespace flarestack {

struct CheckedOut {
  std::string commit;  // its hash; empty: this is no repository of git, or there is no git
  std::string branch;  // empty: none, as of a detached head
};
CheckedOut checked_out_here();  // in the working directory

}  // namespace flarestack
