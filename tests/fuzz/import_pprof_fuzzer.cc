// SPDX-License-Identifier: Apache-2.0
// links: flarestack_importer
// A profile of pprof, gzipped or not, of any content becomes a whole trace, or an error of one sentence.
#include "tests/fuzz/import_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flarestack::fuzz::import_and_check(data, size, flarestack::ImportFormat::kPprof);
  return 0;
}
