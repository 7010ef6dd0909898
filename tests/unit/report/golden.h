// SPDX-License-Identifier: Apache-2.0
// Golden files: what a report printed when somebody last looked. UPDATE_GOLDEN=1 writes them anew, for review as a
// diff.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

namespace flarestack {

// Tests run in the source folder.
inline void check_golden(const std::string& name, const std::string& text) {
  const std::string path = "tests/unit/report/golden/" + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  INFO("run with UPDATE_GOLDEN=1 to write " << path);
  REQUIRE(file.good());
  std::ostringstream expected;
  expected << file.rdbuf();
  CHECK(text == expected.str());
}

}  // namespace flarestack
