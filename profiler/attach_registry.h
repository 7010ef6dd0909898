// SPDX-License-Identifier: Apache-2.0
// Which process is being recorded by attaching, and by whom: a small file of the user's own, as long as that lasts, so
// that `detach PID` and `leaks --now PID` find the recorder. Recorder side.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace flarestack {

// Tells that a process is about to be recorded, and once published that it is, while it lives. A file that cannot be
// written is no reason not to record.
class AttachAnnouncement {
 public:
  explicit AttachAnnouncement(int32_t pid);
  ~AttachAnnouncement();
  AttachAnnouncement(const AttachAnnouncement&) = delete;
  AttachAnnouncement& operator=(const AttachAnnouncement&) = delete;

  // The process's last recorder was killed, and may have left its hooks behind.
  bool is_lost() const { return is_lost_; }

  void publish(const std::string& session_value);

 private:
  std::string path_;
  std::string beginning_path_;
  bool is_lost_ = false;
  bool is_published_ = false;
};

// The session of a process that is being recorded by attaching; empty: it is not.
std::string attached_session_of(int32_t pid);

// Asks the recorder of the process to stop, and waits until it has. False: there is none, or it ended long ago. Error:
// it goes on.
Result<bool> stop_recorder_of(int32_t pid);

}  // namespace flarestack
