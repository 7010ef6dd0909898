#pragma once
#include <string>
namespace flarestack {
std::string attach_refusal(int32_t pid);
}
