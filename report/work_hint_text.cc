// SPDX-License-Identifier: Apache-2.0
#include "report/work_hint_text.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/text.h"
#include "report/annotate_view.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

constexpr size_t kMostQuoted = 2;

}  // namespace

std::string offset_text(uint64_t offset) { return fmt::format("0x{:x}", offset); }

void write_hint(JsonWriter& json, const WorkHint& hint) {
  json.begin_object();
  json.member("kind", work_kind_name(hint.kind));
  json.member("title", work_kind_title(hint.kind));
  json.member("share", hint.share);
  json.member("confidence", confidence_name(hint.confidence));
  json.key("instructions");
  json.begin_array();
  for (const QuotedInstruction& quote : hint.quoted) {
    json.begin_object();
    json.member("offset", offset_text(quote.module_offset));
    json.member("intel", quote.intel);
    json.member("att", quote.att);
    json.member("leads_to", quote.leads_to);
    json.member("file", quote.file);
    json.member("line", quote.line);
    json.member("cost", quote.cost);
    json.end_object();
  }
  json.end_array();
  json.member("why", hint.why);
  json.member("remedy", hint.remedy);
  json.end_object();
}

std::string hint_phrase(const WorkHint& hint) {
  return fmt::format("{} {} ({})", format_share(hint.share), work_kind_title(hint.kind),
                     confidence_name(hint.confidence));
}

std::string quoted_phrase(const WorkHint& hint) {
  std::string phrase;
  for (size_t i = 0; i < std::min(hint.quoted.size(), kMostQuoted); ++i) {
    const QuotedInstruction& quote = hint.quoted[i];
    phrase += i == 0 ? "" : ", ";
    std::unique_copy(quote.intel.begin(), quote.intel.end(), std::back_inserter(phrase),
                     [](char a, char b) { return a == ' ' && b == ' '; });  // columns of a listing
    std::string place = quote.line == 0 ? offset_text(quote.module_offset)
                                        : fmt::format("{}:{}", short_file(quote.file, 32), quote.line);
    if (!quote.leads_to.empty()) place = short_function(printable(quote.leads_to), 40) + ", " + place;
    phrase += " (" + place + ")";
  }
  return phrase;
}

}  // namespace flarestack
