// SPDX-License-Identifier: Apache-2.0
// RemoteAgent: the agent in a process that no loader brings it into, and the request by which its steps are called
// (wire/attach.h). Recorder side; system calls and functions are made by the thread that is passed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "profiler/image_file.h"
#include "profiler/remote_image.h"
#include "profiler/remote_thread.h"
#include "wire/attach.h"

namespace flarestack {

struct AttachOptions {
  int32_t pid = 0;
  std::string agent_path;
  std::string session_value;
  uint32_t sample_signal = 0;
};

class RemoteAgent {
 public:
  explicit RemoteAgent(AttachOptions options) : options_(std::move(options)) {}

  const AttachOptions& options() const { return options_; }
  // Sent with each call, and what the agent has answered with.
  AttachRequest& request() { return request_; }

  // What can be done about the agent's place before a thread is taken. Error: the process is gone, or there is no
  // agent.
  Result<void> look();
  // As look() has seen it, or since enter_memory().
  bool is_there() const { return image_.has_value(); }
  // Maps the agent, unless it is there, and room for the request.
  Result<void> enter_memory(RemoteThread& thread);
  bool is_in_memory() const { return request_address_ != 0; }
  // Gives the memory of the request back.
  void leave_memory(RemoteThread& thread);

  Result<AttachResult> call(RemoteThread& thread, AttachStep step);
  // kHook with this plan (wire/patch.h; not empty).
  Result<AttachResult> map_hooks(RemoteThread& thread, const std::string& plan);

 private:
  AttachOptions options_;
  std::optional<ImageFile> file_;  // the agent's
  struct Hints {                   // where memory of ours goes; 0: the kernel's choice
    uint64_t image = 0;
    uint64_t request = 0;
    uint64_t plan = 0;
  } hints_;
  std::optional<RemoteImage> image_;
  uint64_t request_address_ = 0;
  AttachRequest request_{};
};

// Memory to read and write in the process of the thread. `hint` 0: the kernel's choice.
Result<uint64_t> map_memory(RemoteThread& thread, uint64_t hint, size_t size_bytes);

}  // namespace flarestack
