// SPDX-License-Identifier: Apache-2.0
#include "tools/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include <fmt/format.h>

#include "base/terminal.h"
#include "base/text.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

constexpr int64_t kBetweenDrawsNs = 100'000'000;
constexpr size_t kBarWidth = 24;

int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

bool steers_terminal() {
  const char* terminal = std::getenv("TERM");
  return isatty(2) != 0 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

}  // namespace

Progress::Progress() : on_terminal_(steers_terminal()) {}

void Progress::show(size_t done, size_t all, const std::string& what) {
  const int64_t time_ns = now_ns();
  if (!on_terminal_ || all == 0 || (drawn_ && time_ns - drawn_ns_ < kBetweenDrawsNs)) return;
  const size_t filled = kBarWidth * std::min(done, all) / all;
  const std::string head = fmt::format("[{:<{}}] {}/{}  ", std::string(filled, '='), kBarWidth, done, all);
  const size_t width = terminal_width(2).value_or(80);
  fmt::print(stderr, "\r\x1b[K{}{}", head,
             shorten_middle(printable(what), width > head.size() + 1 ? width - head.size() - 1 : 1));
  std::fflush(stderr);
  drawn_ = true;
  drawn_ns_ = time_ns;
}

void Progress::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace flarestack
