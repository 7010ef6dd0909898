// SPDX-License-Identifier: Apache-2.0
#include "model/matched_functions.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <unordered_map>

#include "model/index_table.h"
#include "model/module_pairs.h"

namespace flarestack {
namespace {

bool is_digit(char each) { return each >= '0' && each <= '9'; }

bool is_compiled(FrameType type) { return type == FrameType::kNative || type == FrameType::kInlined; }

ModuleNames module_names(std::span<const Profile* const> side) {
  ModuleNames names;
  for (const Profile* profile : side) {
    for (const Function& function : profile->functions) {
      if (!function.module.empty()) names.build_ids[function.module];
    }
    for (const Module& module : profile->recording.modules) {
      const auto found = names.build_ids.find(module.name());
      if (found != names.build_ids.end()) found->second.insert(module.build_id);
    }
    const auto& processes = profile->recording.processes;
    if (names.executable.empty() && !processes.empty()) names.executable = processes[0].name();
  }
  return names;
}

// A function as it is looked for in the other recordings.
struct Key {
  std::string name;
  std::string module;
  uint32_t kind = 0;  // compiled code, whether inlined or not, is one
  bool operator==(const Key&) const = default;
};

struct KeyHash {
  size_t operator()(const Key& key) const {
    const std::hash<std::string> hash;
    return hash_of(static_cast<uint32_t>(hash(key.name)), static_cast<uint32_t>(hash(key.module)) + key.kind);
  }
};

// The modules of both sides, by the names that the base has for them.
class Modules {
 public:
  Modules(const ModuleNames& base, const ModuleNames& newer, const std::map<std::string, std::string>& pairs)
      : pairs_(pairs) {
    for (const ModuleNames* side : {&base, &newer}) {
      for (const auto& [name, ids] : side->build_ids) builds_[name_of(name)].insert(ids.begin(), ids.end());
    }
  }
  const std::string& name_of(const std::string& module) const {
    const auto paired = pairs_.find(module);
    return paired == pairs_.end() ? module : paired->second;
  }
  // Whether offsets in it mean the same in all recordings.
  bool is_of_one_build(const std::string& name) const {
    const auto builds = builds_.find(name);
    return builds != builds_.end() && builds->second.size() == 1 && !builds->second.begin()->empty();
  }

 private:
  const std::map<std::string, std::string>& pairs_;
  std::map<std::string, std::set<std::vector<uint8_t>>> builds_;
};

Key key_of(const Function& function, const Modules& modules) {
  Key key{function.name, modules.name_of(function.module),
          is_compiled(function.type) ? UINT32_MAX : static_cast<uint32_t>(function.type)};
  if (!is_compiled(function.type)) return key;
  // "libgpu.so+0x1234" is no name but an offset.
  if (!function.module.empty() && function.name.starts_with(function.module + "+0x")) {
    key.name = modules.is_of_one_build(key.module) ? function.name.substr(function.module.size()) : kNoSymbol;
  } else {
    key.name = without_clone_marks(function.name);
  }
  return key;
}

// Those names without lambda numbers under which the two sides have not the same lambdas.
class RenumberedLambdas {
 public:
  void add(const Key& key, size_t side) {
    Key bare = key;
    bare.name = without_lambda_numbers(key.name);
    if (bare.name != key.name) names_[std::move(bare)][side].insert(key.name);
  }
  // The key under which a function is the same on both sides.
  Key settled(Key key) const {
    Key bare = key;
    bare.name = without_lambda_numbers(key.name);
    const auto found = names_.find(bare);
    return found == names_.end() || found->second[0] == found->second[1] ? key : bare;
  }

