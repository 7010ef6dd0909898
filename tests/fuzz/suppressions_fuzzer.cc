// SPDX-License-Identifier: Apache-2.0
// links: flarestack_model
// A suppression file of any content, matched against stacks that its own text makes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "model/suppressions.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flarestack;  // NOLINT: a fuzzer's entry point lies outside
  const std::string text(reinterpret_cast<const char*>(data), size);
  Suppressions suppressions;
  const Result<void> added = suppressions.add(text, "f.supp");
  if (!added.ok()) {
    const std::string& message = added.error().message;
    if (!message.starts_with("f.supp:") || message.find('\n') != std::string::npos || !suppressions.entries().empty())
      std::abort();
    return 0;
  }
  std::vector<SuppressibleFrame> stack;
  for (size_t begin = 0; begin < text.size() && stack.size() < 64; begin += 1 + stack.size()) {
    const std::string_view part = std::string_view(text).substr(begin, 40);
    stack.push_back({part, part.substr(part.size() / 2), part, part, static_cast<uint32_t>(begin), begin % 2 == 0});
  }
  for (uint8_t verdict = 0; verdict < 4; ++verdict) {
    const auto found = suppressions.find(stack, static_cast<LeakVerdict>(verdict));
    if (found && *found >= suppressions.entries().size()) std::abort();
  }
  // A name matches itself where it has no wildcard, and "*" matches everything.
  for (const SuppressibleFrame& frame : stack) {
    static_cast<void>(bare_name(frame.function));
    if (!wildcard_match("*", frame.function)) std::abort();
    if (frame.function.find_first_of("*?") == std::string::npos && !wildcard_match(frame.function, frame.function))
      std::abort();
    static_cast<void>(template_match(text, frame.function));
  }
  return 0;
}
