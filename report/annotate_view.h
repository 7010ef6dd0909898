// SPDX-License-Identifier: Apache-2.0
// AnnotateView: an annotated function as rows in the order they are read: source lines, the instructions under them,
// gaps between basic blocks, and stretches without cost folded into one row. For annotate_text and annotate_html.
// Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/annotation.h"
#include "model/work_hints.h"
#include "report/jump_lanes.h"
#include "report/text_style.h"

namespace flarestack {

enum class AssemblySyntax : uint8_t { kIntel, kAtt };
enum class AnnotateOrder : uint8_t {
  kAddress,  // as the code lies in memory
  kHot,      // source lines, those with the most cost first
};

struct AnnotateOptions {
  AnnotateOrder order = AnnotateOrder::kAddress;
  AssemblySyntax syntax = AssemblySyntax::kIntel;
  double threshold = 0.01;  // of the function's own cost; instructions below it are folded like those without
  bool everything = false;  // fold nothing
  TextLayout layout;
};

struct AnnotatedFunction {
  Annotation annotation;
  std::vector<WorkHint> hints;
};

struct AnnotateRow {
  enum class Kind : uint8_t {
    kSource,       // a line of the source
    kInstruction,  // of a piece
    kFold,         // `count` instructions of a piece from `instruction` on
    kGap,          // between two basic blocks
  };
  Kind kind = Kind::kInstruction;
  uint32_t instruction = 0;  // in the piece's code
  uint32_t count = 1;
  uint64_t self = 0;   // kSource: of what follows up to the next one; kInstruction, kFold: its own
  uint64_t total = 0;  // with callees
  // kSource: the place, innermost frame first; of a line of the source that has no code, one frame.
  std::vector<SymbolFrame> frames;
};

// The rows of one piece by address.
std::vector<AnnotateRow> rows_by_address(const Annotation& annotation, const AnnotatedPiece& piece,
                                         const AnnotateOptions& options);
// Of its lines: a kSource row each, with most cost first, and under it the kInstruction rows of all pieces; `piece_of`
// gets the number of the piece of each row.
std::vector<AnnotateRow> rows_by_cost(const Annotation& annotation, const AnnotateOptions& options,
                                      std::vector<uint32_t>& piece_of);

// The jumps between rows of a piece; one from a folded instruction is not seen where it comes from, and left out.
std::vector<RowJump> jumps_of(const AnnotatedPiece& piece, const std::vector<AnnotateRow>& rows);

// "... 12 instructions with no cost ...".
std::string fold_text(const AnnotatedPiece& piece, const AnnotateRow& row, uint64_t whole);
// "[clamp, inlined 2 deep]" of what was inlined into `function`; empty: the place is in the function itself.
std::string inline_mark(const std::vector<SymbolFrame>& frames, const std::string& function);
std::string format_share(double share);  // "12.3%"

// The source's text at a line; empty: not to be had.
std::string source_line(const Annotation& annotation, const std::string& file, uint32_t line);

}  // namespace flarestack
