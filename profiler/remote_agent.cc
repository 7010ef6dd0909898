// SPDX-License-Identifier: Apache-2.0
#include "profiler/remote_agent.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <fmt/format.h>

#include "profiler/held_thread.h"
#include "profiler/process_maps.h"
#include "profiler/remote_place.h"
#include "wire/patch.h"

namespace flarestack {
namespace {

constexpr uint64_t kPrepareNs = 20'000'000'000;  // the recorder may be kept from answering
constexpr uint64_t kStepNs = 5'000'000'000;

}  // namespace

Result<uint64_t> map_memory(RemoteThread& thread, uint64_t hint, size_t size_bytes) {
  const Result<int64_t> mapped = thread.syscall(
      SYS_mmap, {hint, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~uint64_t{0}, 0});
  if (!mapped.ok()) {
    return mapped.error();
  }
  return *mapped >= 0 ? Result<uint64_t>(static_cast<uint64_t>(*mapped))
                      : errno_error("the process could not get memory", static_cast<int>(-*mapped));
}

Result<void> RemoteAgent::look() {
  if (!file_) {
    Result<ImageFile> file = ImageFile::read(options_.agent_path);
    if (!file.ok()) {
      return file.error();
    }
    file_ = std::move(*file);
  }
  const Result<ProcessMaps> maps = ProcessMaps::read(options_.pid);
  if (!maps.ok()) {
    return maps.error();
  }
  // One after the other, below where the thread that is borrowed gets its page and its stack.
  constexpr uint64_t kRequestBytes = ImageFile::page_up(sizeof(AttachRequest));
  const uint64_t room =
      place_apart(*maps, file_->size_bytes + kRequestBytes + kMaxPlanBytes + HeldThread::kMappedBytes);
  hints_ = room != 0 ? Hints{room, room + file_->size_bytes, room + file_->size_bytes + kRequestBytes} : Hints{};
  image_ = find_remote_image(options_.pid, *file_);
  return {};
}

Result<void> RemoteAgent::enter_memory(RemoteThread& thread) {
  if (!image_) {
    const Result<RemoteImage> loaded = load_remote_image(thread, options_.pid, *file_, hints_.image);
    if (!loaded.ok()) {
      return loaded.error();
    }
    image_ = *loaded;
  }
  const Result<uint64_t> mapped = map_memory(thread, hints_.request, sizeof(AttachRequest));
  if (!mapped.ok()) {
    return mapped.error();
  }
  request_address_ = *mapped;
  return {};
}

void RemoteAgent::leave_memory(RemoteThread& thread) {
  if (request_address_ != 0) {
    static_cast<void>(thread.syscall(SYS_munmap, {request_address_, sizeof(AttachRequest), 0, 0, 0, 0}));
    request_address_ = 0;
  }
}

Result<AttachResult> RemoteAgent::call(RemoteThread& thread, AttachStep step) {
  request_.magic = kSessionMagic;
  request_.version = kWireVersion;
  request_.step = step;
  request_.result = {};
  options_.session_value.copy(request_.session_value, sizeof(request_.session_value) - 1);
  options_.agent_path.copy(request_.agent_path, sizeof(request_.agent_path) - 1);
  if (!thread.write(request_address_, &request_, sizeof(request_))) {
    return Error{fmt::format("process {} ended", options_.pid)};
  }
  const uint64_t limit_ns = step == AttachStep::kPrepare ? kPrepareNs : kStepNs;
  const Result<uint64_t> returned = thread.call(image_->entry, {request_address_, 0, 0}, limit_ns);
  if (!returned.ok()) {
    return returned.error();
  }
  const size_t answer_bytes = step == AttachStep::kLeave ? sizeof(request_) : offsetof(AttachRequest, threads);
  if (!thread.read(request_address_, &request_, answer_bytes)) {
    return Error{fmt::format("process {} ended", options_.pid)};
  }
  return request_.result;
}

Result<AttachResult> RemoteAgent::map_hooks(RemoteThread& thread, const std::string& plan) {
  const Result<uint64_t> mapped = map_memory(thread, hints_.plan, plan.size());
  if (!mapped.ok()) {
    return mapped.error();
  }
  if (!thread.write(*mapped, plan.data(), plan.size())) {
    return Error{fmt::format("process {} ended", options_.pid)};
  }
  request_.plan_address = *mapped;
  request_.plan_bytes = static_cast<uint32_t>(plan.size());
  return call(thread, AttachStep::kHook);
}

}  // namespace flarestack
