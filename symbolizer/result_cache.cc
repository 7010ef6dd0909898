// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/result_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <xxhash.h>

#include "base/fd.h"
#include "symbolizer/hex.h"

namespace flarestack {
namespace {

constexpr std::string_view kMagic("FLSYMC1\n", 8);
constexpr size_t kHeaderBytes = 24;

void put_u64(std::string& out, uint64_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof bytes);
}

uint64_t get_u64(std::string_view bytes, size_t offset) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

CacheWitness CacheWitness::of(std::string path) {
  CacheWitness witness;
  struct stat status {};
  witness.exists = ::stat(path.c_str(), &status) == 0;
  witness.path = std::move(path);
  if (witness.exists) {
    witness.modified_ns = int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    witness.size_bytes = uint64_t(status.st_size);
  }
  return witness;
}

bool CacheWitness::holds() const {
  const CacheWitness now = of(path);
  return !now.exists || (exists && now.modified_ns == modified_ns && now.size_bytes == size_bytes);
}

ResultCache::ResultCache(std::string directory, uint64_t max_directory_bytes)
    : max_directory_bytes_(max_directory_bytes) {
  if (!directory.empty()) {
    directory_ = std::move(directory) + "/symbols-1";
  }
}

std::string ResultCache::path(std::span<const uint8_t> build_id) const { return directory_ + "/" + to_hex(build_id); }

std::optional<CachedModule> ResultCache::load(std::span<const uint8_t> build_id) const {
  if (directory_.empty() || build_id.empty()) {
    return std::nullopt;
  }
  const std::string file = path(build_id);
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || uint64_t(status.st_size) > kMaxFileBytes) {
    return std::nullopt;
  }
  const Result<std::string> bytes = read_file(file);
  if (!bytes.ok() || bytes->size() < kHeaderBytes || !bytes->starts_with(kMagic)) {
    return std::nullopt;
  }
  const std::string_view payload = std::string_view(*bytes).substr(kHeaderBytes);
  if (get_u64(*bytes, 16) != payload.size() || get_u64(*bytes, 8) != XXH3_64bits(payload.data(), payload.size())) {
    return std::nullopt;
  }
  std::optional<CachedModule> module =
      decode_cached_module(build_id, std::vector<uint8_t>(payload.begin(), payload.end()));
  if (!module || !std::all_of(module->witnesses.begin(), module->witnesses.end(),
                              [](const CacheWitness& witness) { return witness.holds(); })) {
    return std::nullopt;
  }
  ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0);  // used now: trim() removes the others first
  return module;
}

void ResultCache::store(std::span<const uint8_t> build_id, const CachedModule& module) const {
  if (directory_.empty() || build_id.empty()) {
    return;
  }
  const std::string payload = encode_cached_module(build_id, module);
  if (payload.size() + kHeaderBytes > kMaxFileBytes) {
    return;
  }
  std::error_code error;
  if (std::filesystem::create_directories(directory_, error)) {
    ::chmod(directory_.c_str(), 0700);  // names and paths of programs are their user's business
  }
  std::string bytes(kMagic);
  put_u64(bytes, XXH3_64bits(payload.data(), payload.size()));
  put_u64(bytes, payload.size());
  bytes += payload;
  if (write_file(path(build_id), bytes, 0600).ok()) {
    trim();
  }
}

void ResultCache::trim() const {
  struct Entry {
    std::filesystem::file_time_type used;
    uint64_t size_bytes = 0;
    std::filesystem::path path;
  };
  std::vector<Entry> entries;
  uint64_t total = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator file(directory_, error), end; !error && file != end; file.increment(error)) {
    std::error_code ignored;  // another process may have removed it
    const uint64_t size_bytes = file->file_size(ignored);
    if (!ignored) {
      entries.push_back({file->last_write_time(ignored), size_bytes, file->path()});
      total += size_bytes;
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& left, const Entry& right) { return left.used < right.used; });
  for (size_t i = 0; total > max_directory_bytes_ && i < entries.size(); ++i) {
    std::filesystem::remove(entries[i].path, error);
    total -= entries[i].size_bytes;
  }
}

}  // namespace flarestack
