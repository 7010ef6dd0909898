// SPDX-License-Identifier: Apache-2.0
#include "report/findings_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "report/findings_words.h"
#include "report/heap_words.h"
#include "report/markdown_text.h"
#include "report/work_hint_text.h"

namespace flarestack {
namespace {

constexpr size_t kFindingsShown = 10;
constexpr size_t kPlacesShown = 4;
constexpr size_t kHintsShown = 2;
constexpr size_t kIndent = 4;

size_t shown_of(const Findings& findings, size_t most) {
  return std::min(most == 0 ? kFindingsShown : most, findings.list.size());
}

class FindingsText {
 public:
  FindingsText(const Findings& findings, const TextLayout& layout)
      : findings_(findings), painter_(layout.colour), width_(std::max<size_t>(layout.width, 60)) {}

  std::string text(size_t most) {
    out_ = painter_.bold("Bottlenecks") + painter_.dim("  by what each could win at most") + "\n";
    const size_t shown = shown_of(findings_, most);
    for (size_t i = 0; i < shown; ++i) append(i, findings_.list[i]);
    if (findings_.list.size() > shown)
      out_ +=
          painter_.dim(fmt::format("and {} more; --format json has them all", findings_.list.size() - shown)) + "\n";
    for (const std::string& remark : remarks(findings_)) {
      for (const std::string& line : wrapped(remark, width_)) out_ += painter_.note(line) + "\n";
    }
    return out_;
  }

 private:
  void append(size_t index, const Finding& finding) {
    const std::string number = fmt::format("{:>2}. ", index + 1);
    const std::string gain = gain_phrase(finding);
    const auto heat = static_cast<uint64_t>(finding.win * 1000);
    const size_t room = width_ - std::min(width_ - 20, number.size() + gain.size() + 2);
    out_ += number + painter_.heat(heat, 1000, gain) + "  " + painter_.bold(short_function(finding.title, room)) + "\n";
    std::string amount = amount_phrase(findings_, finding);
    if (finding.confidence != Confidence::kSure) amount += fmt::format("; {}", confidence_name(finding.confidence));
    line("", amount, Mood::kPlain);
    for (size_t i = 0; i < std::min(finding.places.size(), kPlacesShown); ++i) append_place(finding, i);
    if (finding.places.size() > kPlacesShown)
      out_ += std::string(kIndent, ' ') +
              painter_.dim(fmt::format("and {} more places", finding.places.size() - kPlacesShown)) + "\n";
    line("why: ", finding.why, Mood::kPlain);
    line("try: ", finding.remedy, Mood::kGood);
    for (size_t i = 0; i < std::min(finding.hints.size(), kHintsShown); ++i) append_hint(finding.hints[i]);
  }

  void append_hint(const WorkHint& hint) {
    line("code: ", hint_phrase(hint) + ": " + quoted_phrase(hint), Mood::kPlain);
    line("why: ", hint.why, Mood::kPlain);
    line("try: ", hint.remedy, Mood::kGood);
  }

  void append_place(const Finding& finding, size_t index) {
    const FindingPlace& place = finding.places[index];
    const std::string share = fmt::format("{:>6}  ", format_percent(place.amount, finding.amount));
    const size_t room = width_ - kIndent - share.size();
    std::string phrase = place_phrase(*finding.profile, place.path, room / 2);
    if (!place.call.empty()) phrase += "  calls " + place.call;
    out_ += std::string(kIndent, ' ') + share + shorten_end(phrase, room) + "\n";
    const std::string left(kIndent + share.size(), ' ');
    if (const std::string callers = callers_phrase(*finding.profile, place.path, 30); !callers.empty())
      out_ += left + painter_.dim(shorten_end(callers, room)) + "\n";
    for (const std::string& each : wrapped(place.matter, room)) out_ += each.empty() ? "" : left + each + "\n";
    for (const std::string& each : wrapped(place.remedy, room))
      out_ += each.empty() ? "" : left + painter_.good(each) + "\n";
  }

