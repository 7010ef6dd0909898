// SPDX-License-Identifier: Apache-2.0
// LoadedTrace: a trace that was read once, from which profiles are made: by time and by heap, whole or filtered. They
// share its recording, and the answers of one symbolizer. Offline side; one thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "model/profile.h"

namespace flarestack {

class LoadedTrace {
 public:
  // Reads the whole trace. Error: as TraceReader::open.
  static Result<LoadedTrace> open(const std::string& path);
  LoadedTrace(LoadedTrace&&) noexcept;
  LoadedTrace& operator=(LoadedTrace&&) noexcept;
  ~LoadedTrace();

  const Recording& recording() const;
  // What it is read for where nobody says: the clock it was recorded with, or without one its heap.
  Metric default_metric() const;
  // Symbolized with the default cache. Error: as build_profile().
  Result<Profile> profile(const ProfileOptions& options);

 private:
  struct State;
  explicit LoadedTrace(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The one profile that is wanted of a trace. Error: as LoadedTrace's.
Result<Profile> load_profile(const std::string& path, const ProfileOptions& options);

}  // namespace flarestack
