// SPDX-License-Identifier: Apache-2.0
#include "report/annotate_view.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"

namespace flarestack {
namespace {

constexpr uint32_t kContext = 3;      // instructions without cost around one with it, in its basic block
constexpr uint32_t kLeastFolded = 5;  // a fold that hides less saves nothing

uint64_t least_shown(const Annotation& annotation, const AnnotateOptions& options) {
  const uint64_t whole = std::max(annotation.own, annotation.total);
  return std::max<uint64_t>(1, static_cast<uint64_t>(options.threshold * static_cast<double>(whole)));
}

bool has_cost(const AnnotatedPiece& piece, uint32_t i, uint64_t least) {
  return piece.is_own[i] && (piece.costs[i].self >= least || piece.costs[i].total >= least);
}

// Which instructions are shown: those with cost, what is around them in their basic block, and what is not worth a
// fold.
std::vector<bool> shown_of(const Annotation& annotation, const AnnotatedPiece& piece, const AnnotateOptions& options) {
  const auto size = static_cast<uint32_t>(piece.code.size());
  const uint64_t least = least_shown(annotation, options);
  std::vector<bool> shown(size, options.everything);
  for (const BasicBlock& block : piece.flow.blocks) {
    for (uint32_t i = block.begin; i < block.end; ++i) {
      if (!has_cost(piece, i, least)) continue;
      const uint32_t first = i - block.begin > kContext ? i - kContext : block.begin;
      const uint32_t last = std::min(block.end, i + kContext + 1);
      for (uint32_t each = first; each < last; ++each) shown[each] = true;
      // Where a loop with cost begins again.
      const uint32_t end = piece.code[block.end - 1].is_jump() ? block.end - 1 : kNoIndex;
      const uint32_t again =
          end != kNoIndex && piece.code[end].target ? instruction_at(piece.code, *piece.code[end].target) : kNoIndex;
      if (again == kNoIndex || again > end) continue;
      shown[end] = shown[again] = true;
    }
  }
  for (uint32_t i = 0; i < size;) {
    uint32_t end = i;
    while (end < size && !shown[end]) ++end;
    const bool between = i > 0 || end < size;
    if (end > i && end - i < kLeastFolded && between) std::fill(shown.begin() + i, shown.begin() + end, true);
    i = end + 1;
  }
  return shown;
}

bool same_place(const std::vector<SymbolFrame>& a, const std::vector<SymbolFrame>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const SymbolFrame& x, const SymbolFrame& y) {
    return x.line == y.line && x.file == y.file && x.function == y.function;
  });
}

AnnotateRow instruction_row(const AnnotatedPiece& piece, uint32_t i) {
  AnnotateRow row;
  row.instruction = i;
  row.self = piece.is_own[i] ? piece.costs[i].self : 0;
  row.total = piece.is_own[i] ? piece.costs[i].total : 0;
  return row;
}

}  // namespace

std::vector<AnnotateRow> rows_by_address(const Annotation& annotation, const AnnotatedPiece& piece,
                                         const AnnotateOptions& options) {
  const std::vector<bool> shown = shown_of(annotation, piece, options);
  const auto size = static_cast<uint32_t>(piece.code.size());
  std::vector<AnnotateRow> rows;
  size_t source_row = SIZE_MAX;  // that what follows belongs to
  const std::vector<SymbolFrame>* place = nullptr;
  for (uint32_t i = 0; i < size; ++i) {
    const bool begins_block = i > 0 && piece.flow.block_of[i] != piece.flow.block_of[i - 1];
    if (begins_block && shown[i]) {
      rows.push_back({AnnotateRow::Kind::kGap, i, 0, 0, 0, {}});
    }
    if (!shown[i]) {
      if (rows.empty() || rows.back().kind != AnnotateRow::Kind::kFold)
        rows.push_back({AnnotateRow::Kind::kFold, i, 0, 0, 0, {}});
      ++rows.back().count;
      rows.back().self += piece.is_own[i] ? piece.costs[i].self : 0;
      place = nullptr;
      continue;
    }
    const std::vector<SymbolFrame>& frames = piece.frames[i];
    const bool known = !frames.empty() && frames.front().line != 0;
    if (known && (place == nullptr || !same_place(*place, frames))) {
      source_row = rows.size();
      rows.push_back({AnnotateRow::Kind::kSource, i, 0, 0, 0, frames});
      place = &frames;
    }
    rows.push_back(instruction_row(piece, i));
    if (source_row != SIZE_MAX) rows[source_row].self += rows.back().self;
  }
  return rows;
}

