// SPDX-License-Identifier: Apache-2.0
#include "report/text_style.h"

#include <catch2/catch.hpp>

namespace flarestack {

TEST_CASE("a name that fits is left alone") {
  CHECK(short_function("a::b<int>(char const*)", 22) == "a::b<int>(char const*)");
}

TEST_CASE("a long C++ name loses its parameters first, then template arguments from the inside, then its middle") {
  const std::string name = "std::map<int, std::vector<long> >::find(int const&, std::vector<long> const&)";
  CHECK(short_function(name, 60) == "std::map<int, std::vector<long> >::find(...)");
  CHECK(short_function(name, 43) == "std::map<int, std::vector<...> >::find(...)");
  CHECK(short_function(name, 30) == "std::map<...>::find(...)");
  CHECK(columns_of(short_function(name, 20)) == 20);
  CHECK(short_function("Scene::draw(int, int, int) const", 30) == "Scene::draw(...) const");
}

TEST_CASE("operators are no template brackets") {
  const std::string name = "bool operator< <std::string>(std::string const&, std::string const&)";
  CHECK(short_function(name, 40) == "bool operator< <std::string>(...)");
  CHECK(short_function("Pointer<Very::Long::Name>::operator->(this thing)", 30) == "Pointer<...>::operator->(...)");
}

TEST_CASE("what is no text becomes question marks, what is text stays") {
  CHECK(printable("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\xa5") == "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\xa5");
  CHECK(printable("\x1b[31m\x7f\n") == "?[31m??");
  CHECK(printable("\xc2\x9b"
                  "1m") == "?1m");                                     // a C1 control: CSI
  CHECK(printable("\xff\xc0\xaf\xed\xa0\x80\xe2\x82") == "????????");  // stray, overlong, surrogate, cut
}

TEST_CASE("a command is quoted where the shell would need it") {
  CHECK(command_line({"./a.out", "--x=1", "two words", "", "it's"}) == "./a.out --x=1 'two words' '' \"it's\"");
  CHECK(command_line({"python3", "-c", "print('$x')\nexit(1)\x1b"}) == "python3 -c $'print(\\'$x\\')\\nexit(1)?'");
}

TEST_CASE("the end is cut where the start says most") {
  CHECK(shorten_end("abcdefghij", 10) == "abcdefghij");
  CHECK(shorten_end("abcdefghij", 8) == "abcde...");
  CHECK(shorten_end("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 5) == "\xc3\xa9\xc3\xa9...");
}

}  // namespace flarestack
