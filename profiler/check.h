// SPDX-License-Identifier: Apache-2.0
// Check: one finding of `doctor`. Recorder side.
#pragma once

#include <string>
#include <utility>

namespace flarestack {

enum class Outcome {
  kOk,
  kWarning,  // recording works, but with less precision, or not in the case that the sentence names
  kProblem,  // recording does not work
};

struct Check {
  std::string name;  // stable, for scripts: "perf_event"
  Outcome outcome = Outcome::kOk;
  std::string sentence;
  std::string command;  // what to type to change it; empty where there is nothing to do or nothing that helps
};

inline Check ok_check(std::string name, std::string sentence, std::string command = {}) {
  return {std::move(name), Outcome::kOk, std::move(sentence), std::move(command)};
}

inline Check warning_check(std::string name, std::string sentence, std::string command = {}) {
  return {std::move(name), Outcome::kWarning, std::move(sentence), std::move(command)};
}

inline Check problem_check(std::string name, std::string sentence, std::string command = {}) {
  return {std::move(name), Outcome::kProblem, std::move(sentence), std::move(command)};
}

}  // namespace flarestack
