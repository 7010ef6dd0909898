// SPDX-License-Identifier: Apache-2.0
#include "model/suppressions.h"

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

constexpr LeakVerdict kDefinite = LeakVerdict::kDefinitelyLost;

// parse_document(int) < load < main, of C++ in a program, C in a library.
std::vector<SuppressibleFrame> stack() {
  return {{"parse_document(int)", "_Z14parse_documenti", "/usr/bin/app", "/src/app/parse.cc", 42, false},
          {"Loader<int>::load(char*)", "", "/usr/bin/app", "/src/app/load.h", 7, true},
          {"png_read", "", "/usr/lib/libpng.so.16", "", 0, false},
          {"main", "", "/usr/bin/app", "/src/app/main.cc", 3, false}};
}

bool suppressed(const std::string& text, LeakVerdict verdict = kDefinite,
                const std::vector<SuppressibleFrame>& frames = stack()) {
  Suppressions suppressions;
  const Result<void> added = suppressions.add(text, "x.supp");
  INFO(text);
  REQUIRE(added.ok());
  return suppressions.find(frames, verdict).has_value();
}

// A memcheck suppression of leaks with these lines behind its kind.
bool memcheck(const std::string& lines, LeakVerdict verdict = kDefinite,
              const std::vector<SuppressibleFrame>& frames = stack()) {
  return suppressed("{\n   name\n   Memcheck:Leak\n" + lines + "\n}\n", verdict, frames);
}

std::string error_of(const std::string& text) {
  Suppressions suppressions;
  const Result<void> added = suppressions.add(text, "x.supp");
  CHECK(suppressions.entries().empty());
  return added.ok() ? "" : added.error().message;
}

TEST_CASE("LSan's patterns are parts of functions, modules and files unless they are anchored") {
  CHECK(suppressed("leak:parse_doc"));
  CHECK(suppressed("leak:libpng"));
  CHECK(suppressed("leak:parse.cc"));
  CHECK(suppressed("# a comment\n\n   leak:png_read  \t\r\n"));
  CHECK(suppressed("leak:^parse_document"));
  CHECK(suppressed("leak:^main$"));
  CHECK(suppressed("leak:main$"));
  CHECK(suppressed("leak:^parse*int)$"));
  CHECK(suppressed("leak:*png*so*"));
  CHECK_FALSE(suppressed("leak:^document"));
  CHECK_FALSE(suppressed("leak:parse_document$"));
  CHECK_FALSE(suppressed("leak:^mai$"));
  CHECK_FALSE(suppressed("leak:nothing"));
  CHECK_FALSE(suppressed("leak:png*jpg"));
}

TEST_CASE("wildcards and templates match as their tools have it") {
  CHECK(wildcard_match("*", ""));
  CHECK(wildcard_match("a*b?d", "axxbcd"));
  CHECK(wildcard_match("a*a*a", "aaaa"));
  CHECK_FALSE(wildcard_match("a*b", "abc"));
  CHECK_FALSE(wildcard_match("", "a"));
  CHECK_FALSE(wildcard_match("?", ""));
  CHECK(template_match("b*d", "abcde"));
  CHECK(template_match("abc$", "abcabc"));
  CHECK(template_match("^a*c$", "abcabc"));
  CHECK_FALSE(template_match("^b", "ab"));
  CHECK_FALSE(template_match("^ab$", "abb"));
  CHECK_FALSE(template_match("", ""));
  CHECK_FALSE(template_match("$", "a"));
}

TEST_CASE("a memcheck suppression begins with the allocator's own frame") {
  CHECK(memcheck("   fun:malloc\n   fun:_Z14parse_documenti"));
  CHECK(memcheck("fun:_Znwm\nfun:_Z14parse_documenti"));
  CHECK(memcheck("fun:*alloc\nfun:_Z14parse_*"));
  CHECK(memcheck("fun:calloc\nfun:_Z14parse_documenti\n...\nfun:main"));
  CHECK(memcheck("obj:*vgpreload_memcheck*.so\nfun:_Z14parse_documenti"));
  CHECK(memcheck("...\nfun:main"));
  CHECK(memcheck("...\nfun:png_read\nfun:main"));
  CHECK(memcheck("fun:malloc"));
  CHECK_FALSE(memcheck("fun:_Z14parse_documenti"));
  CHECK_FALSE(memcheck("fun:malloc\nfun:main"));
  CHECK_FALSE(memcheck("fun:malloc\n...\nfun:main\nfun:png_read"));
  CHECK_FALSE(memcheck("fun:malloc\nfun:_Z14parse_documentl"));
}

