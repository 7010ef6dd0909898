// SPDX-License-Identifier: Apache-2.0
// docs/trace-format.md shows a trace byte by byte: it must be what the writer writes and the reader reads.
#include <regex>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/unit/trace/trace_files.h"

namespace flarestack {
namespace {

const std::vector<TraceRecord> kExample = {
    FrameRecord{{1}, FrameKind::kNative, AddressKind::kReturnAddress, {1}, {0x1139}, {}},
    FrameRecord{{2}, FrameKind::kNative, AddressKind::kInstruction, {1}, {0x1140}, {}},
    StackRecord{{1}, {}, {1}},
    StackRecord{{2}, {1}, {2}},
    SampleRecord{{1}, {2}, SampleMetric::kCpu, 0, 1'000'000'000, 3, 3'000'040},
    EndRecord{1'500'000'000},
};

// The lines "0010  F1 63 ..  what it is" of the document.
std::string bytes_shown(const std::string& document) {
  static const std::regex line_pattern("^[0-9a-f]{4}  ((?:[0-9a-f]{2} )+) .*");
  std::string bytes;
  std::istringstream lines(document);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, line_pattern)) continue;
    CHECK(std::stoul(line.substr(0, 4), nullptr, 16) == bytes.size());
    std::istringstream numbers(match[1]);
    for (std::string number; numbers >> number;) bytes += static_cast<char>(std::stoul(number, nullptr, 16));
  }
  return bytes;
}

std::string hex(const std::string& bytes) {
  std::string result;
  for (const char byte : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    const auto value = static_cast<unsigned char>(byte);
    result += {kDigits[value >> 4], kDigits[value & 15], ' '};
  }
  return result;
}

TEST_CASE("the worked example of the format's document is what the writer writes") {
  const TemporaryFolder folder;
  write_trace(folder.file("t"), kExample);
  const std::string document = read_bytes("docs/trace-format.md");
  CHECK(hex(bytes_shown(document)) == hex(read_bytes(folder.file("t"))));
  for (const TraceRecord& record : read_trace(folder.file("t")).records) {
    CHECK_THAT(document, Catch::Contains(describe(record) + "\n"));
  }
}

}  // namespace
}  // namespace flarestack
