// SPDX-License-Identifier: Apache-2.0
// A profile as pprof reads it: a gzipped message of profile.proto. Offline side.
//
// A recording's time has the sample types samples/count and cpu/nanoseconds, and of a wall clock wall/nanoseconds; its
// heap those of Go's heap profiles and what Go has not: peak, temporary and, where leaks were looked for, leaked. The
// profile's metric is the default one. Addresses are those of the files, behind a start that is made up for each
// module, since every process has its own.
#pragma once

#include <string>

#include "model/profile.h"

namespace flarestack {

std::string pprof_profile(const Profile& profile);

}  // namespace flarestack
