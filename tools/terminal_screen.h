// SPDX-License-Identifier: Apache-2.0
// TerminalScreen: the terminal while `flarestack top` has it: what is drawn, which keys come, how large it is. As it
// was before when the object is gone, and when the process dies of a signal that can be caught. One at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "report/live_screen.h"

namespace flarestack {

class TerminalScreen {
 public:
  // The terminal of this process, or the one that stdout is.
  static Result<TerminalScreen> open();
  // Why open() would fail; empty: it would not. Leaves the terminal alone.
  static std::string problem();
  TerminalScreen(TerminalScreen&&) noexcept;
  TerminalScreen& operator=(TerminalScreen&&) noexcept;
  ~TerminalScreen();

  void draw(const std::vector<ScreenLine>& lines);
  // A LiveKey or character that was typed; none: nothing was.
  std::optional<int> read_key();
  int descriptor() const;  // readable when there may be a key
  ScreenSize size() const;
  void take_new_size();
  // As it was before, until it is drawn to again.
  void leave();

 private:
  struct State;
  explicit TerminalScreen(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace flarestack
