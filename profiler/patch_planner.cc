// SPDX-License-Identifier: Apache-2.0
#include "profiler/patch_planner.h"

#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "profiler/table_hooks.h"
#include "wire/patch.h"

namespace flarestack {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr char kAgentFileName[] = "/libflarestack_preload.so";  // it defines the malloc family, too
constexpr size_t kMaxModules = 4096;                            // that are looked at in one process
constexpr size_t kMaxFiles = 20'000;  // that are remembered: a process may map as many as it likes
constexpr char kDeletedMark[] = " (deleted)";

std::string file_name(std::string_view path) {
  if (path.ends_with(kDeletedMark)) {
    path.remove_suffix(sizeof(kDeletedMark) - 1);
  }
  return std::string(path.substr(path.rfind('/') + 1));
}

// glibc's, before 2.34 as well; musl's, which is its loader, too.
bool is_libc(std::string_view path) {
  const std::string name = file_name(path);
  return name.starts_with("libc.so") || name.starts_with("libc-2.") || name.starts_with("ld-musl-");
}

bool is_agent(std::string_view path) {
  if (path.ends_with(kDeletedMark)) {
    path.remove_suffix(sizeof(kDeletedMark) - 1);
  }
  return path.ends_with(kAgentFileName);
}

bool displaces_call(const DisplacedEntry& entry) {
  const DisplacedInstruction::Kind last = entry.instructions.back().kind;
  return last == DisplacedInstruction::Kind::kCall || last == DisplacedInstruction::Kind::kCallThrough;
}

// Linux, Documentation/arch/x86/shstk.rst: "x86_Thread_features: shstk wrss".
bool has_shadow_stack(int32_t pid) {
  const Result<std::string> status = read_file(fmt::format("/proc/{}/status", pid));
  const size_t from = status.ok() ? status->find("x86_Thread_features:") : std::string::npos;
  return from != std::string::npos &&
         status->substr(from, status->find('\n', from) - from).find("shstk") != std::string::npos;
}

// The hooks of one module, in one area. `hooks`: those that can be displaced.
void plan_module(const std::vector<const WantedHook*>& hooks, ProcessMaps& maps, PatchPlan& plan,
                 std::vector<RefusedHook>& refused) {
  const auto refuse_all = [&](const std::string& reason) {
    for (const WantedHook* hook : hooks) {
      refused.push_back({hook, reason});
    }
  };
  if (plan.areas.size() == kMaxPatchAreas || plan.patches.size() + hooks.size() > kMaxPatches) {
    return refuse_all("the process has more of them than are ever needed");
  }
  const uint64_t size_bytes = (hooks.size() * kHookCodeBytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  const std::optional<uint64_t> place =
      maps.take_near(hooks.front()->module_low, hooks.front()->module_high, size_bytes);
  if (!place) {
    return refuse_all("there is no free memory near enough to it");
  }
  PatchPlan::Area area;
  area.address = *place;
  area.size_bytes = size_bytes;
  for (const WantedHook* hook : hooks) {
    const DisplacedEntry& displaced = *hook->function->displaced;
    const HookPlace at{hook->runtime_address, area.address + area.code.size(), hook->hook_address, hook->arity};
    Result<HookCode> code = build_hook(displaced, at);
    if (!code.ok()) {
      refused.push_back({hook, code.error().message});
      continue;
    }
    PatchPlan::Patch patch;
    patch.address = patch.function_address = hook->runtime_address;
    patch.trampoline_address = code->trampoline_address;
    patch.area = static_cast<uint32_t>(plan.areas.size());
    patch.expected = displaced.original;
    patch.written.assign(code->entry_jump.begin(), code->entry_jump.end());
    plan.patches.push_back(std::move(patch));
    code->code.resize(kHookCodeBytes, 0xcc);
    area.code.insert(area.code.end(), code->code.begin(), code->code.end());
  }
  plan.areas.push_back(std::move(area));
}

// By jumps; what is refused.
std::vector<RefusedHook> plan_jumps(const std::vector<WantedHook>& wanted, ProcessMaps& maps, PatchPlan& plan) {
  std::vector<RefusedHook> refused;
  std::map<uint64_t, std::vector<const WantedHook*>> by_module;
  for (const WantedHook& hook : wanted) {
    if (!hook.function->displaced.ok()) {
      refused.push_back({&hook, hook.function->displaced.error().message});
    } else if (hook.has_shadow_stack && displaces_call(*hook.function->displaced)) {
      refused.push_back({&hook, "it begins with a call, and the process has a shadow stack"});
    } else {
      by_module[hook.module_low].push_back(&hook);
    }
  }
  for (const auto& [low, hooks] : by_module) {
    plan_module(hooks, maps, plan, refused);
  }
  return refused;
}

void tell_refused(const std::vector<RefusedHook>& refused, PatchPlan& plan) {
  for (const RefusedHook& one : refused) {
    plan.refusals.push_back(
        fmt::format("{} of {} is not hooked: {}", one.hook->function->name, one.hook->module_name, one.reason));
  }
}

}  // namespace

PatchPlan PatchPlanner::plan(const std::vector<WantedHook>& wanted, ProcessMaps& maps) {
  PatchPlan plan;
  tell_refused(plan_jumps(wanted, maps, plan), plan);
  return plan;
}

Result<std::shared_ptr<const AllocatorEntries>> PatchPlanner::entries_of(int32_t pid,
                                                                         const ProcessMaps::Mapping& mapping,
                                                                         const std::vector<std::string>& functions) {
  const Result<Fd> file = ProcessMaps::open_file_of(pid, mapping);
  if (!file.ok()) {
    return file.error();
  }
  struct stat status {};
  if (fstat(file->get(), &status) != 0) {
    return errno_error("look at " + mapping.path);
  }
  const FileKey key{status.st_dev, status.st_ino, status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec,
                    status.st_size, functions};
  if (const auto known = files_.find(key); known != files_.end()) {
    return known->second;
  }
  if (files_.size() >= kMaxFiles) {
    files_.clear();
  }
  auto entries = std::make_shared<const AllocatorEntries>(AllocatorEntries::read(file->get(), functions));
  files_.emplace(key, entries);
  return std::shared_ptr<const AllocatorEntries>(entries);
}

PatchPlanner::Modules PatchPlanner::modules_of(int32_t pid, const ProcessMaps& maps, const IsWanted& is_wanted,
                                               const std::vector<std::string>& functions) {
  Modules modules;
  size_t looked_at = 0;
  for (const ProcessMaps::Mapping& mapping : maps.mappings()) {
    if (!mapping.executable || mapping.inode == 0 || !mapping.path.starts_with('/') || is_agent(mapping.path) ||
        !is_wanted(mapping.path)) {
      continue;
    }
    if (++looked_at > kMaxModules) {
      modules.unreadable.push_back("allocators beyond the first files of the process are not hooked: it maps too many");
      break;
    }
    const Result<std::shared_ptr<const AllocatorEntries>> entries = entries_of(pid, mapping, functions);
    if (!entries.ok()) {
      modules.unreadable.push_back(
          fmt::format("an allocator in {} would not be hooked: {}", file_name(mapping.path), entries.error().message));
      continue;
    }
    for (const AllocatorEntries::Segment& segment : (*entries)->code()) {
      // A segment is mapped from the page on in which it begins.
      const uint64_t page_offset = segment.file_offset / kPageBytes * kPageBytes;
      if (mapping.file_offset < page_offset || mapping.file_offset >= segment.file_offset + segment.size_bytes) {
        continue;
      }
      const uint64_t load_bias = mapping.start - mapping.file_offset + segment.file_offset - segment.address;
      const auto same = std::find_if(modules.found.begin(), modules.found.end(), [&](const Module& one) {
        return one.path == mapping.path && one.load_bias == load_bias;
      });
      if (same != modules.found.end()) {
        same->low = std::min(same->low, mapping.start);
        same->high = std::max(same->high, mapping.end);
      } else {
        modules.found.push_back({mapping.path, load_bias, mapping.start, mapping.end, *entries});
      }
      break;
    }
  }
  return modules;
}

void PatchPlanner::add_functions(const Modules& modules, const FunctionHooks& functions, bool has_shadow_stack,
                                 std::vector<WantedHook>& wanted) {
  for (const Module& module : modules.found) {
    for (const HookableFunction& function : module.entries->functions()) {
      if (const auto hook = functions.find(function.name); hook != functions.end()) {
        wanted.push_back({&function, file_name(module.path), function.address + module.load_bias, module.low,
                          module.high, hook->second, std::nullopt, has_shadow_stack});
      }
    }
  }
}

Result<PatchPlan> PatchPlanner::plan_allocators(int32_t pid, const HookAddresses& hooks, const FunctionHooks& functions,
                                                uint64_t module_address) {
  Result<ProcessMaps> maps = ProcessMaps::read(pid);
  if (!maps.ok()) {
    return maps.error();
  }
  const Modules modules = modules_of(pid, *maps, [](const std::string&) { return true; }, {});
  const bool shadow_stack = has_shadow_stack(pid);
  std::vector<WantedHook> wanted;
  for (const Module& module : modules.found) {
    if (module_address != 0 && (module_address < module.low || module_address >= module.high)) {
      continue;
    }
    for (const HookableFunction& entry : module.entries->allocator()) {
      const uint64_t hook_address = hooks[static_cast<size_t>(*entry.shape)];
      const uint64_t runtime_address = entry.address + module.load_bias;
      if (hook_address != 0 && runtime_address >= module.low && runtime_address < module.high) {
        wanted.push_back({&entry, file_name(module.path), runtime_address, module.low, module.high, hook_address,
                          hook_arity(*entry.shape), shadow_stack});
      }
    }
  }
  Modules libc;
  std::string nameless;
  if (!functions.empty() && module_address == 0) {
    std::vector<std::string> names;
    for (const auto& [name, hook] : functions) {
      names.push_back(name);
    }
    const auto program = std::find_if(modules.found.begin(), modules.found.end(),
                                      [](const Module& one) { return one.entries->is_static_program(); });
    const bool is_static = program != modules.found.end();
    libc = modules_of(
        pid, *maps, [&](const std::string& path) { return is_static ? path == program->path : is_libc(path); }, names);
    add_functions(libc, functions, shadow_stack, wanted);
    if (is_static && wanted.empty()) {
      nameless = fmt::format(
          "{} is statically linked and has no symbol table: its heap, the threads that it starts from now on and its "
          "children are not recorded",
          file_name(program->path));
    }
  }
  PatchPlan result;
  std::vector<RefusedHook> refused = plan_jumps(wanted, *maps, result);
  // Half of what an allocator does is better than nothing; half of what hides us from the program is not.
  const auto plain = std::stable_partition(
      refused.begin(), refused.end(), [](const RefusedHook& one) { return one.hook->function->shape.has_value(); });
  tell_refused({plain, refused.end()}, result);
  refused.erase(plain, refused.end());
  if (!refused.empty()) {
    std::vector<ModulePlace> places;
    for (const Module& module : modules.found) {
      places.push_back({module.path, module.load_bias, module.low});
    }
    plan_table_hooks(pid, refused, places, *maps, result);
  }
  if (!nameless.empty()) {
    result.refusals.push_back(nameless);
  }
  if (module_address == 0) {
    result.refusals.insert(result.refusals.end(), modules.unreadable.begin(), modules.unreadable.end());
  }
  return result;
}

Result<PatchPlan> PatchPlanner::plan_function(int32_t pid, const std::string& module_prefix, const std::string& name,
                                              uint64_t hook_address) {
  Result<ProcessMaps> maps = ProcessMaps::read(pid);
  if (!maps.ok()) {
    return maps.error();
  }
  const auto is_wanted = [&](const std::string& path) { return file_name(path).starts_with(module_prefix); };
  const Modules modules = modules_of(pid, *maps, is_wanted, {name});
  std::vector<WantedHook> wanted;
  add_functions(modules, {{name, hook_address}}, has_shadow_stack(pid), wanted);
  return plan(wanted, *maps);
}

}  // namespace flarestack