TEST_CASE("an operator new inside the program is the allocator's frame") {
  std::vector<SuppressibleFrame> frames = stack();
  frames.insert(frames.begin(), {"operator new(unsigned long)", "_Znwm", "/usr/bin/app", "", 0, false});
  CHECK(memcheck("fun:_Znwm\nfun:_Z14parse_documenti", kDefinite, frames));
  CHECK(memcheck("fun:malloc\nfun:_Z14parse_documenti", kDefinite, frames));
}

TEST_CASE("obj: and src: match paths, and inlined functions go by their bare name") {
  CHECK(memcheck("fun:malloc\nobj:/usr/bin/app\nobj:*\nobj:*/libpng.so*"));
  CHECK_FALSE(memcheck("fun:malloc\nobj:app"));
  CHECK(memcheck("fun:malloc\nsrc:parse.cc"));
  CHECK(memcheck("fun:malloc\nsrc:parse.cc:42"));
  CHECK(memcheck("fun:malloc\nsrc:/src/app/*.cc:42\nfun:load"));
  CHECK_FALSE(memcheck("fun:malloc\nsrc:parse.cc:41"));
  CHECK(bare_name("void Tree<a::b>::insert<int>(int)") == "insert<int>");
  CHECK(bare_name("main::{lambda}::operator()") == "operator()");
  CHECK(bare_name("std::vector<int>::operator[](unsigned long)") == "operator[](unsigned long)");
  CHECK(bare_name("main") == "main");
}

TEST_CASE("a mangled name without wildcards matches where only the demangled one is known") {
  std::vector<SuppressibleFrame> frames = stack();
  frames[0].mangled = {};
  CHECK(memcheck("fun:malloc\nfun:_Z14parse_documenti", kDefinite, frames));
  Suppressions suppressions;
  REQUIRE(suppressions.add("{\n a\n Memcheck:Leak\n fun:malloc\n fun:_ZN3foo*\n}\n", "x").ok());
  CHECK(suppressions.wants_mangled_names());
}

TEST_CASE("versions of symbols are no part of a name") {
  std::vector<SuppressibleFrame> frames = {{"_dlerror_run", "", "", "", 0, false}, {"dlopen", "", "", "", 0, false}};
  CHECK(memcheck("fun:calloc\nfun:_dlerror_run\nfun:dlopen@@GLIBC_2.2.5", kDefinite, frames));
}

TEST_CASE("match-leak-kinds says of which verdicts a suppression is") {
  const std::string frames = "\nfun:malloc\nfun:_Z14parse_documenti";
  CHECK(memcheck("match-leak-kinds: definite" + frames));
  CHECK(memcheck("match-leak-kinds:indirect, possible" + frames, LeakVerdict::kPossiblyLost));
  CHECK(memcheck("match-leak-kinds: all" + frames, LeakVerdict::kStillReachable));
  CHECK(memcheck("fun:malloc", LeakVerdict::kStillReachable));
  CHECK_FALSE(memcheck("match-leak-kinds: possible,reachable" + frames));
  CHECK_FALSE(memcheck("match-leak-kinds: none" + frames));
}

TEST_CASE("entries about something else are skipped") {
  const std::string others =
      "{\n a\n Memcheck:Cond\n fun:x\n}\n{\n b\n Helgrind:Race\n strange line\n}\n{\n c\n drd:Leak\n fun:malloc\n}\n"
      "{\n d\n Memcheck:Param\n write(buf)\n ...\n}\n";
  CHECK_FALSE(suppressed(others));
  CHECK(suppressed(others + "{\n e\n Helgrind,Memcheck:Leak\n fun:malloc\n fun:_Z14parse_documenti\n}"));
}

