// SPDX-License-Identifier: Apache-2.0
// A history as one static page: a trend for each metric, its changes of level with their commit, and links to the
// recordings. It needs nothing beside it, no network and no script. Offline side.
#pragma once

#include <span>
#include <string>

#include "model/history_series.h"

namespace flarestack {

// A trace's path is the link to it: the caller makes it relative to where the page is. `title` heads the page.
std::string dashboard_html(std::span<const HistoryEntry> entries, const std::string& title);

}  // namespace flarestack
