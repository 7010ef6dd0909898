// SPDX-License-Identifier: Apache-2.0
#include "tools/bottlenecks.h"

namespace flarestack {

Findings explained_bottlenecks(const Profile* time, const Profile* heap, const Suppressions& suppressions,
                               double threshold, const AnnotationSources& sources) {
  FindingSources of;
  of.time = time;
  of.heap = heap;
  of.leaks.suppressions = &suppressions;
  Findings findings = find_bottlenecks(of, threshold);
  explain_findings(findings, sources);
  return findings;
}

}  // namespace flarestack
