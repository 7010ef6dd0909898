// SPDX-License-Identifier: Apache-2.0
// Where something is measured: the machine, and the commit that is checked out. Offline side.
#pragma once

#include <string>

#include "model/run_record.h"

namespace flarestack {

HostFacts this_host();

struct CheckedOut {
  std::string commit;  // its hash; empty: this is no repository of git, or there is no git
  std::string branch;  // empty: none, as of a detached head
};
CheckedOut checked_out_here();  // in the working directory

}  // namespace flarestack
