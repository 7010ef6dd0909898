#include "profiler/attach_check.h"
namespace flarestack {
std::string attach_refusal(int32_t) { return ""; }
}  // namespace flarestack
