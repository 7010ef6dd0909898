// SPDX-License-Identifier: Apache-2.0
// A flame graph as the JSON that the page's script reads (report/web/data.js is its reader). Offline side.
//
// {"version":1,"title","command","metric","unit","words","counted","scale","duration","binLength","bins","complete",
//  "quality":[[label, text, mood]...],
//  "legend":[[name, class, self]...],
//  "strings":[text...],
//  "functions":[name, module, file, line, kind, class, ...],   all but the line: indexes of "strings"
//  "nodes":[parent's distance back, code, ...],     code: 0 left out, else 2 * (function + 1) + (1 if inlined)
//  "leftOut":[node, frames, ...],
//  "processes":[[pid, name]...],
//  "threads":[[process, tid, name]...],             process: index, -1 unknown; tid 0: several threads
//  "entryWidth",
//  "entries":[thread, bin, n, (node - previous node, value) * n, ...]}   with an entryWidth of 3: (..., value, count)
// A difference also has "difference":{"weights":[base, new],"sigmas","least","whole","equalTotals","summary"}, values
// that are those of both sides together, and counts that are what the base has of them
// (report/flamegraph_difference.h). "words" stand behind a value ("of CPU time"); "counted" is what "samples" and
// "counts" count ("sample", "block"). Values times "scale" are in the "unit"; times ("duration", "binLength") are
// nanoseconds. Node 0, the root, is not in "nodes".
#pragma once

#include <string>

#include "report/flamegraph_graph.h"
#include "report/flamegraph_palette.h"
#include "report/flamegraph_svg.h"

namespace flarestack {

std::string flamegraph_data(const Profile& profile, const FlameGraph& graph, const FlamePalette& palette,
                            const FlamegraphOptions& options);

}  // namespace flarestack
