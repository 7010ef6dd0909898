// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "report/annotate_html.h"
#include "report/annotate_json.h"
#include "report/annotate_text.h"
#include "tests/unit/report/annotated_sum.h"
#include "tests/unit/report/golden.h"

namespace flarestack {
namespace {

AnnotatedFunction annotated(AnnotatedSum& sum, const Profile& profile) {
  AnnotatedFunction function;
  function.annotation = annotate(profile, sum.function_of(profile), sum.sources());
  function.hints = work_hints(profile, function.annotation, sum.sources());
  return function;
}

std::string text_of(AnnotatedSum& sum, const AnnotateOptions& options) {
  const Profile profile = sum.profile();
  return annotate_text(profile, annotated(sum, profile), options);
}

TEST_CASE("annotate's text by address, by cost, and folded") {
  AnnotatedSum sum;
  AnnotateOptions options;
  check_golden("annotate.txt", text_of(sum, options));
  options.order = AnnotateOrder::kHot;
  options.syntax = AssemblySyntax::kAtt;
  check_golden("annotate_hot.txt", text_of(sum, options));
}

TEST_CASE("annotate's document and page") {
  AnnotatedSum sum;
  const Profile profile = sum.profile();
  check_golden("annotate.json", annotate_json(profile, {annotated(sum, profile)}, {sum.function_of(profile)}));
  check_golden("annotate.html", annotate_html(profile, {annotated(sum, profile)}, {}));
}

TEST_CASE("no line of annotate's text is wider than it may be, in any width") {
  AnnotatedSum sum;
  sum.name = "sum<std::vector<int, std::allocator<int> >, " + std::string(100, 'x') + ">(int const*, int)";
  sum.text = std::string(300, 'y');
  for (const size_t width : {60, 80, 120, 200}) {
    AnnotateOptions options;
    options.layout.width = width;
    const std::string text = text_of(sum, options);
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      INFO(text.substr(begin, end - begin));
      CHECK(columns_of(text.substr(begin, end - begin)) <= width);
      begin = end + 1;
    }
  }
}

TEST_CASE("names and source lines cannot break out of a page or steer the terminal") {
  AnnotatedSum sum;
  sum.name = "a<b>&\x1b[2J\xff\"'";
  sum.text = "</span><script>alert(1)</script>\x1b[31m";
  const Profile profile = sum.profile();
  const AnnotatedFunction function = annotated(sum, profile);
  const std::string page = annotate_html(profile, {function}, {});
  CHECK(page.find("<script>") == std::string::npos);
  CHECK(page.find("&lt;script&gt;") != std::string::npos);
  CHECK(page.find("a&lt;b&gt;&amp;") != std::string::npos);
  for (const std::string& text : {page, annotate_text(profile, function, {}), annotate_json(profile, {function}, {})})
    CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("without code there are the lines with their cost, and the reason") {
  AnnotatedSum sum;
  sum.code_problem = "/usr/bin/sum changed since the recording (build id differs)";
  const std::string text = text_of(sum, {});
  CHECK(text.find("no instructions: " + sum.code_problem) != std::string::npos);
  CHECK(text.find("total += share(values[i], parts);") != std::string::npos);
  CHECK(text.find("idiv") == std::string::npos);
}

TEST_CASE("what an instruction costs itself, with what was inlined, and where") {
  AnnotatedSum sum;
  const Profile profile = sum.profile();
  const Annotation annotation = annotate(profile, sum.function_of(profile), sum.sources());
  CHECK(annotation.self == 80'000'000);  // without share()
  CHECK(annotation.own == 100'000'000);
  CHECK(annotation.total == 100'000'000);
  REQUIRE(annotation.pieces.size() == 1);
  const AnnotatedPiece& piece = annotation.pieces[0];
  CHECK(piece.costs[instruction_at(piece.code, 0x100f)].self == 60'000'000);
  CHECK(piece.leads_to[instruction_at(piece.code, 0x101c)] == "report_error");
  REQUIRE(annotation.lines.size() == 3);
  CHECK(annotation.lines[0].line == 6);
  CHECK(annotation.lines[0].self == 65'000'000);
  CHECK(annotation.lines[1].function == "share");
}

TEST_CASE("with few samples there is no hint, and it is said that they are few") {
  AnnotatedSum sum;
  const Profile profile = sum.profile({{0x100c, 3}, {0x100f, 4}});
  const AnnotatedFunction function = annotated(sum, profile);
  CHECK(function.hints.empty());
  REQUIRE(function.annotation.problems.size() == 1);
  CHECK(function.annotation.problems[0] == "7 samples in it: too few to tell its instructions apart");
}

TEST_CASE("the hints of a function can be had from the profile alone") {
  AnnotatedSum sum;
  const Profile profile = sum.profile();
  const std::vector<WorkHint> hints = work_hints_of(profile, sum.function_of(profile), sum.sources());
  REQUIRE(hints.size() == 1);
  CHECK(hints[0].kind == WorkKind::kDivision);
  CHECK(hints[0].confidence == Confidence::kSure);
  CHECK(hints[0].share == Approx(1.0));  // all of it at the division or up to 8 instructions behind it, around the loop
  REQUIRE(hints[0].quoted.size() == 1);
  CHECK(hints[0].quoted[0].module_offset == 0x100c);
  CHECK(hints[0].remedy.find("stays the same") != std::string::npos);
}

}  // namespace
}  // namespace flarestack
