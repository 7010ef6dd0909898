// SPDX-License-Identifier: Apache-2.0
// What of two recordings is taken for the same: modules, functions, allocation sites.
#include <catch2/catch.hpp>

#include "model/matched_functions.h"
#include "model/matched_sites.h"
#include "model/module_pairs.h"
#include "tests/unit/model/fake_recording.h"

namespace flarestack {
namespace {

using Pairs = std::map<std::string, std::string>;

ModuleNames modules(const std::vector<std::string>& names, const std::string& executable) {
  ModuleNames result;
  for (const std::string& name : names) result.build_ids[name];
  result.executable = executable;
  return result;
}

Profile profile_of(const std::string& program, const std::vector<std::vector<std::string>>& stacks) {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/" + program);
  fake.thread(1, 1, 100, program);
  for (const auto& stack : stacks) fake.sample(1, stack, 10);
  auto profile = build_profile(fake.finish(), {}, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

// The names of all, "-" before those that only the base has, "+" before those that only the newer one has.
std::string matched(const Profile& base, const Profile& newer) {
  const Profile* bases[] = {&base};
  const Profile* newers[] = {&newer};
  std::string text;
  const MatchedFunctions functions(bases, newers);
  for (const MatchedFunction& each : functions.list()) {
    if (each.function.type == FrameType::kMarker) continue;
    text += (text.empty() ? "" : ", ") +
            std::string(each.in_base && each.in_newer ? ""
                        : each.in_base                ? "-"
                                                      : "+") +
            each.function.name;
  }
  return text;
}

}  // namespace

TEST_CASE("a program and libraries under names with another version are the same modules") {
  const ModuleNames base =
      modules({"server-1.4", "libz.so.1.2.13", "libc.so.6", "libfoo-2.1.so", "libold.so"}, "server-1.4");
  const ModuleNames newer =
      modules({"server-1.5", "libz.so.1.3", "libc.so.6", "libfoo-2.2.so", "libnew.so"}, "server-1.5");
  CHECK(pair_modules(base, newer) ==
        Pairs{{"server-1.5", "server-1.4"}, {"libz.so.1.3", "libz.so.1.2.13"}, {"libfoo-2.2.so", "libfoo-2.1.so"}});
}

TEST_CASE("modules that could be several are not paired, nor is one that both have") {
  CHECK(pair_modules(modules({"liba.so.1", "liba.so.2"}, "x"), modules({"liba.so.3"}, "x")).empty());
  CHECK(pair_modules(modules({"liba.so.1"}, "x"), modules({"liba.so.1", "liba.so.2"}, "x")).empty());
  CHECK(pair_modules(modules({"a", "b"}, "a"), modules({"a", "c"}, "c")).empty());
  CHECK(pair_modules(modules({"libpath-finder.so"}, "x"), modules({"libpath-seeker.so"}, "x")).empty());
}

TEST_CASE("a copy of a module under any name is known by its build id") {
  ModuleNames base = modules({"tool"}, "shell");
  ModuleNames newer = modules({"renamed"}, "shell");
  base.build_ids["tool"] = newer.build_ids["renamed"] = {{1, 2, 3}};
  CHECK(pair_modules(base, newer) == Pairs{{"renamed", "tool"}});
  newer.build_ids["renamed"] = {{1, 2, 4}};
  CHECK(pair_modules(base, newer).empty());
}

TEST_CASE("the marks of compilers' copies are no part of a name") {
  CHECK(without_clone_marks("foo.constprop.0.isra.0") == "foo");
  CHECK(without_clone_marks("foo.part.3.cold") == "foo");
  CHECK(without_clone_marks("ns::f(int) [clone .constprop.0] [clone .cold]") == "ns::f(int)");
  CHECK(without_clone_marks("core::run::h0123456789abcdef") == "core::run");
  CHECK(without_clone_marks("core::run::house") == "core::run::house");
  CHECK(without_clone_marks("main.run") == "main.run");
  CHECK(without_clone_marks(".0") == ".0");
  CHECK(without_clone_marks("f") == "f");
}

TEST_CASE("numbers of lambdas, closures and unnamed types are left out, others stay") {
  CHECK(without_lambda_numbers("f()::{lambda(int)#2}::operator()(int) const") ==
        "f()::{lambda(int)#*}::operator()(int) const");
  CHECK(without_lambda_numbers("a::{closure#0}::{closure#12}") == "a::{closure#*}::{closure#*}");
  CHECK(without_lambda_numbers("f()::$_1::operator()()") == "f()::$_*::operator()()");
  CHECK(without_lambda_numbers("f()::'lambda0'(int)") == "f()::'lambda*'(int)");
  CHECK(without_lambda_numbers("f()::'lambda'(int)") == "f()::'lambda*'(int)");
  CHECK(without_lambda_numbers("main.walk.func2") == "main.walk.func*");
  CHECK(without_lambda_numbers("stage1(int#2)") == "stage1(int#2)");
}

TEST_CASE("functions are the same in a renamed program, as another copy, and wherever they lie") {
  const Profile base = profile_of("app-1", {{"app-1!main@3", "app-1!work.part.0", "libz.so.1.2!crc"}});
  const Profile newer =
      profile_of("app-2", {{"app-2!fresh"}, {"app-2!main@30", "app-2!work.constprop.0", "libz.so.1.3!crc"}});
  CHECK(matched(base, newer) == "main, work, crc, +fresh");
}

TEST_CASE("functions of one name in two modules are two") {
  const Profile base = profile_of("app", {{"app!init"}, {"liba.so!init"}});
  const Profile newer = profile_of("app", {{"app!init"}});
  CHECK(matched(base, newer) == "init, -init");
}

TEST_CASE("lambdas count by number while both sides have the same ones") {
  const std::vector<std::string> one = {"app!f()::{lambda()#1}"}, two = {"app!f()::{lambda()#2}"},
                                 three = {"app!f()::{lambda()#3}"};
  CHECK(matched(profile_of("app", {one, two}), profile_of("app", {one, two})) ==
        "f()::{lambda()#1}, f()::{lambda()#2}");
  CHECK(matched(profile_of("app", {one, two}), profile_of("app", {one, two, three})) == "f()::{lambda()#*}");
}

TEST_CASE("code without a symbol is known by its offset in one build, and one function otherwise") {
  const auto profile = [](const std::vector<uint8_t>& build_id, const std::string& offset) {
    FakeRecording fake;
    fake.process(1, 100, "/usr/bin/app");
    fake.thread(1, 1, 100, "app");
    fake.sample(1, {"libgpu.so!libgpu.so+0x" + offset, "libgpu.so!libgpu.so+0x20"}, 10);
    Recording recording = fake.finish();
    recording.modules[0].build_id = build_id;
    auto built = build_profile(std::move(recording), {}, fake.symbols());
    REQUIRE(built.ok());
    return std::move(*built);
  };
  CHECK(matched(profile({1}, "10"), profile({1}, "30")) == "-libgpu.so+0x10, libgpu.so+0x20, +libgpu.so+0x30");
  CHECK(matched(profile({1}, "10"), profile({2}, "30")) == "[no symbol]");
}

TEST_CASE("sites whose lines have moved are matched in their order") {
  using Aligned = std::vector<std::pair<size_t, size_t>>;
  const PlacedSite base[] = {{5, 100}, {9, 24}};
  const PlacedSite moved[] = {{7, 100}, {12, 24}};
  CHECK(align_sites(base, moved) == Aligned{{0, 0}, {1, 1}});
  const PlacedSite with_new[] = {{5, 64}, {6, 100}, {10, 24}};  // one was added before
  CHECK(align_sites(base, with_new) == Aligned{{0, 1}, {1, 2}});
  const PlacedSite added_between[] = {{5, 120}, {7, 64}, {9, 30}};  // the others keep their lines, not their sizes
  CHECK(align_sites(base, added_between) == Aligned{{0, 0}, {1, 2}});
  const PlacedSite one[] = {{9, 24}};
  CHECK(align_sites(base, one) == Aligned{{1, 0}});
  CHECK(align_sites(base, {}).empty());
}

}  // namespace flarestack
