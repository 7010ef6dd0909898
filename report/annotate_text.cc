// SPDX-License-Identifier: Apache-2.0
// The columns: share and value of the instruction itself, share with what it calls where that is another one, the
// jumps, the address, the instruction, and what it leads to.
//
//     SELF     VALUE  +CALLS
//    71.2%    1.42 s             prog.c:14      sum += values[i] / divisor;
//    66.0%    1.31 s          ,->  11d0  idiv    r8d
#include "report/annotate_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "report/metric_words.h"

namespace flarestack {
namespace {

constexpr size_t kNumberColumns = 26;
constexpr size_t kInstructionColumns = 44;

std::string place_text(const SymbolFrame& frame) {
  return fmt::format("{}:{}", short_file(frame.file, 32), frame.line);
}

class TextWriter {
 public:
  TextWriter(const Profile& profile, const AnnotatedFunction& function, const AnnotateOptions& options)
      : profile_(profile),
        annotation_(function.annotation),
        hints_(function.hints),
        options_(options),
        painter_(options.layout.colour) {}

  std::string write() {
    head();
    hints();
    if (!annotation_.has_code() || options_.order == AnnotateOrder::kHot) {
      hot_lines();
    } else {
      for (const AnnotatedPiece& piece : annotation_.pieces) by_address(piece);
    }
    return std::move(out_);
  }

 private:
  Metric metric() const { return profile_.options.metric; }
  uint64_t whole() const { return std::max<uint64_t>(annotation_.own, 1); }

  void line(const std::string& text) {
    out_ += text.substr(0, text.find_last_not_of(' ') + 1);
    out_ += '\n';
  }

  void head() {
    const Function& function = profile_.functions[annotation_.function];
    std::string title = painter_.bold(short_function(function.name, std::max<size_t>(options_.layout.width, 40)));
    if (!function.module.empty()) title += "  " + painter_.dim(short_file(function.module, 40));
    if (function.line != 0)
      title += "  " + painter_.dim(fmt::format("{}:{}", short_file(function.file, 40), function.line));
    line(title);
    std::string costs = fmt::format("{} itself ({} of all)", value_phrase(metric(), annotation_.self),
                                    format_percent(annotation_.self, profile_.total()));
    if (annotation_.own != annotation_.self)
      costs += fmt::format(", {} with what was inlined into it", format_value(metric(), annotation_.own));
    if (annotation_.total != annotation_.own)
      costs += fmt::format(", {} with what it calls", format_value(metric(), annotation_.total));
    if (annotation_.samples != 0) costs += "; " + counted_phrase(metric(), annotation_.samples);
    for (const std::string& each : wrapped(costs, options_.layout.width)) line(each);
    for (const std::string& problem : annotation_.problems) wrap(problem, "");
    for (const auto& [path, text] : annotation_.sources) {
      if (!text.problem.empty()) wrap("no source text: " + text.problem, "");
    }
  }
  void wrap(const std::string& text, const std::string& indent) {
    for (const std::string& each : wrapped(printable(text), options_.layout.width - indent.size()))
      line(indent + painter_.note(each));
  }

  void hints() {
    if (hints_.empty()) return;
    line("");
    line(painter_.bold("What kind of work it is, told from its instructions"));
    for (const WorkHint& hint : hints_) {
      line(fmt::format("{:>6}  {}", format_share(hint.share),
                       painter_.bold(work_kind_title(hint.kind)) +
                           painter_.dim(fmt::format(" ({})", confidence_name(hint.confidence)))));
      const uint64_t part_of = counts_callees(hint.kind) ? annotation_.total : annotation_.own;
      for (const QuotedInstruction& quote : hint.quoted) quoted_line(quote, std::max<uint64_t>(part_of, 1));
      paragraph(hint.why);
      paragraph(hint.remedy);
    }
  }
  void quoted_line(const QuotedInstruction& quote, uint64_t part_of) {
    std::string text = options_.syntax == AssemblySyntax::kAtt ? quote.att : quote.intel;
    if (!quote.leads_to.empty()) text += "  ; " + short_function(printable(quote.leads_to), 40);
    const std::string place = quote.line == 0 ? "" : fmt::format("{}:{}", short_file(quote.file, 32), quote.line);
    const std::string numbers =
        fmt::format("{:>14} {:>10}  {:>6x}  ", quote.cost == 0 ? "" : format_percent(quote.cost, part_of),
                    quote.cost == 0 ? "" : format_value(metric(), quote.cost), quote.module_offset);
    const size_t room = options_.layout.width > numbers.size() + place.size() + 12
                            ? options_.layout.width - numbers.size() - place.size() - 2
                            : 12;
    line(numbers + padded(shorten_end(text, room), std::min<size_t>(room, 44)) + "  " + painter_.dim(place));
  }
  void paragraph(const std::string& text) {
    for (const std::string& each : wrapped(printable(text), std::max<size_t>(options_.layout.width, 30) - 8))
      line("        " + each);
  }

  void column_titles() {
    line("");
    line(painter_.bold("  SELF      VALUE  +CALLS"));
  }

  std::string numbers(uint64_t self, uint64_t total, bool strong) const {
    const std::string share = self == 0 ? "" : format_percent(self, whole());
    const std::string value = self == 0 ? "" : format_value(metric(), self);
    const std::string with_calls =
        total > self ? format_percent(total, std::max<uint64_t>(annotation_.total, 1)) : std::string();
    const std::string text = fmt::format("{:>6} {:>10} {:>7}", share, value, with_calls);
    return strong ? painter_.bold(text) : painter_.heat(self, whole(), text);
  }

