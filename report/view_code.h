// SPDX-License-Identifier: Apache-2.0
// What the page of `flarestack view` shows of code: annotated functions, and the source around their lines. Offline
// side.
#pragma once

#include <cstddef>
#include <vector>

#include "report/annotate_view.h"
#include "report/json_writer.h"

namespace flarestack {

struct ViewedFunction {
  const Profile* profile = nullptr;  // whose function it is; borrowed
  AnnotatedFunction annotated;
};

struct ViewedCode {
  std::vector<ViewedFunction> functions;
  size_t left_out = 0;  // of the hottest; there are enough instructions without them
};

// Adds the functions of a profile with the most cost of their own, `most` of them at most, annotated. Functions that
// are no code of a file are left out.
void add_hottest(const Profile& profile, size_t most, const AnnotationSources& sources, ViewedCode& code);

// The keys "annotations", "annotations_left_out" and "sources". Functions are taken in their order as long as all of it
// has `most_bytes` at most; the sources are of all of them.
void write_view_code(JsonWriter& json, const ViewedCode& code, size_t most_bytes);

}  // namespace flarestack
