// SPDX-License-Identifier: Apache-2.0
// std::function, std::any, std::variant and optional that hold blocks, static and lost.
#include <any>
#include <array>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "corpus.h"

static std::function<int()>* function;
std::any* any;

SITE void site_function() {
  std::array<int, 30> numbers{};
  function = new std::function<int()>([numbers] { return numbers[3]; });
}
SITE void site_any() { any = new std::any(std::vector<int>(20)); }
SITE void site_lost() { escape(new std::variant<int, std::vector<int>>(std::vector<int>(9))); }
SITE void site_optional() { escape(new std::optional<std::vector<int>>(std::vector<int>(8))); }

static void body() {
  site_function();
  site_any();
  site_lost();
  site_optional();
}

int main() {
  run(body);
  return 0;
}
