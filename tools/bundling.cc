// SPDX-License-Identifier: Apache-2.0
#include "tools/bundling.h"

#include <sys/stat.h>

#include <map>

#include <fmt/format.h>

#include "model/loaded_trace.h"
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
      built_ns_[module.path] = built_ns(*parts);
      for (const ModulePart& part : *parts) {
        if (Result<void> added = add(part.kind, part.path, part.id, part.file.get()); !added.ok()) {
          return added;
        }
      }
    }
    return {};
  }

  // The source files of the profile's functions. One that is younger than a module which was made from it has other
  // lines now.
  Result<void> add_sources(const Profile& profile) {
    std::map<std::string, int64_t> latest_ns;
    for (const Location& location : profile.locations) {
      const auto built = built_ns_.find(profile.functions[location.function].module_path);
      const int64_t time_ns = built == built_ns_.end() ? INT64_MAX : built->second;
      int64_t& latest = latest_ns.try_emplace(profile.files[location.file], time_ns).first->second;
      latest = std::min(latest, time_ns);
    }
    for (const auto& [path, time_ns] : latest_ns) {
      const Result<Fd> file = path.starts_with('/') ? open_regular_file(path) : Result<Fd>(Error{});
      struct stat status {};
      if (!file.ok() || fstat(file->get(), &status) != 0 ||
          status.st_size > std::min(kMaxSourceBytes, sources_left_bytes_)) {
        continue;
      }
      if (modified_ns(status) > time_ns) {
        outcome_.missing.push_back(path + " changed since the program was built: it is younger than the program");
        continue;
      }
      sources_left_bytes_ -= status.st_size;
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
  static int64_t modified_ns(const struct stat& status) {
    return int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  }
  // Of the file and its debug file the older one.
  static int64_t built_ns(const std::vector<ModulePart>& parts) {
    int64_t time_ns = INT64_MAX;
    for (const ModulePart& part : parts) {
      struct stat status {};
      const bool is_built_with_it = part.kind == BundledKind::kModule || part.kind == BundledKind::kDebugFile;
      if (is_built_with_it && fstat(part.file.get(), &status) == 0) {
        time_ns = std::min(time_ns, modified_ns(status));
      }
    }
    return time_ns;
  }

  BundleWriter writer_;
  BundleOutcome outcome_;
  std::map<std::string, int64_t> built_ns_;  // by the path of a module
  int64_t sources_left_bytes_ = kMaxSourcesBytes;
};

}  // namespace

Result<BundleOutcome> bundle_trace(const std::string& trace_path, bool may_lack_end) {
  Result<LoadedTrace> trace = LoadedTrace::open(trace_path);
  if (!trace.ok()) {
    return trace.error();
  }
  ProfileOptions options;
  options.metric = trace->default_metric();
  const Result<Profile> profile = trace->profile(options);
  if (!profile.ok()) {
    return profile.error();
  }
  Result<BundleWriter> writer = BundleWriter::append_to(trace_path, may_lack_end);
  if (!writer.ok()) {
    return writer.error();
  }
  Bundling bundling(std::move(*writer));
  Result<void> added = bundling.add_modules(profile->recording);
  if (added.ok()) {
    added = bundling.add_sources(*profile);
  }
  if (added.ok() && profile->recording.has_heap() && options.metric != Metric::kAllocated) {
    options.metric = Metric::kAllocated;
    if (const Result<Profile> heap = trace->profile(options); heap.ok()) {
      added = bundling.add_sources(*heap);
    }
  }
  if (!added.ok()) {
    return added.error();
  }
  return bundling.take();
}

void tell_missing(const BundleOutcome& outcome) {
  for (const std::string& sentence : outcome.missing) {
    fmt::print(stderr, "flarestack: not in the bundle: {}\n", sentence);
  }
}

}  // namespace flarestack
