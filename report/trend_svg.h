// SPDX-License-Identifier: Apache-2.0
// A metric's values over time as an SVG element of a page, which styles it: classes grid, trend, dot, level, mark,
// worse and better. Offline side.
#pragma once

#include <span>
#include <string>

#include "model/history_series.h"

namespace flarestack {

// A value has the same distance from the next one whatever time lies between them. `series` has at least one.
std::string trend_svg(std::span<const HistoryEntry> entries, const MetricSeries& series);

}  // namespace flarestack
