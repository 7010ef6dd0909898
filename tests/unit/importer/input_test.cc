// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <catch2/catch.hpp>

#include "tests/unit/importer/imported.h"

namespace flarestack {
namespace {

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::vector<std::string> all_lines(std::string_view bytes) {
  InputReader input = InputReader::of_bytes(bytes);
  std::vector<std::string> lines;
  for (std::string_view line; input.next_line(line);) lines.emplace_back(line);
  CHECK(input.line_number() == lines.size());
  CHECK(input.error().ok());
  return lines;
}

TEST_CASE("lines come one by one, whatever ends them, unpacked or packed") {
  const std::vector<std::string> expected = {"one", "", "three", "last"};
  CHECK(all_lines("one\n\nthree\r\nlast") == expected);
  CHECK(all_lines(gzip("one\n\nthree\nlast\n")) == expected);
  CHECK(all_lines(gzip("one\n\nth") + gzip("ree\nlast\n")) == expected);
  CHECK(all_lines("").empty());
}

TEST_CASE("a long text is read whole, its beginning looked at or not") {
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += fmt::format("line {}\n", i);
  for (const std::string& bytes : {text, gzip(text)}) {
    InputReader input = InputReader::of_bytes(bytes);
    CHECK(input.peek() == std::string_view(text).substr(0, InputReader::kMaxLineBytes));
    uint64_t count = 0;
    bool right = true;
    for (std::string_view line; input.next_line(line); ++count) right = right && line == fmt::format("line {}", count);
    CHECK(right);
    CHECK(count == 400'000);
  }
  InputReader input = InputReader::of_bytes(text);
  CHECK(*input.read_rest(text.size()) == text);
  InputReader again = InputReader::of_bytes(text);
  CHECK_FALSE(again.read_rest(text.size() - 1).ok());
}

TEST_CASE("gzipped data that is cut or damaged is an error") {
  const std::string packed = gzip(std::string(100'000, 'x') + "\n");
  for (const size_t size : {packed.size() - 1, packed.size() / 2, size_t{5}}) {
    InputReader input = InputReader::of_bytes(std::string_view(packed).substr(0, size));
    CHECK_FALSE(input.read_rest(1 << 20).ok());
  }
  std::string damaged = packed;
  damaged[packed.size() / 2] = static_cast<char>(damaged[packed.size() / 2] ^ 0x55);
  InputReader input = InputReader::of_bytes(damaged);
  CHECK_FALSE(input.read_rest(1 << 20).ok());
  CHECK_THAT(import_error(std::string_view(packed).substr(0, 30)), Catch::Contains("gzipped"));
}

TEST_CASE("what an input is shows in its first bytes") {
  const auto guessed = [](std::string_view bytes) {
    const Result<ImportFormat> format = guess_import_format(bytes);
    return format.ok() ? std::string(import_format_name(*format)) : format.error().message;
  };
  CHECK(guessed("a;b;c 12\n") == "collapsed");
  CHECK(guessed("\n\nmain 12") == "collapsed");
  CHECK(guessed("# ====\n#\nt 1 1.5:  1 cycles: \n") == "perf-script");
  CHECK(guessed(std::string_view("\x0a\x04\x08\x01\x10\x02", 6)) == "pprof");
  CHECK(guessed(std::string_view("\x5a\x04\x08\x01\x10\x02", 6)) == "pprof");
  CHECK_THAT(guessed(std::string_view("\x5b\x04\x08\x01", 4)), Catch::Contains("no format"));
  CHECK_THAT(guessed(""), Catch::Contains("empty"));
  CHECK_THAT(guessed("PERFILE2\x68"), Catch::Contains("perf script"));
  CHECK_THAT(guessed("\x89"
                     "FLARE\r\n"),
             Catch::Contains("already"));
  CHECK_THAT(guessed(std::string_view("\x7f"
                                      "ELF\x02\x01",
                                      6)),
             Catch::Contains("no format"));
  CHECK_THAT(guessed("# nothing\n"), Catch::Contains("nothing"));
  CHECK_THAT(guessed("Dear reader,\n"), Catch::Contains("line 1"));
}

TEST_CASE("an output that cannot be written is an error, and an output that is there stays when the input is bad") {
  InputReader input = InputReader::of_bytes("a 1\n");
  CHECK_FALSE(import_file("FILE", input, "/nonexistent/t.flare", {}).ok());
  const ImportFolder folder;
  InputReader good = InputReader::of_bytes("a 1\n");
  REQUIRE(import_file("FILE", good, folder.file("t"), {}).ok());
  InputReader bad = InputReader::of_bytes("a 1\nb\n");
  REQUIRE_FALSE(import_file("FILE", bad, folder.file("t"), {}).ok());
  CHECK(read_imported(folder.file("t")).lines() == std::vector<std::string>{"a 0 1"});
}

}  // namespace
}  // namespace flarestack
