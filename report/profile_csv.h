// SPDX-License-Identifier: Apache-2.0
// `flarestack export --format csv`: the functions as a table for spreadsheets and scripts (RFC 4180). Offline side.
#pragma once

#include <string>

#include "model/profile.h"

namespace flarestack {

// A header line, then a line for each function, ordered as in `report`: name,module,file,line,self,total,unit. An
// unknown line is empty.
std::string profile_csv(const Profile& profile);

}  // namespace flarestack
