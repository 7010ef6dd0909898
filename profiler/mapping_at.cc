// SPDX-License-Identifier: Apache-2.0
#include "profiler/mapping_at.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/process_maps.h"

namespace flarestack {
namespace {

// PROCMAP_QUERY of linux/fs.h, Linux 6.11, which Debian 12's headers do not have.
struct MapQuery {
  uint64_t size_bytes = 0;
  uint64_t query_flags = 0;
  uint64_t address = 0;
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t flags = 0;
  uint64_t page_bytes = 0;
  uint64_t file_offset = 0;
  uint64_t inode = 0;
  uint32_t device_major = 0;
  uint32_t device_minor = 0;
  uint32_t name_bytes = 0;
  uint32_t build_id_bytes = 0;
  uint64_t name_address = 0;
  uint64_t build_id_address = 0;
};
static_assert(sizeof(MapQuery) == 104);
constexpr unsigned long kMapQuery = _IOWR('f', 17, MapQuery);
constexpr uint64_t kWritable = 2;

}  // namespace

std::optional<MappedRange> mapping_at(int32_t pid, uint64_t address) {
  const Result<Fd> file = open_file(fmt::format("/proc/{}/maps", pid), O_RDONLY);
  MapQuery query;
  query.size_bytes = sizeof query;
  query.address = address;
  if (file.ok() && ioctl(file->get(), kMapQuery, &query) == 0) {
    return MappedRange{query.start, query.end, (query.flags & kWritable) != 0};
  }
  if (file.ok() && errno == ENOENT) {
    return std::nullopt;
  }
  const Result<ProcessMaps> maps = ProcessMaps::read(pid);
  for (const ProcessMaps::Mapping& mapping : maps.ok() ? maps->mappings() : std::vector<ProcessMaps::Mapping>()) {
    if (mapping.start <= address && address < mapping.end) {
      return MappedRange{mapping.start, mapping.end, mapping.writable};
    }
  }
  return std::nullopt;
}

}  // namespace flarestack
