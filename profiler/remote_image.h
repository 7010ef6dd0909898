#pragma once
#include <optional>
#include <string>
#include "base/result.h"
#include "profiler/remote_thread.h"
namespace flarestack {
struct RemoteImage { uint64_t base = 0; uint64_t entry = 0; uint64_t size_bytes = 0; };
Result<RemoteImage> load_remote_image(RemoteThread& thread, int32_t pid, const std::string& path, uint64_t address_hint);
std::optional<RemoteImage> find_remote_image(int32_t pid, const std::string& path);
}
