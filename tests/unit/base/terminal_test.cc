// SPDX-License-Identifier: Apache-2.0
#include "base/terminal.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>

#include <cstdlib>
#include <string>

#include <catch2/catch.hpp>

#include "base/fd.h"

namespace flarestack {
namespace {

// Sets a variable (or removes it, for nullptr) until the end of the scope.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    const char* old_value = std::getenv(name);
    had_value_ = old_value != nullptr;
    if (had_value_) old_value_ = old_value;
    set(value);
  }
  ~ScopedVariable() { set(had_value_ ? old_value_.c_str() : nullptr); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  void set(const char* value) const {
    if (value == nullptr) {
      unsetenv(name_);
    } else {
      setenv(name_, value, 1);
    }
  }
  const char* name_;
  bool had_value_;
  std::string old_value_;
};

struct Terminal {
  Fd controller;
  Fd side;
};

Terminal open_terminal(unsigned short columns) {
  struct winsize size {};
  size.ws_row = 24;
  size.ws_col = columns;
  int controller = -1;
  int side = -1;
  REQUIRE(openpty(&controller, &side, nullptr, nullptr, &size) == 0);
  return {Fd(controller), Fd(side)};
}

TEST_CASE("a terminal wants colour and knows its width") {
  Terminal terminal = open_terminal(132);
  ScopedVariable no_color("NO_COLOR", nullptr);
  ScopedVariable term("TERM", "xterm");
  REQUIRE(wants_colour(terminal.side.get()));
  REQUIRE(terminal_width(terminal.side.get()) == 132);
}

TEST_CASE("NO_COLOR, a dumb terminal and an unknown one turn colour off; an empty NO_COLOR does not") {
  Terminal terminal = open_terminal(80);
  ScopedVariable term("TERM", "xterm");
  {
    ScopedVariable no_color("NO_COLOR", "1");
    REQUIRE_FALSE(wants_colour(terminal.side.get()));
  }
  ScopedVariable no_color("NO_COLOR", "");
  REQUIRE(wants_colour(terminal.side.get()));
  {
    ScopedVariable dumb("TERM", "dumb");
    REQUIRE_FALSE(wants_colour(terminal.side.get()));
  }
  ScopedVariable unset("TERM", nullptr);
  REQUIRE_FALSE(wants_colour(terminal.side.get()));
}

TEST_CASE("a file has neither colour nor width, and a terminal of no columns has no width") {
  Result<Fd> null = open_file("/dev/null", O_RDWR);
  REQUIRE(null.ok());
  REQUIRE_FALSE(wants_colour(null->get()));
  REQUIRE_FALSE(terminal_width(null->get()).has_value());
  Terminal terminal = open_terminal(0);
  REQUIRE_FALSE(terminal_width(terminal.side.get()).has_value());
}

}  // namespace
}  // namespace flarestack
