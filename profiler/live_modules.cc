// SPDX-License-Identifier: Apache-2.0
#include "profiler/live_modules.h"

#include <algorithm>

namespace flarestack {

bool LiveModules::refresh() {
  if (version_ == modules_->version()) {
    return false;
  }
  version_ = modules_->version();
  unwind_modules_.clear();
  for (const ModuleMap::Segment& segment : modules_->segments()) {
    if (segment.removed != UINT32_MAX) {
      continue;
    }
    auto [entry, added] = images_.try_emplace(segment.module);
    if (added) {
      Result<std::shared_ptr<const ModuleImage>> image =
          segment.path == "[vdso]" ? ModuleImage::vdso() : ModuleImage::load(segment.path, segment.build_id);
      entry->second = image.ok() ? *image : nullptr;
    }
    if (entry->second != nullptr) {
      unwind_modules_.push_back(entry->second->unwind_module(segment.text_start, segment.text_end, segment.load_bias));
    }
  }
  std::sort(unwind_modules_.begin(), unwind_modules_.end(),
            [](const UnwindModule& a, const UnwindModule& b) { return a.text_start < b.text_start; });
  snapshot_ = {version_ + 1, unwind_modules_.size(), unwind_modules_.data()};
  return true;
}

}  // namespace flarestack
