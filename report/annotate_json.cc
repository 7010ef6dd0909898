// SPDX-License-Identifier: Apache-2.0
#include "report/annotate_json.h"

#include "report/work_hint_text.h"
#include "symbolizer/hex.h"

namespace flarestack {
namespace {

void write_instruction(JsonWriter& json, const AnnotatedPiece& piece, uint32_t i) {
  const Instruction& code = piece.code[i];
  json.begin_object();
  json.member("offset", offset_text(code.module_offset));
  json.member("size", uint32_t{code.size_bytes});
  json.member("intel", code.intel);
  json.member("att", code.att);
  json.member("self", piece.costs[i].self);
  json.member("total", piece.costs[i].total);
  json.member("samples", piece.costs[i].samples);
  json.member("block", piece.flow.block_of[i]);
  json.member("file", piece.frames[i].front().file);
  json.member("line", piece.frames[i].front().line);
  if (code.target) json.member("target", offset_text(*code.target));
  if (!piece.leads_to[i].empty()) json.member("leads_to", piece.leads_to[i]);
  if (!piece.is_own[i]) json.member("of_host", true);
  if (piece.frames[i].size() > 1) {
    json.key("inlined");  // innermost first; the last one is the function that the linker knows
    json.begin_array();
    for (const SymbolFrame& frame : piece.frames[i]) {
      json.begin_object();
      json.member("function", frame.function);
      json.member("file", frame.file);
      json.member("line", frame.line);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
}

void write_piece(JsonWriter& json, const AnnotatedPiece& piece) {
  json.begin_object();
  json.member("name", piece.name);
  json.member("begin", offset_text(piece.begin));
  json.member("end", offset_text(piece.end));
  json.member("host", piece.is_host);
  json.member("self", piece.self);
  json.key("blocks");
  json.begin_array();
  for (const BasicBlock& block : piece.flow.blocks) {
    uint64_t self = 0;
    for (uint32_t i = block.begin; i < block.end; ++i) self += piece.costs[i].self;
    uint32_t depth = 0;
    for (uint32_t loop = block.loop; loop != kNoIndex; loop = piece.flow.loops[loop].parent) ++depth;
    json.begin_object();
    json.member("begin", offset_text(piece.code[block.begin].module_offset));
    json.member("end", offset_text(piece.code[block.end - 1].end()));
    json.member("self", self);
    json.member("loop_depth", depth);
    json.key("successors");
    json.begin_array();
    for (const uint32_t next : block.successors) json.value(next);
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.key("instructions");
  json.begin_array();
  for (uint32_t i = 0; i < piece.code.size(); ++i) write_instruction(json, piece, i);
  json.end_array();
  json.end_object();
}

}  // namespace

void write_annotated_function(JsonWriter& json, const Profile& profile, const AnnotatedFunction& annotated) {
  const Annotation& annotation = annotated.annotation;
  const Function& function = profile.functions[annotation.function];
  json.begin_object();
  json.member("name", function.name);
  json.member("module", function.module);
  json.member("module_path", function.module_path);
  json.member("build_id", to_hex(annotation.build_id));
  json.member("file", function.file);
  json.member("line", function.line);
  json.member("metric", metric_name(profile.options.metric));
  json.member("self", annotation.self);
  json.member("self_with_inlined", annotation.own);
  json.member("total", annotation.total);
  json.member("samples", annotation.samples);
  json.member("problems", annotation.problems);
  json.key("sources");
  json.begin_array();
  for (const auto& [path, text] : annotation.sources) {
    json.begin_object();
    json.member("file", path);
    json.member("shown", text.problem.empty());
    json.member("problem", text.problem);
    json.end_object();
  }
  json.end_array();
  json.key("hints");
  json.begin_array();
  for (const WorkHint& hint : annotated.hints) write_hint(json, hint);
  json.end_array();
  json.key("lines");
  json.begin_array();
  for (const AnnotatedLine& line : annotation.lines) {
    json.begin_object();
    json.member("file", line.file);
    json.member("line", line.line);
    json.member("function", line.function);
    json.member("self", line.self);
    json.member("total", line.total);
    json.member("text", source_line(annotation, line.file, line.line));
    json.end_object();
  }
  json.end_array();
  json.key("pieces");
  json.begin_array();
  for (const AnnotatedPiece& piece : annotation.pieces) write_piece(json, piece);
  json.end_array();
  json.end_object();
}

std::string annotate_json(const Profile& profile, const std::vector<AnnotatedFunction>& functions,
                          const std::vector<uint32_t>& others) {
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.annotate/1");
  json.member("command", profile.recording.session.command);
  json.member("metric", metric_name(profile.options.metric));
  json.member("unit", metric_unit(profile.options.metric));
  json.member("total", profile.total());
  json.key("functions");
  json.begin_array();
  for (const AnnotatedFunction& each : functions) write_annotated_function(json, profile, each);
  json.end_array();
  json.key("other_matches");
  json.begin_array();
  for (const uint32_t other : others) json.value(profile.functions[other].name);
  json.end_array();
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
