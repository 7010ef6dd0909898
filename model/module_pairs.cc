// SPDX-License-Identifier: Apache-2.0
#include "model/module_pairs.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

namespace flarestack {
namespace {

bool is_version(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char each) { return each == '.' || std::isdigit(each); });
}

// A library's name without its version: "libz.so" of "libz.so.1.2.13", "libfoo.so" of "libfoo-2.1.so"; as it is where
// it has none.
std::string stem_of(const std::string& module) {
  std::string stem = module;
  if (const size_t so = stem.rfind(".so"); so != std::string::npos && is_version(stem.substr(so + 3)))
    stem.resize(so + 3);
  if (!stem.ends_with(".so")) return stem;
  // The first dash with nothing but a version behind it.
  for (size_t dash = stem.find('-'); dash != std::string::npos; dash = stem.find('-', dash + 1)) {
    const std::string_view version = std::string_view(stem).substr(dash + 1, stem.size() - 3 - (dash + 1));
    const bool is_one = !version.empty() && std::isdigit(static_cast<unsigned char>(version[0])) != 0 &&
                        std::all_of(version.begin(), version.end(), [](unsigned char each) {
                          return each == '.' || each == '_' || std::isalnum(each) != 0;
                        });
    if (is_one) return stem.substr(0, dash) + ".so";
  }
  return stem;
}

}  // namespace

std::map<std::string, std::string> pair_modules(const ModuleNames& base, const ModuleNames& other) {
  std::set<std::string> vanished, fresh;
  for (const auto& [name, ids] : base.build_ids) {
    if (!other.build_ids.contains(name)) vanished.insert(name);
  }
  for (const auto& [name, ids] : other.build_ids) {
    if (!base.build_ids.contains(name)) fresh.insert(name);
  }
  std::map<std::string, std::string> pairs;
  for (const std::string& name : fresh) {
    const auto& ids = other.build_ids.at(name);
    if (ids.size() != 1 || ids.begin()->empty()) continue;
    const auto same = std::find_if(vanished.begin(), vanished.end(),
                                   [&](const std::string& each) { return base.build_ids.at(each) == ids; });
    if (same == vanished.end()) continue;
    pairs[name] = *same;
    vanished.erase(same);
  }
  std::erase_if(fresh, [&](const std::string& name) { return pairs.contains(name); });
  if (vanished.contains(base.executable) && fresh.contains(other.executable)) {
    pairs[other.executable] = base.executable;
    vanished.erase(base.executable);
    fresh.erase(other.executable);
  }
  for (const std::string& name : fresh) {
    if (name.find(".so") == std::string::npos) continue;
    const auto is_same = [&](const std::string& each) { return stem_of(each) == stem_of(name); };
    if (std::count_if(fresh.begin(), fresh.end(), is_same) != 1) continue;
    if (std::count_if(vanished.begin(), vanished.end(), is_same) != 1) continue;
    pairs[name] = *std::find_if(vanished.begin(), vanished.end(), is_same);
  }
  return pairs;
}

}  // namespace flarestack
