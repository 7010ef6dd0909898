// SPDX-License-Identifier: Apache-2.0
// links: flarestack_importer
// Collapsed stacks of any content becomes a whole trace, or an error of one sentence.
#include "tests/fuzz/import_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flarestack::fuzz::import_and_check(data, size, flarestack::ImportFormat::kCollapsed);
  return 0;
}
