// SPDX-License-Identifier: Apache-2.0
#include "profiler/patch_message.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "profiler/file_size_limit.h"
#include "wire/patch.h"
#include "wire/session.h"

namespace flarestack {
namespace {

template <typename T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace

Result<std::string> encode_plan(const PatchPlan& plan) {
  static_assert(kEntryJumpBytes <= sizeof(PlannedPatch::written) &&
                kMaxDisplacedBytes <= sizeof(PlannedPatch::expected));
  size_t code_offset =
      sizeof(PatchPlanHeader) + plan.areas.size() * sizeof(PlannedArea) + plan.patches.size() * sizeof(PlannedPatch);
  size_t size_bytes = code_offset;
  for (const PatchPlan::Area& area : plan.areas) {
    size_bytes += area.code.size();
  }
  if (size_bytes > kMaxPlanBytes || plan.areas.size() > kMaxPatchAreas || plan.patches.size() > kMaxPatches) {
    return Error{"the plan of the hooks is too large"};
  }
  std::string bytes;
  append(bytes, PatchPlanHeader{kSessionMagic, kWireVersion, static_cast<uint32_t>(size_bytes),
                                static_cast<uint32_t>(plan.areas.size()), static_cast<uint32_t>(plan.patches.size())});
  for (const PatchPlan::Area& area : plan.areas) {
    append(bytes, PlannedArea{area.address, static_cast<uint32_t>(area.size_bytes), static_cast<uint32_t>(code_offset),
                              static_cast<uint32_t>(area.code.size()), 0});
    code_offset += area.code.size();
  }
  for (const PatchPlan::Patch& patch : plan.patches) {
    PlannedPatch planned{patch.address,
                         patch.function_address,
                         patch.trampoline_address,
                         patch.area,
                         static_cast<uint16_t>(patch.expected.size()),
                         static_cast<uint16_t>(patch.written.size()),
                         {},
                         {}};
    std::copy(patch.expected.begin(), patch.expected.end(), planned.expected);
    std::copy(patch.written.begin(), patch.written.end(), planned.written);
    append(bytes, planned);
  }
  for (const PatchPlan::Area& area : plan.areas) {
    bytes.append(area.code.begin(), area.code.end());
  }
  return bytes;
}

Result<PatchMessage> seal_plan(const std::string& bytes) {
  const FileSizeLimitLifted lifted;
  PatchMessage message;
  message.descriptor = Fd(memfd_create("flarestack", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!message.descriptor) {
    return errno_error("create shared memory for hooks");
  }
  if (const Result<void> written = write_all(message.descriptor.get(), bytes, "shared memory for hooks");
      !written.ok()) {
    return written.error();
  }
  fcntl(message.descriptor.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  message.size_bytes = static_cast<uint32_t>(bytes.size());
  return message;
}

}  // namespace flarestack
