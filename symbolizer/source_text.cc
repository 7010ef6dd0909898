// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/source_text.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include "base/fd.h"
#include "symbolizer/regular_file.h"

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

SourceText read_source(const SourceRequest& request) {
  const std::string& path = request.path;
  SourceText result;
  Fd file = request.bundle != nullptr ? request.bundle->open_source(path) : Fd();
  const bool is_bundled = static_cast<bool>(file);
  if (!is_bundled && path.starts_with('/')) {
    Result<Fd> opened = open_regular_file(path);
    if (opened.ok()) {
      file = std::move(*opened);
    }
  }
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) {
    result.problem = fmt::format("{} is not on this machine", path.empty() ? "the source file" : path);
    return result;
  }
  const int64_t modified_ns = int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  if (!is_bundled && request.built_ns != 0 && modified_ns > request.built_ns) {
    result.problem = path + " changed since the program was built: it is younger than the program";
    return result;
  }
  if (uint64_t(status.st_size) > kMostSourceBytes) {
    result.problem = fmt::format("{} is larger than {} MiB", path, kMostSourceBytes >> 20);
    return result;
  }
  const Result<std::string> text = read_all(file.get(), path);
  if (!text.ok()) {
    result.problem = text.error().message;
    return result;
  }
  result.lines = split_lines(*text);
  if (request.last_line > result.lines.size()) {
    result.problem = fmt::format("{} changed since the program was built: it has {} lines, and line {} was compiled",
                                 path, result.lines.size(), request.last_line);
    result.lines.clear();
  }
  return result;
}

}  // namespace flarestack