  enum class Mood : uint8_t { kPlain, kGood };
  void line(const std::string& label, const std::string& text, Mood mood) {
    if (text.empty()) return;
    for (const std::string& each : wrapped(label + text, width_ - kIndent))
      out_ += std::string(kIndent, ' ') + (mood == Mood::kGood ? painter_.good(each) : each) + "\n";
  }

  const Findings& findings_;
  Painter painter_;
  size_t width_;
  std::string out_;
};

}  // namespace

std::string findings_text(const Findings& findings, size_t most, const TextLayout& layout) {
  return FindingsText(findings, layout).text(most);
}

std::string findings_markdown(const Findings& findings, size_t most) {
  std::string out = "### Bottlenecks\n\n";
  const size_t shown = shown_of(findings, most);
  for (size_t i = 0; i < shown; ++i) {
    const Finding& finding = findings.list[i];
    out += fmt::format("{}. **{}** ({}): {}; confidence {}\n", i + 1, markdown_text(short_function(finding.title, 120)),
                       markdown_text(gain_phrase(finding)), markdown_text(amount_phrase(findings, finding)),
                       confidence_name(finding.confidence));
    for (size_t p = 0; p < std::min(finding.places.size(), kPlacesShown); ++p) {
      const FindingPlace& place = finding.places[p];
      out += fmt::format("   - {} {}{}{}\n", markdown_text(format_percent(place.amount, finding.amount)),
                         markdown_code(place_phrase(*finding.profile, place.path, 100)),
                         place.call.empty() ? "" : markdown_text(" calls " + place.call),
                         place.matter.empty() ? "" : ": " + markdown_text(place.matter + "; " + place.remedy));
    }
    if (!finding.why.empty()) out += fmt::format("   - why: {}\n", markdown_text(finding.why));
    if (!finding.remedy.empty()) out += fmt::format("   - try: {}\n", markdown_text(finding.remedy));
    for (size_t h = 0; h < std::min(finding.hints.size(), kHintsShown); ++h) {
      const WorkHint& hint = finding.hints[h];
      out += fmt::format("   - code: {}: {}; {}; try: {}\n", markdown_text(hint_phrase(hint)),
                         markdown_code(quoted_phrase(hint)), markdown_text(hint.why), markdown_text(hint.remedy));
    }
  }
  if (findings.list.size() > shown) out += fmt::format("\nAnd {} more.\n", findings.list.size() - shown);
  for (const std::string& remark : remarks(findings)) out += fmt::format("\n{}\n", markdown_text(remark));
  return out + "\n";
}

void write_findings(JsonWriter& json, const Findings& findings, size_t most_places) {
  json.key("findings");
  json.begin_array();
  for (const Finding& finding : findings.list) {
    json.begin_object();
    json.member("id", finding.id);
    json.member("title", finding.title);
    json.member("gain", finding.gain == FindingGain::kTime ? "time" : "memory");
    json.member("win", finding.win);
    json.member("share", finding.share);
    json.member("amount", finding.amount);
    json.member("unit", finding.gain == FindingGain::kTime ? "ns" : "bytes");
    json.member("samples", finding.samples);
    json.member("confidence", confidence_name(finding.confidence));
    json.member("why", finding.why);
    json.member("try", finding.remedy);
    json.key("places");
    json.begin_array();
    const size_t places = most_places == 0 ? finding.places.size() : std::min(most_places, finding.places.size());
    for (size_t i = 0; i < places; ++i) {
      const FindingPlace& place = finding.places[i];
      json.begin_object();
      json.member("amount", place.amount);
      json.member("call", place.call);
      json.member("matter", place.matter);
      json.member("try", place.remedy);
      write_path(json, *finding.profile, place.path);
      json.end_object();
    }
    json.end_array();
    if (places < finding.places.size())
      json.member("places_left_out", static_cast<uint64_t>(finding.places.size() - places));
    json.key("hints");
    json.begin_array();
    for (const WorkHint& hint : finding.hints) write_hint(json, hint);
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.member("remarks", remarks(findings));
}

}  // namespace flarestack
