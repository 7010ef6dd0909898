// SPDX-License-Identifier: Apache-2.0
#include "profiler/jit_names.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/fd.h"

namespace flarestack {
namespace {

constexpr size_t kMaxBytes = 256U << 20;

// From the start, wherever the descriptor is: its writer may share it.
std::string read_from_start(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    return {};
  }
  std::string bytes(std::min(static_cast<size_t>(status.st_size), kMaxBytes), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = pread(descriptor, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (count <= 0) {
      break;
    }
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

std::string read_named(const std::string& path) {
  const Result<Fd> file = open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return file.ok() ? read_from_start(file->get()) : std::string();
}

}  // namespace

JitNames JitNames::read(int jit_dump, int32_t pid) {
  JitNames names;
  names.dump_bytes_ = std::make_unique<std::string>(jit_dump >= 0 ? read_from_start(jit_dump)
                                                                  : read_named(fmt::format("jit-{}.dump", pid)));
  names.dump_ = JitDump::parse(*names.dump_bytes_);
  if (jit_dump < 0 && names.dump_.pid() != pid) {
    names.dump_ = {};
  }
  names.map_ = PerfMap::parse(read_named(fmt::format("/tmp/perf-{}.map", pid)));
  return names;
}

std::vector<JitPlace> JitNames::resolve(std::span<const JitQuery> queries) const {
  std::vector<JitPlace> places = dump_.resolve(queries);
  for (size_t i = 0; i < places.size(); ++i) {
    if (const JitFunction* function = map_.find(queries[i].lookup); places[i].name.empty() && function != nullptr) {
      places[i].name = function->name;
    }
  }
  return places;
}

}  // namespace flarestack
