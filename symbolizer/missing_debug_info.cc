// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/missing_debug_info.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/fd.h"

namespace flarestack {
namespace {

constexpr std::string_view kListSuffix = ".list";

// A path as dpkg may know it: packages of Debian 12 still list /lib/x where the file is /usr/lib/x.
std::vector<std::string> spellings(const std::string& path) {
  std::vector<std::string> result{"\n" + path + "\n"};
  if (path.starts_with("/usr/")) {
    result.push_back("\n" + path.substr(4) + "\n");
  }
  return result;
}

// Where packages put programs and libraries; the lists need not be read for others.
bool may_be_packaged(const std::string& path) {
  for (const std::string_view folder : {"/usr/", "/lib", "/bin/", "/sbin/", "/opt/"}) {
    if (path.starts_with(folder)) {
      return !path.starts_with("/usr/local/");
    }
  }
  return false;
}

// For each path the package that owns it; empty: none does.
std::vector<std::string> owning_packages(std::span<const std::string> paths, const std::string& directory) {
  std::vector<std::string> packages(paths.size());
  std::vector<std::vector<std::string>> needles;
  if (std::none_of(paths.begin(), paths.end(), may_be_packaged)) {
    return packages;
  }
  for (const std::string& path : paths) {
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(path, error);
    needles.push_back(spellings(error ? path : real.native()));
    if (!error && real != path) {
      needles.back().push_back("\n" + path + "\n");
    }
  }
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.ends_with(kListSuffix)) {
      continue;
    }
    Result<std::string> list = read_file(entry->path());
    if (!list.ok()) {
      continue;
    }
    list->insert(list->begin(), '\n');
    for (size_t i = 0; i < paths.size(); ++i) {
      for (const std::string& needle : needles[i]) {
        if (packages[i].empty() && list->find(needle) != std::string::npos) {
          packages[i] = name.substr(0, std::min(name.find(':'), name.size() - kListSuffix.size()));
        }
      }
    }
  }
  return packages;
}

// Most debug packages of Debian are only in an archive of their own, which debuginfod serves; these are in the main
// one.
std::string debug_package(const std::string& package) {
  if (package == "libc6" || package == "libc-bin") {
    return "libc6-dbg";
  }
  for (const std::string_view prefix : {"libpython3.", "python3."}) {
    if (package.starts_with(prefix)) {
      const std::string minor =
          package.substr(prefix.size(), package.find_first_not_of("0123456789", prefix.size()) - prefix.size());
      return "python3." + minor + "-dbg";
    }
  }
  return {};
}

std::string debuginfod_server(std::string_view distribution) {
  for (const auto& [name, server] :
       {std::pair{"debian", "https://debuginfod.debian.net"}, std::pair{"ubuntu", "https://debuginfod.ubuntu.com"},
        std::pair{"fedora", "https://debuginfod.fedoraproject.org"},
        std::pair{"arch", "https://debuginfod.archlinux.org"},
        std::pair{"opensuse-tumbleweed", "https://debuginfod.opensuse.org"}}) {
    if (distribution == name) {
      return server;
    }
  }
  return "https://debuginfod.elfutils.org";
}

std::string remedy(const std::string& path, const std::string& package, const RemedySources& sources) {
  const bool is_system_file = !package.empty() || (path.starts_with("/usr/") && !path.starts_with("/usr/local/") &&
                                                   !std::filesystem::exists(sources.dpkg_directory));
  if (!is_system_file) {
    return "build it with -g";
  }
  if (const std::string debug = debug_package(package); !debug.empty()) {
    return "apt install " + debug;
  }
  if (!sources.has_debuginfod) {
    return "export DEBUGINFOD_URLS=" + debuginfod_server(sources.distribution);
  }
  return package.empty() ? std::string() : "apt install " + package + "-dbgsym";
}

std::string distribution_id() {
  const Result<std::string> text = read_file("/etc/os-release");
  const std::string lines = text.ok() ? "\n" + *text : std::string();
  const size_t found = lines.find("\nID=");
  if (found == std::string::npos) {
    return {};
  }
  std::string id = lines.substr(found + 4, lines.find('\n', found + 4) - found - 4);
  std::erase(id, '"');
  return id;
}

}  // namespace

std::vector<std::string> debug_info_remedies(std::span<const std::string> paths) {
  const char* urls = std::getenv("DEBUGINFOD_URLS");
  return debug_info_remedies(paths, {"/var/lib/dpkg/info", distribution_id(), urls != nullptr && urls[0] != '\0'});
}

std::vector<std::string> debug_info_remedies(std::span<const std::string> paths, const RemedySources& sources) {
  if (paths.empty()) {
    return {};
  }
  const std::vector<std::string> packages = owning_packages(paths, sources.dpkg_directory);
  std::vector<std::string> result;
  for (size_t i = 0; i < paths.size(); ++i) {
    result.push_back(remedy(paths[i], packages[i], sources));
  }
  return result;
}

}  // namespace flarestack
