// SPDX-License-Identifier: Apache-2.0
// Phrases about leaks that the text, the Markdown and the summaries share. Offline side.
#pragma once

#include <string>
#include <vector>

#include "model/leaks.h"

namespace flarestack {

const char* verdict_words(LeakVerdict verdict);  // "definitely lost", ...

std::string amount_phrase(const LeakAmount& amount);  // "4.00 KiB in 12 blocks"
// "96 B in 1 block definitely lost, and 4.00 KiB in 12 blocks behind it".
std::string site_phrase(const LeakSite& site);
// "96 B in 1 block definitely lost, and 4.00 KiB in 12 blocks behind it; 64 B in 1 block possibly lost", or "none".
std::string totals_phrase(const LeakTotals& totals);

// The same of a profile of a heap metric, and of how many processes there is no verdict; empty where the recording has
// no leak check. `suppressions`: null for the built-in list.
std::string leaks_line(const Profile& profile, const Suppressions* suppressions);

// Index in `path` of the frame to look at first: the innermost that is no library's; the innermost where all are.
size_t place_in(const Profile& profile, const std::vector<uint32_t>& path);
// How many frames of `path` the program is to blame for: up to main(); without it to the last that is no library's, or
// all.
size_t end_of_program(const Profile& profile, const std::vector<uint32_t>& path);
// "src/parse.cc:42", relative to where the program ran if it lies there; empty where no line is known.
std::string source_place(const Profile& profile, uint32_t location);
// The place of a path in a few words: "src/parse.cc:42", else "parse_document (game)", else "[no stack]".
std::string path_place(const Profile& profile, const std::vector<uint32_t>& path, size_t width);

// "variable `cache` of game", "the stack of thread worker-1 (12)", "a block allocated at src/parse.cc:42".
std::string holder_phrase(const Profile& profile, const LeakHeldBy& holder);
// "at 1.20 s by thread game (100)", "between 1.20 s and 3.40 s by 4 threads, in game (100)".
// Of inherited ones: "at 1.20 s by thread game (100), before the fork of game (101), which lost them".
std::string origin_phrase(const Profile& profile, const LeakSite& site);
// "96 B in 1 block of it are lost in game (101), perhaps by its parent game (100), of which there is no verdict: ...".
std::string no_parent_verdict_phrase(const Recording& recording, const InheritedLoss& loss);
std::string process_label(const Recording& recording, uint32_t process);  // "game (100)"

}  // namespace flarestack
