// SPDX-License-Identifier: Apache-2.0
#include "profiler/table_hooks.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/inline_hook.h"
#include "profiler/symbol_bindings.h"
#include "wire/patch.h"

namespace flarestack {
namespace {

constexpr uint64_t kPageBytes = 4096;

template <typename Bytes>
Bytes bytes_of(uint64_t value) {
  Bytes bytes(sizeof(value));
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

Result<Fd> open_module(int32_t pid, const ProcessMaps& maps, uint64_t low) {
  for (const ProcessMaps::Mapping& mapping : maps.mappings()) {
    if (mapping.start == low) {
      return ProcessMaps::open_file_of(pid, mapping);
    }
  }
  return Error{"it is not mapped any more"};
}

// Near the module if there is room, else anywhere: nothing in the code depends on it.
std::optional<uint64_t> place_for(ProcessMaps& maps, const WantedHook& hook, uint64_t size_bytes) {
  std::optional<uint64_t> place = maps.take_near(hook.module_low, hook.module_high, size_bytes);
  for (size_t i = 0; !place && i < maps.mappings().size(); ++i) {
    const ProcessMaps::Mapping& mapping = maps.mappings()[i];
    place = maps.take_near(mapping.start, mapping.end, size_bytes);
  }
  return place;
}

// The hooks of one module.
class ModuleTables {
 public:
  ModuleTables(int32_t pid, std::vector<RefusedHook> refused, ProcessMaps& maps, PatchPlan& plan)
      : pid_(pid), refused_(std::move(refused)), maps_(maps), plan_(plan) {}

  void plan(const std::vector<ModulePlace>& modules) {
    find_names();
    drop_unnamed();
    if (refused_.empty() || !make_area()) {
      return;
    }
    for (const ExportedName& name : names_) {
      const uint64_t value = stubs_.at(name.function_address) - load_bias();
      add(name.function_address, load_bias() + name.value_address, name.function_address, value);
    }
    for (const ModulePlace& module : modules) {
      add_slots(module);
    }
    for (const RefusedHook& one : refused_) {
      plan_.refusals.push_back(
          fmt::format("{0} of {1} is hooked where other modules call it by its name, not at its entry ({2}): calls "
                      "inside {1}, and by addresses that were kept from before, are not seen",
                      one.hook->function->name, one.hook->module_name, one.reason));
    }
  }

 private:
  const WantedHook& any() const { return *refused_.front().hook; }
  uint64_t load_bias() const { return any().runtime_address - any().function->address; }

  void refuse(const RefusedHook& one, const std::string& reason) {
    plan_.refusals.push_back(
        fmt::format("{} of {} is not hooked: {}", one.hook->function->name, one.hook->module_name, reason));
  }

  void find_names() {
    std::set<uint64_t> addresses;
    for (const RefusedHook& one : refused_) {
      addresses.insert(one.hook->function->address);
    }
    if (const Result<Fd> file = open_module(pid_, maps_, any().module_low); file.ok()) {
      names_ = exported_names(file->get(), addresses);
    }
  }

  void drop_unnamed() {
    std::erase_if(refused_, [&](const RefusedHook& one) {
      const bool is_named = std::any_of(names_.begin(), names_.end(), [&](const ExportedName& name) {
        return name.function_address == one.hook->function->address;
      });
      if (!is_named) {
        refuse(one, one.reason);
      }
      return !is_named;
    });
  }

  bool make_area() {
    const uint64_t size_bytes = (refused_.size() * kHookCodeBytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    const std::optional<uint64_t> place =
        plan_.areas.size() < kMaxPatchAreas ? place_for(maps_, any(), size_bytes) : std::nullopt;
    if (!place) {
      for (const RefusedHook& one : refused_) {
        refuse(one, "there is no memory for it");
      }
      return false;
    }
    PatchPlan::Area area;
    area.address = *place;
    area.size_bytes = size_bytes;
    for (const RefusedHook& one : refused_) {
      const WantedHook& hook = *one.hook;
      const uint64_t stub = area.address + area.code.size();
      HookCode code = build_table_hook({hook.runtime_address, stub, hook.hook_address, hook.arity});
      code.code.resize(kHookCodeBytes, 0xcc);
      area.code.insert(area.code.end(), code.code.begin(), code.code.end());
      stubs_.emplace(hook.function->address, stub);
      trampolines_.emplace(hook.function->address, code.trampoline_address);
    }
    plan_.areas.push_back(std::move(area));
    return true;
  }

  void add_slots(const ModulePlace& module) {
    std::set<std::string, std::less<>> wanted;
    for (const ExportedName& name : names_) {
      wanted.insert(name.name);
    }
    std::set<uint64_t> own;
    if (module.low == any().module_low) {
      for (const RefusedHook& one : refused_) {
        own.insert(one.hook->function->address);
      }
    }
    const Result<Fd> file = open_module(pid_, maps_, module.low);
    if (!file.ok()) {
      return;
    }
    for (const BoundSlot& slot : bound_slots(file->get(), wanted, own)) {
      for (const auto& [function, stub] : stubs_) {
        const bool leads_there =
            slot.name.empty() ? slot.function_address == function
                              : std::any_of(names_.begin(), names_.end(), [&, at = function](const ExportedName& name) {
                                  return name.function_address == at && name.name == slot.name;
                                });
        if (leads_there) {
          // If it holds another module's function of this name, or none yet, it is left alone.
          add(function, module.load_bias + slot.slot_address, load_bias() + function, stub);
        }
      }
    }
  }

  // A place that leads to the function leads to its stub from then on.
  void add(uint64_t function, uint64_t address, uint64_t present, uint64_t value) {
    if (plan_.patches.size() == kMaxPatches) {
      return;
    }
    PatchPlan::Patch patch;
    patch.address = address;
    patch.function_address = stubs_.at(function);
    patch.trampoline_address = trampolines_.at(function);
    patch.area = static_cast<uint32_t>(plan_.areas.size() - 1);
    patch.expected = bytes_of<std::vector<uint8_t>>(present);
    patch.written = bytes_of<std::vector<uint8_t>>(value);
    plan_.patches.push_back(std::move(patch));
  }

  int32_t pid_;
  std::vector<RefusedHook> refused_;
  ProcessMaps& maps_;
  PatchPlan& plan_;
  std::vector<ExportedName> names_;
  std::map<uint64_t, uint64_t> stubs_;  // by the function's address in the file
  std::map<uint64_t, uint64_t> trampolines_;
};

}  // namespace

void plan_table_hooks(int32_t pid, const std::vector<RefusedHook>& refused, const std::vector<ModulePlace>& modules,
                      ProcessMaps& maps, PatchPlan& plan) {
  std::map<uint64_t, std::vector<RefusedHook>> by_module;
  for (const RefusedHook& one : refused) {
    by_module[one.hook->module_low].push_back(one);
  }
  for (auto& [low, hooks] : by_module) {
    ModuleTables(pid, std::move(hooks), maps, plan).plan(modules);
  }
}

}  // namespace flarestack
