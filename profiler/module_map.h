// SPDX-License-Identifier: Apache-2.0
// ModuleMap: which module covered an address of one process at which generation of its module list. Recorder side.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/ids.h"

namespace flarestack {

class ModuleMap {
 public:
  struct Segment {
    uint32_t agent_id = 0;  // the agent's number of the module
    uint64_t text_start = 0;
    uint64_t text_end = 0;
    uint64_t load_bias = 0;
    ModuleId module;
    std::string path;
    std::vector<uint8_t> build_id;
    bool is_agent = false;          // our own code: its frames are left out of stacks
    uint32_t added = 0;             // present from this generation
    uint32_t removed = UINT32_MAX;  // to before this one
  };

  void add(Segment segment);
  void remove(uint32_t agent_id, uint32_t generation);

  // The segment that covered the address, or nullptr. Borrowed until the next add() or forget_before().
  const Segment* find(RuntimeAddress address, uint32_t generation) const;

  // The segment of a module that is present now, by its file and an address of its data: the nearest one below.
  // nullptr: none. Borrowed as the above.
  const Segment* find_by_path(std::string_view path, uint64_t data_address) const;

  // Forgets segments that were gone at `generation`: no sample can name them any more.
  void forget_before(uint32_t generation);

  const std::vector<Segment>& segments() const { return segments_; }
  // Changes whenever segments() does.
  uint64_t version() const { return version_; }

 private:
  uint64_t version_ = 0;
  std::vector<Segment> segments_;
};

}  // namespace flarestack
