// SPDX-License-Identifier: Apache-2.0
// What is in a history: lists, one result, the changes of level. Offline side.
#pragma once

#include <span>
#include <string>

#include "model/history_series.h"
#include "report/text_style.h"

namespace flarestack {

// By time; and below, where metrics changed their level.
std::string history_list_text(std::span<const HistoryEntry> entries, const TextLayout& layout);
std::string history_list_json(std::span<const HistoryEntry> entries);  // "flarestack.history/1"
std::string history_entry_text(const HistoryEntry& entry, const TextLayout& layout);
std::string history_entry_json(const HistoryEntry& entry);  // "flarestack.history_result/1"

// "+12.3%"; where there was nothing before, what it is now.
std::string change_text(const LevelChange& change, const std::string& unit);

}  // namespace flarestack
