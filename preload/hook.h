// SPDX-License-Identifier: Apache-2.0
// Declares a function that stands in front of the target's own. The only macro of the project.
#pragma once

// An exported C function of the agent; every one is listed in preload/exports.map.
#define FLARESTACK_HOOK extern "C" __attribute__((visibility("default")))
