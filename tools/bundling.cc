// SPDX-License-Identifier: Apache-2.0
#include "tools/bundling.h"

#include <sys/stat.h>

#include <cstdlib>
#include <set>

#include <fmt/format.h>

#include "model/profile.h"
#include "symbolizer/module_parts.h"
#include "symbolizer/regular_file.h"
#include "tools/reading_options.h"
#include "trace/bundle.h"

namespace flarestack {
namespace {

// Of one source file, and of all: sources are a convenience, and must not outgrow what the trace cannot do without.
constexpr int64_t kMaxSourceBytes = 8 << 20;
constexpr int64_t kMaxSourcesBytes = 256 << 20;

class Bundling {
 public:
  explicit Bundling(BundleWriter writer) : writer_(std::move(writer)) {}

  Result<void> add(BundledKind kind, const std::string& path, const std::vector<uint8_t>& id, int file) {
    const Result<bool> added = writer_.add(kind, path, id, file);
    if (!added.ok()) {
      return added.error();
    }
    outcome_.files += *added ? 1 : 0;
    return {};
  }

  Result<void> add_modules(const Recording& recording) {
    std::vector<bool> used(recording.modules.size());
    for (const RecordedFrame& frame : recording.frames) {
      if (frame.module < used.size()) {
        used[frame.module] = true;
      }
    }
    for (size_t i = 0; i < used.size(); ++i) {
      const Module& module = recording.modules[i];
      if (!used[i]) {
        continue;
      }
      Result<std::vector<ModulePart>> parts =
          module_parts({module.id, module.path, module.build_id}, SymbolizerOptions().debug_directories);
      if (!parts.ok()) {
        outcome_.missing.push_back(parts.error().message);
        continue;
      }
      for (const ModulePart& part : *parts) {
        if (Result<void> added = add(part.kind, part.path, part.id, part.file.get()); !added.ok()) {
          return added;
        }
      }
    }
    return {};
  }

  Result<void> add_sources(const std::set<std::string>& paths) {
    int64_t left_bytes = kMaxSourcesBytes;
    for (const std::string& path : paths) {
      const Result<Fd> file = path.starts_with('/') ? open_regular_file(path) : Result<Fd>(Error{});
      struct stat status {};
      if (!file.ok() || fstat(file->get(), &status) != 0 || status.st_size > std::min(kMaxSourceBytes, left_bytes)) {
        continue;
      }
      left_bytes -= status.st_size;
      if (Result<void> added = add(BundledKind::kSource, path, {}, file->get()); !added.ok()) {
        return added;
      }
    }
    return {};
  }

  BundleOutcome take() {
    outcome_.bytes_written = writer_.bytes_written();
    return std::move(outcome_);
  }

 private:
  BundleWriter writer_;
  BundleOutcome outcome_;
};

}  // namespace

Result<BundleOutcome> bundle_trace(const std::string& trace_path, bool may_lack_end) {
  ProfileOptions options;
  options.metric = default_metric(trace_path);
  const Result<Profile> profile = load_profile(trace_path, options);
  if (!profile.ok()) {
    return profile.error();
  }
  std::set<std::string> sources(profile->files.begin(), profile->files.end());
  if (profile->recording.has_heap()) {
    options.metric = Metric::kAllocated;
    if (const Result<Profile> heap = load_profile(trace_path, options); heap.ok()) {
      sources.insert(heap->files.begin(), heap->files.end());
    }
  }
  Result<BundleWriter> writer = BundleWriter::append_to(trace_path, may_lack_end);
  if (!writer.ok()) {
    return writer.error();
  }
  Bundling bundling(std::move(*writer));
  for (const Result<void>& added : {bundling.add_modules(profile->recording), bundling.add_sources(sources)}) {
    if (!added.ok()) {
      return added.error();
    }
  }
  return bundling.take();
}

void tell_missing(const BundleOutcome& outcome) {
  for (const std::string& sentence : outcome.missing) {
    fmt::print(stderr, "flarestack: not in the bundle: {}\n", sentence);
  }
}

}  // namespace flarestack