  // "   prog.c:14  text", with the functions that were inlined there in front.
  std::string source_text(const std::vector<SymbolFrame>& frames, size_t room) const {
    const SymbolFrame& innermost = frames.front();
    std::string text = place_text(innermost);
    std::string mark = inline_mark(frames, profile_.functions[annotation_.function].name);
    if (!mark.empty()) mark += " ";
    const std::string code = printable(source_line(annotation_, innermost.file, innermost.line));
    const size_t taken = columns_of(text) + columns_of(mark) + 2;
    return painter_.dim(text) + "  " + painter_.note(mark) +
           painter_.bold(shorten_end(code, room > taken + 16 ? room - taken : 16));
  }

  std::string instruction_text(const AnnotatedPiece& piece, uint32_t i, size_t room) const {
    const Instruction& each = piece.code[i];
    const std::string& code = options_.syntax == AssemblySyntax::kAtt ? each.att : each.intel;
    const std::string address = fmt::format("{:>6x}  ", each.module_offset);
    std::string name = piece.leads_to[i];
    if (!name.empty()) name = "; " + name;
    const size_t left = room > address.size() + 8 ? room - address.size() : 8;
    if (name.empty()) return painter_.dim(address) + shorten_middle(code, left);
    const size_t beside = left > columns_of(name) + 1 ? left - columns_of(name) - 1 : 0;
    const std::string padded_code = padded(code, std::min(kInstructionColumns, beside));
    const size_t taken = columns_of(padded_code) + 1;
    if (taken + 8 > left) return painter_.dim(address) + shorten_middle(code, left);
    return painter_.dim(address) + padded_code + " " + painter_.dim(short_function(printable(name), left - taken));
  }

  void by_address(const AnnotatedPiece& piece) {
    const std::vector<AnnotateRow> rows = rows_by_address(annotation_, piece, options_);
    column_titles();
    if (annotation_.pieces.size() > 1 || piece.is_host) piece_title(piece);
    const std::vector<std::string> lanes =
        jump_lanes(jumps_of(piece, rows), static_cast<uint32_t>(rows.size()), options_.layout.unicode);
    const size_t lane_columns = lanes.empty() ? 0 : columns_of(lanes.front()) + 1;
    const size_t room = options_.layout.width > kNumberColumns + lane_columns + 20
                            ? options_.layout.width - kNumberColumns - lane_columns
                            : 20;
    for (size_t i = 0; i < rows.size(); ++i) {
      const AnnotateRow& row = rows[i];
      const std::string lane = lane_columns == 0 ? "" : painter_.dim(lanes[i]) + " ";
      switch (row.kind) {
        case AnnotateRow::Kind::kSource:
          line(numbers(row.self, 0, true) + " " + lane + source_text(row.frames, room));
          break;
        case AnnotateRow::Kind::kInstruction:
          line(numbers(row.self, row.total, false) + " " + lane + instruction_text(piece, row.instruction, room));
          break;
        case AnnotateRow::Kind::kFold:
          line(numbers(0, 0, false) + " " + lane + painter_.dim(shorten_end(fold_text(piece, row, whole()), room)));
          break;
        case AnnotateRow::Kind::kGap:
          line(lane.find_first_not_of(' ') == std::string::npos ? "" : numbers(0, 0, false) + " " + lane);
          break;
      }
    }
  }
  void piece_title(const AnnotatedPiece& piece) {
    line(painter_.bold(fmt::format("{:x}-{:x}", piece.begin, piece.end)) + "  " +
         (piece.is_host ? "inlined into " : "") + short_function(printable(piece.name), 60) +
         fmt::format("  {}", format_percent(piece.self, whole())));
  }

  void hot_lines() {
    std::vector<uint32_t> piece_of;
    const std::vector<AnnotateRow> rows = rows_by_cost(annotation_, options_, piece_of);
    column_titles();
    const size_t room = options_.layout.width > kNumberColumns + 20 ? options_.layout.width - kNumberColumns : 20;
    for (size_t i = 0; i < rows.size(); ++i) {
      const AnnotateRow& row = rows[i];
      if (row.kind == AnnotateRow::Kind::kSource) {
        if (i > 0) line("");
        const bool known = row.frames.front().line != 0;
        line(numbers(row.self, row.total, true) + " " +
             (known ? source_text(row.frames, room) : painter_.dim("at no known line")));
      } else if (row.kind == AnnotateRow::Kind::kInstruction) {
        line(numbers(row.self, row.total, false) + " " +
             instruction_text(annotation_.pieces[piece_of[i]], row.instruction, room));
      } else {
        line(numbers(0, 0, false) + " " + painter_.dim("   ..."));
      }
    }
  }

  const Profile& profile_;
  const Annotation& annotation_;
  const std::vector<WorkHint>& hints_;
  const AnnotateOptions& options_;
  const Painter painter_;
  std::string out_;
};

}  // namespace

std::string annotate_text(const Profile& profile, const AnnotatedFunction& function, const AnnotateOptions& options) {
  return TextWriter(profile, function, options).write();
}

std::string other_matches_text(const Profile& profile, const std::string& wanted, const std::vector<uint32_t>& others) {
  constexpr size_t kMostNamed = 5;
  if (others.empty()) return {};
  std::string names;
  for (size_t i = 0; i < std::min(others.size(), kMostNamed); ++i)
    names += (i == 0 ? "" : ", ") + short_function(printable(profile.functions[others[i]].name), 60);
  return fmt::format("'{}' matches {} more function{}: {}{}; --top {} annotates them as well", printable(wanted),
                     others.size(), others.size() == 1 ? "" : "s", names, others.size() > kMostNamed ? ", ..." : "",
                     others.size() + 1);
}

}  // namespace flarestack
