// SPDX-License-Identifier: Apache-2.0
#include "report/annotate_html.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "report/metric_words.h"
#include "report/xml_text.h"

namespace flarestack {
namespace {

constexpr const char* kStyle = R"css(
:root { color-scheme: light dark; --dim: #6b7280; --line: #e5e7eb; --hot: 220 38 38; --mark: #b45309; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 1.5rem; max-width: 120rem; }
h1 { font-size: 1.2rem; margin: 1.5rem 0 0; overflow-wrap: anywhere; } h2 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
.place, .dim { color: var(--dim); } .note { color: var(--mark); }
.code { font: 12px/1.25 ui-monospace, monospace; overflow-x: auto; }
.row { display: flex; gap: 1ch; white-space: pre; } .row:hover { background: rgb(127 127 127 / .15); }
.n { flex: none; text-align: right; width: 7ch; } .v { flex: none; text-align: right; width: 10ch; }
.src { font-weight: 600; } .src .text { background: rgb(127 127 127 / .08); }
.lanes { flex: none; color: var(--dim); } .a { flex: none; color: var(--dim); width: 9ch; text-align: right; }
.to { color: var(--dim); } summary { cursor: pointer; color: var(--dim); }
.hint { border-left: 4px solid rgb(var(--hot) / .7); margin: .6rem 0; padding: .1rem .8rem; }
.possible { border-color: rgb(var(--hot) / .25); } .likely { border-color: rgb(var(--hot) / .45); } .hint p { margin: .2rem 0; }
#att:checked ~ main .intel, #intel:checked ~ main .att { display: none; }
@media (prefers-color-scheme: dark) { :root { --dim: #9ca3af; --mark: #fbbf24; } }
)css";

class HtmlWriter {
 public:
  HtmlWriter(const Profile& profile, const AnnotatedFunction& function, const AnnotateOptions& options)
      : profile_(profile), annotation_(function.annotation), hints_(function.hints), options_(options) {}

  std::string write() {
    head();
    hints();
    if (!annotation_.has_code() || options_.order == AnnotateOrder::kHot) {
      by_cost();
    } else {
      for (const AnnotatedPiece& piece : annotation_.pieces) by_address(piece);
    }
    return std::move(out_);
  }

 private:
  Metric metric() const { return profile_.options.metric; }
  uint64_t whole() const { return std::max<uint64_t>(annotation_.own, 1); }

  void head() {
    const Function& function = profile_.functions[annotation_.function];
    out_ += fmt::format("<h1>{} <span class=\"place\">{}{}</span></h1>\n", xml_text(function.name),
                        xml_text(function.module),
                        function.line == 0 ? "" : fmt::format(" {}:{}", xml_text(function.file), function.line));
    out_ += fmt::format("<p>{} itself ({} of all), {} with what was inlined into it, {} with what it calls; {}</p>\n",
                        value_phrase(metric(), annotation_.self), format_percent(annotation_.self, profile_.total()),
                        format_value(metric(), annotation_.own), format_value(metric(), annotation_.total),
                        counted_phrase(metric(), annotation_.samples));
    for (const std::string& problem : annotation_.problems) out_ += "<p class=\"note\">" + xml_text(problem) + "</p>\n";
    for (const auto& [path, text] : annotation_.sources) {
      if (!text.problem.empty()) out_ += "<p class=\"note\">no source text: " + xml_text(text.problem) + "</p>\n";
    }
  }

  void hints() {
    if (hints_.empty()) return;
    out_ += "<h2>What kind of work it is, told from its instructions</h2>\n";
    for (const WorkHint& hint : hints_) {
      out_ +=
          fmt::format("<div class=\"hint {}\"><p><b>{} {}</b> <span class=\"dim\">{}</span></p>\n<div class=\"code\">",
                      confidence_name(hint.confidence), format_share(hint.share), work_kind_title(hint.kind),
                      confidence_name(hint.confidence));
      for (const QuotedInstruction& quote : hint.quoted) {
        out_ += fmt::format("<div class=\"row\"><span class=\"v\">{}</span><span class=\"a\">{:x}</span>{}{}</div>\n",
                            quote.cost == 0 ? "" : format_value(metric(), quote.cost), quote.module_offset,
                            both_syntaxes(quote.intel, quote.att, quote.leads_to),
                            quote.line == 0 ? ""
                                            : fmt::format(" <span class=\"place\">{}:{}</span>",
                                                          xml_text(short_file(quote.file, 60)), quote.line));
      }
      out_ += fmt::format("</div>\n<p>{}</p>\n<p>{}</p></div>\n", xml_text(hint.why), xml_text(hint.remedy));
    }
  }

  static std::string both_syntaxes(const std::string& intel, const std::string& att, const std::string& leads_to) {
    return fmt::format("<span class=\"intel\">{}</span><span class=\"att\">{}</span>{}", xml_text(intel), xml_text(att),
                       leads_to.empty() ? "" : "<span class=\"to\">; " + xml_text(leads_to) + "</span>");
  }

  // The numbers, redder with a greater share.
  void begin_row(const char* kind, uint64_t self, uint64_t total) {
    const double share = static_cast<double>(self) / static_cast<double>(whole());
    out_ += fmt::format("<div class=\"row{}\"", kind);
    if (share >= 0.005)
      out_ += fmt::format(" style=\"background: rgb(var(--hot) / {:.2f})\"", std::min(share, 1.0) * 0.6);
    out_ += fmt::format("><span class=\"n\">{}</span><span class=\"v\">{}</span><span class=\"n\">{}</span>",
                        self == 0 ? "" : format_percent(self, whole()), self == 0 ? "" : format_value(metric(), self),
                        total > self ? format_percent(total, std::max<uint64_t>(annotation_.total, 1)) : "");
  }
  void source_row(const AnnotateRow& row, const std::string& lanes) {
    const SymbolFrame& innermost = row.frames.front();
    begin_row(" src", row.self, row.total);
    const std::string mark = inline_mark(row.frames, profile_.functions[annotation_.function].name);
    out_ += fmt::format("{}<span class=\"place\">{}</span>{}<span class=\"text\">{}</span></div>\n", lanes,
                        innermost.line == 0
                            ? "at no known line"
                            : fmt::format("{}:{}", xml_text(short_file(innermost.file, 60)), innermost.line),
                        mark.empty() ? "" : " <span class=\"note\">" + xml_text(mark) + "</span>",
                        xml_text(source_line(annotation_, innermost.file, innermost.line)));
  }
  void instruction_row(const AnnotatedPiece& piece, uint32_t i, const std::string& lanes) {
    const bool own = piece.is_own[i];
    begin_row("", own ? piece.costs[i].self : 0, own ? piece.costs[i].total : 0);
    out_ += fmt::format("{}<span class=\"a\">{:x}</span>{}</div>\n", lanes, piece.code[i].module_offset,
                        both_syntaxes(piece.code[i].intel, piece.code[i].att, piece.leads_to[i]));
  }

  void by_address(const AnnotatedPiece& piece) {
    const std::vector<AnnotateRow> rows = rows_by_address(annotation_, piece, options_);
    const std::vector<std::string> lanes = jump_lanes(jumps_of(piece, rows), static_cast<uint32_t>(rows.size()), true);
    out_ += fmt::format("<h2>{}{} <span class=\"place\">{:x}-{:x}</span></h2>\n<div class=\"code\">",
                        piece.is_host ? "inlined into " : "", xml_text(piece.name), piece.begin, piece.end);
    for (size_t i = 0; i < rows.size(); ++i) {
      const AnnotateRow& row = rows[i];
      const std::string lane = lanes[i].empty() ? "" : "<span class=\"lanes\">" + lanes[i] + "</span>";
      switch (row.kind) {
        case AnnotateRow::Kind::kSource:
          source_row(row, lane);
          break;
        case AnnotateRow::Kind::kInstruction:
          instruction_row(piece, row.instruction, lane);
          break;
        case AnnotateRow::Kind::kGap:
          begin_row("", 0, 0);
          out_ += lane + "</div>\n";
          break;
        case AnnotateRow::Kind::kFold:
          out_ += "<details><summary>" + xml_text(fold_text(piece, row, whole())) + "</summary>\n";
          for (uint32_t each = 0; each < row.count; ++each) instruction_row(piece, row.instruction + each, "");
          out_ += "</details>\n";
          break;
      }
    }
    out_ += "</div>\n";
  }

  void by_cost() {
    std::vector<uint32_t> piece_of;
    const std::vector<AnnotateRow> rows = rows_by_cost(annotation_, options_, piece_of);
    out_ += "<h2>Lines, most cost first</h2>\n<div class=\"code\">";
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].kind == AnnotateRow::Kind::kSource) source_row(rows[i], "");
      if (rows[i].kind == AnnotateRow::Kind::kInstruction)
        instruction_row(annotation_.pieces[piece_of[i]], rows[i].instruction, "");
    }
    out_ += "</div>\n";
  }