 private:
  std::unordered_map<Key, std::array<std::set<std::string>, 2>, KeyHash> names_;
};

// What compilers put behind the name of a copy.
bool is_clone_mark(std::string_view mark) {
  static constexpr std::array<std::string_view, 9> kMarks = {
      "constprop", "isra", "part", "cold", "lto_priv", "llvm", "localalias", "clone", "specialized"};
  return std::find(kMarks.begin(), kMarks.end(), mark) != kMarks.end() ||
         (!mark.empty() && std::all_of(mark.begin(), mark.end(), is_digit));
}

}  // namespace

std::string_view without_clone_marks(std::string_view name) {
  for (size_t clone = name.rfind(" [clone "); clone != std::string_view::npos && clone != 0 && name.ends_with(']');
       clone = name.rfind(" [clone ")) {
    name = name.substr(0, clone);
  }
  for (size_t dot = name.rfind('.'); dot != std::string_view::npos && dot != 0; dot = name.rfind('.')) {
    if (!is_clone_mark(name.substr(dot + 1))) break;
    name = name.substr(0, dot);
  }
  constexpr size_t kRustHash = 3 + 16;  // "::h0123456789abcdef"
  if (name.size() > kRustHash && name.substr(name.size() - kRustHash).starts_with("::h") &&
      name.substr(name.size() - 16).find_first_not_of("0123456789abcdef") == std::string_view::npos) {
    name.remove_suffix(kRustHash);
  }
  return name;
}

std::string without_lambda_numbers(std::string_view name) {
  // "{lambda(int)#2}", "{unnamed type#1}", "{closure#0}"; "$_0"; "'lambda0'"; "main.func1".
  static constexpr std::array<std::string_view, 4> kBefore = {"#", "$_", "'lambda", ".func"};
  std::string out;
  for (size_t i = 0; i < name.size();) {
    const auto before = std::find_if(kBefore.begin(), kBefore.end(),
                                     [&](std::string_view each) { return name.substr(i).starts_with(each); });
    if (before == kBefore.end()) {
      out += name[i++];
      continue;
    }
    out += *before;
    i += before->size();
    size_t end = i;
    while (end < name.size() && is_digit(name[end])) ++end;
    const char behind = end < name.size() ? name[end] : '\0';
    const bool closes = *before == "#" ? behind == '}' : *before != "'lambda" || behind == '\'';
    const bool is_number = closes && (end != i || *before == "'lambda");
    if (!is_number) continue;
    out += '*';
    i = end;
  }
  return out;
}

MatchedFunctions::MatchedFunctions(std::span<const Profile* const> base, std::span<const Profile* const> newer) {
  const ModuleNames base_names = module_names(base);
  const ModuleNames newer_names = module_names(newer);
  paired_modules_ = pair_modules(base_names, newer_names);
  const Modules modules(base_names, newer_names, paired_modules_);
  std::vector<std::pair<const Profile*, size_t>> profiles;  // with its side
  for (const Profile* each : base) profiles.emplace_back(each, 0);
  for (const Profile* each : newer) profiles.emplace_back(each, 1);

  RenumberedLambdas lambdas;
  for (const auto& [profile, side] : profiles) {
    for (const Function& function : profile->functions) lambdas.add(key_of(function, modules), side);
  }
  std::unordered_map<Key, uint32_t, KeyHash> index;
  for (const auto& [profile, side] : profiles) {
    std::vector<uint32_t>& numbers = of_profile_.emplace_back();
    for (const Function& function : profile->functions) {
      const Key key = lambdas.settled(key_of(function, modules));
      const auto [entry, added] = index.try_emplace(key, static_cast<uint32_t>(list_.size()));
      if (added) list_.emplace_back();
      MatchedFunction& matched = list_[entry->second];
      // The newer side tells, but for a place in the source that only the base knows.
      if (added || (side == 1 && (function.line != 0 || matched.function.line == 0))) {
        const bool was_native = !added && matched.function.type == FrameType::kNative;
        matched.function = function;
        if (was_native) matched.function.type = FrameType::kNative;
        matched.function.name = key.name.starts_with("+0x") ? function.module + key.name : key.name;
      }
      (side == 0 ? matched.in_base : matched.in_newer) = true;
      numbers.push_back(entry->second);
    }
  }
}

}  // namespace flarestack