TEST_CASE("a mistake is one sentence with its file and line, and adds nothing") {
  CHECK(error_of("leak:a\nrace:b\n") ==
        "x.supp:2: expected leak:PATTERN, or the { of a Memcheck suppression, not 'race:b'");
  CHECK(error_of("leak:\n") == "x.supp:1: leak: without a pattern would suppress nothing");
  CHECK(error_of("# c\n{\n a\n Memcheck:Leak\n fun:malloc\n") ==
        "x.supp:2: the suppression that begins here has no } at its end");
  CHECK(error_of("{\n}\n") == "x.supp:2: a suppression needs a name, a kind such as Memcheck:Leak, and frames");
  CHECK(error_of("{\n a\n Leak\n fun:malloc\n}") == "x.supp:3: expected a kind such as Memcheck:Leak, not 'Leak'");
  CHECK(error_of("{\n a\n Memcheck:Leak\n malloc\n}") ==
        "x.supp:4: a frame is fun:NAME, obj:PATH, src:FILE or ..., not 'malloc'");
  CHECK(error_of("{\n a\n Memcheck:Leak\n ...\n}") ==
        "x.supp:5: a suppression needs at least one frame that is not ...");
  CHECK(error_of("{\n a\n Memcheck:Leak\n match-leak-kinds: lost\n fun:x\n}") ==
        "x.supp:4: match-leak-kinds: takes definite, indirect, possible, reachable, all and none, not 'lost'");
  CHECK(error_of("{\n a\n Memcheck:Leak\n src:a.c:b\n}") == "x.supp:4: behind src:FILE: stands the number of a line");
  CHECK(error_of("\x1b[31m\n") == "x.supp:1: expected leak:PATTERN, or the { of a Memcheck suppression, not '?[31m'");
}

TEST_CASE("the first entry that matches is the one that is told") {
  Suppressions suppressions;
  REQUIRE(suppressions.add("leak:nothing\nleak:main\n", "one").ok());
  REQUIRE(suppressions.add("leak:parse\n", "two").ok());
  CHECK(suppressions.find(stack(), kDefinite) == 1);
  CHECK(suppressions.entries()[1].line == 2);
  CHECK(suppressions.entries()[2].file == "two");
}

TEST_CASE("the built-in list parses, leaves programs alone and knows the runtimes") {
  Suppressions suppressions;
  REQUIRE(suppressions.add(kBuiltinSuppressions, kBuiltinSuppressionsName).ok());
  CHECK_FALSE(suppressions.wants_mangled_names());
  CHECK_FALSE(suppressions.find(stack(), kDefinite).has_value());
  const std::string libc = "/lib/x86_64-linux-gnu/libc.so.6";
  const std::string loader = "/lib64/ld-linux-x86-64.so.2";
  const std::string libstdcxx = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6";
  using Stack = std::vector<SuppressibleFrame>;
  CHECK(suppressions.find(Stack{{"_IO_file_doallocate", "", libc, "", 0, false}, {"main", "", "/a", "", 0, false}},
                          LeakVerdict::kStillReachable));
  CHECK(suppressions.find(Stack{{"_dl_new_object", "", loader, "", 0, false}}, kDefinite));
  CHECK(suppressions.find(
      Stack{{"libstdc++.so.6+0x1", "", libstdcxx, "", 0, false}, {"call_init", "", loader, "", 0, false}}, kDefinite));
  CHECK(suppressions.find(Stack{{"malloc_more", "", libc, "", 0, false}, {"setlocale", "", libc, "", 0, false}},
                          kDefinite));
  // A constructor of the program's own library, which the loader calls.
  CHECK_FALSE(suppressions.find(
      Stack{{"init", "", "/lib/libx.so", "", 0, false}, {"call_init", "", loader, "", 0, false}}, kDefinite));
}

}  // namespace
}  // namespace flarestack