  const Profile& profile_;
  const Annotation& annotation_;
  const std::vector<WorkHint>& hints_;
  const AnnotateOptions& options_;
  std::string out_;
};

}  // namespace

std::string annotate_html(const Profile& profile, const std::vector<AnnotatedFunction>& functions,
                          const AnnotateOptions& options) {
  const std::string command = xml_text(command_line(profile.recording.session.command));
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head><meta charset=\"utf-8\"/>"
      "<title>{}: {}</title>\n<style>{}</style></head>\n<body>\n",
      functions.empty() ? "" : xml_text(profile.functions[functions.front().annotation.function].name), command,
      kStyle);
  const bool att = options.syntax == AssemblySyntax::kAtt;
  out += fmt::format(
      "<input type=\"radio\" name=\"syntax\" id=\"intel\"{}/><label for=\"intel\">Intel</label>\n"
      "<input type=\"radio\" name=\"syntax\" id=\"att\"{}/><label for=\"att\">AT&amp;T</label>\n"
      "<main>\n<p class=\"dim\">{}: {}; columns: itself, its value, with what it calls</p>\n",
      att ? "" : " checked=\"checked\"", att ? " checked=\"checked\"" : "", metric_title(profile.options.metric),
      command);
  for (const AnnotatedFunction& each : functions) out += HtmlWriter(profile, each, options).write();
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace flarestack