std::vector<AnnotateRow> rows_by_cost(const Annotation& annotation, const AnnotateOptions& options,
                                      std::vector<uint32_t>& piece_of) {
  const uint64_t least = least_shown(annotation, options);
  std::map<std::pair<std::string, uint32_t>, std::vector<std::pair<uint32_t, uint32_t>>> by_line;
  for (uint32_t p = 0; p < annotation.pieces.size(); ++p) {
    const AnnotatedPiece& piece = annotation.pieces[p];
    for (uint32_t i = 0; i < piece.code.size(); ++i) {
      if (piece.is_own[i]) by_line[{piece.frames[i].front().file, piece.frames[i].front().line}].emplace_back(p, i);
    }
  }
  std::vector<AnnotateRow> rows;
  piece_of.clear();
  for (const AnnotatedLine& line : annotation.lines) {
    if (line.self < least && line.total < least && !options.everything) continue;
    SymbolFrame frame;
    frame.function = line.function;
    frame.file = line.file;
    frame.line = line.line;
    frame.inlined = line.is_inlined;
    rows.push_back({AnnotateRow::Kind::kSource, 0, 0, line.self, line.total, {frame}});
    piece_of.push_back(0);
    uint32_t last = kNoIndex;
    uint32_t last_piece = kNoIndex;
    for (const auto& [p, i] : by_line[{line.file, line.line}]) {
      const AnnotatedPiece& piece = annotation.pieces[p];
      if (piece.frames[i].front().function != line.function) continue;
      const bool goes_on = last_piece == p && last + 1 == i;
      if (!goes_on && last != kNoIndex) {
        rows.push_back({AnnotateRow::Kind::kGap, i, 0, 0, 0, {}});
        piece_of.push_back(p);
      }
      rows.push_back(instruction_row(piece, i));
      piece_of.push_back(p);
      last = i;
      last_piece = p;
    }
  }
  return rows;
}

std::vector<RowJump> jumps_of(const AnnotatedPiece& piece, const std::vector<AnnotateRow>& rows) {
  std::vector<uint32_t> row_of(piece.code.size(), kNoIndex);
  for (uint32_t i = 0; i < rows.size(); ++i) {
    const bool code = rows[i].kind == AnnotateRow::Kind::kInstruction || rows[i].kind == AnnotateRow::Kind::kFold;
    for (uint32_t each = 0; code && each < rows[i].count; ++each) row_of[rows[i].instruction + each] = i;
  }
  std::vector<RowJump> jumps;
  for (uint32_t i = 0; i < piece.code.size(); ++i) {
    if (!piece.code[i].is_jump() || !piece.code[i].target) continue;
    const uint32_t target = instruction_at(piece.code, *piece.code[i].target);
    if (target == kNoIndex || row_of[i] == kNoIndex || row_of[i] == row_of[target]) continue;
    if (rows[row_of[i]].kind == AnnotateRow::Kind::kFold) continue;
    jumps.push_back({row_of[i], row_of[target]});
  }
  return jumps;
}

std::string fold_text(const AnnotatedPiece& piece, const AnnotateRow& row, uint64_t whole) {
  const auto begin = piece.is_own.begin() + row.instruction;
  const bool foreign = std::none_of(begin, begin + row.count, [](bool own) { return own; });
  return fmt::format("... {} instruction{} {} ...", format_count(row.count), row.count == 1 ? "" : "s",
                     foreign         ? "of " + short_function(printable(piece.name), 40)
                     : row.self == 0 ? "with no cost"
                                     : "with " + format_percent(row.self, whole));
}

std::string inline_mark(const std::vector<SymbolFrame>& frames, const std::string& function) {
  const SymbolFrame& innermost = frames.front();
  const auto own =
      std::find_if(frames.begin(), frames.end(), [&](const SymbolFrame& frame) { return frame.function == function; });
  if (own == frames.end() && !innermost.inlined) return {};
  const auto depth = static_cast<size_t>(own - frames.begin());
  if (innermost.function.empty() || depth == 0) return {};
  return fmt::format("[{}{}]", short_function(printable(innermost.function), 40),
                     depth > 1 ? fmt::format(", inlined {} deep", depth) : ", inlined");
}

std::string format_share(double share) { return format_percent(static_cast<uint64_t>(share * 1e6 + 0.5), 1'000'000); }

std::string source_line(const Annotation& annotation, const std::string& file, uint32_t line) {
  const auto found = annotation.sources.find(file);
  if (found == annotation.sources.end() || line == 0 || line > found->second.lines.size()) return {};
  return found->second.lines[line - 1];
}

}  // namespace flarestack
