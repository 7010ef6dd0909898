// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/source_text.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/fd.h"

namespace flarestack {
namespace {

constexpr size_t kTab = 8;

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  std::string line;
  for (const char each : text) {
    if (each == '\n') {
      lines.push_back(std::move(line));
      line.clear();
    } else if (each == '\t') {
      line.append(kTab - line.size() % kTab, ' ');
    } else if (each != '\r') {
      line += each;
    }
  }
  if (!line.empty()) {
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

SourceText read_source(const std::string& path, int64_t built_ns, uint32_t last_line) {
  SourceText result;
  struct stat status {};
  if (path.empty() || path[0] != '/' || stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    result.problem = fmt::format("{} is not on this machine", path.empty() ? "the source file" : path);
    return result;
  }
  const int64_t modified_ns = int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  if (built_ns != 0 && modified_ns > built_ns) {
    result.problem = path + " changed since the program was built: it is younger than the program";
    return result;
  }
  if (uint64_t(status.st_size) > kMostSourceBytes) {
    result.problem = fmt::format("{} is larger than {} MiB", path, kMostSourceBytes >> 20);
    return result;
  }
  const Result<std::string> text = read_file(path);
  if (!text.ok()) {
    result.problem = text.error().message;
    return result;
  }
  result.lines = split_lines(*text);
  if (last_line > result.lines.size()) {
    result.problem = fmt::format("{} changed since the program was built: it has {} lines, and line {} was compiled",
                                 path, result.lines.size(), last_line);
    result.lines.clear();
  }
  return result;
}

}  // namespace flarestack
