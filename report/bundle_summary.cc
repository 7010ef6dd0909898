// SPDX-License-Identifier: Apache-2.0
#include "report/bundle_summary.h"

namespace flarestack {

BundleSummary summarize_bundle(const Recording& recording) {
  BundleSummary summary;
  for (const BundledFileRecord& file : recording.bundled_files) {
    const std::string_view name = file.kind == BundledKind::kModule   ? "modules"
                                  : file.kind == BundledKind::kSource ? "sources"
                                                                      : "debug files";
    for (BundleSummary::Kind* kind : {&summary.kinds[name], &summary.all}) {
      ++kind->files;
      kind->size_bytes += file.size_bytes;
    }
  }
  return summary;
}

}  // namespace flarestack
