// SPDX-License-Identifier: Apache-2.0
// Problem: a screen that is drawn anew each second must work on whatever terminal there is, and must not flicker.
// Options: control sequences of our own, or ncurses. Choice: ncurses (wide), which knows the terminals and their keys,
// sends only what has changed, and is on every Debian; what it costs is 0.3 ms at the start of each command.
#include "tools/terminal_screen.h"

// Their macros would be everybody's names: clear, erase, move, lines.
#define NCURSES_NOMACROS
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <term.h>
#undef lines
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/terminal.h"

namespace flarestack {
namespace {

constexpr std::array<int, 6> kFatalSignals = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};

// What a handler of a fatal signal needs, in place before it can run.
struct Rescue {
  int descriptor = -1;
  termios modes{};
  std::array<char, 256> farewell{};
  size_t farewell_size = 0;
};
Rescue g_rescue;

void give_back_terminal(int signal) {
  if (write(g_rescue.descriptor, g_rescue.farewell.data(), g_rescue.farewell_size) < 0) {
  }
  tcsetattr(g_rescue.descriptor, TCSANOW, &g_rescue.modes);
  std::signal(signal, SIG_DFL);
  raise(signal);
}

std::string_view capability(const char* name) {
  const char* text = tigetstr(const_cast<char*>(name));
  return text == nullptr || text == reinterpret_cast<const char*>(-1) ? std::string_view() : std::string_view(text);
}

void prepare_rescue(int descriptor, const termios& modes) {
  g_rescue.descriptor = descriptor;
  g_rescue.modes = modes;
  g_rescue.farewell_size = 0;
  for (const char* name : {"sgr0", "rmkx", "rmcup", "cnorm"}) {
    for (const char each : capability(name)) {
      if (g_rescue.farewell_size < g_rescue.farewell.size()) g_rescue.farewell[g_rescue.farewell_size++] = each;
    }
  }
  for (const int signal : kFatalSignals) std::signal(signal, give_back_terminal);
}

Result<Fd> open_terminal() {
  Result<Fd> terminal = open_file("/dev/tty", O_RDWR);
  return terminal.ok() ? std::move(terminal) : open_file("/proc/self/fd/1", O_RDWR);
}

enum Pair : short { kRed = 1, kYellow, kCyan };

int attributes_of(ScreenStyle style, bool colour) {
  const auto in = [colour](Pair pair) { return colour ? static_cast<int>(COLOR_PAIR(pair)) : 0; };
  switch (style) {
    case ScreenStyle::kPlain:
      return 0;
    case ScreenStyle::kBold:
      return static_cast<int>(A_BOLD);
    case ScreenStyle::kDim:
      return static_cast<int>(A_DIM);
    case ScreenStyle::kHeading:
      return static_cast<int>(A_REVERSE) | in(kCyan);
    case ScreenStyle::kSelected:
      return static_cast<int>(A_REVERSE | A_BOLD);
    case ScreenStyle::kHot:
      return static_cast<int>(A_BOLD) | in(kRed);
    case ScreenStyle::kWarm:
    case ScreenStyle::kNote:
      return in(kYellow);
  }
  return 0;
}

// Of function keys; 0: one that means nothing here.
int key_of(wint_t code) {
  switch (code) {
    case KEY_UP:
      return kKeyUp;
    case KEY_DOWN:
      return kKeyDown;
    case KEY_LEFT:
      return kKeyLeft;
    case KEY_RIGHT:
      return kKeyRight;
    case KEY_PPAGE:
      return kKeyPageUp;
    case KEY_NPAGE:
      return kKeyPageDown;
    case KEY_HOME:
      return kKeyHome;
    case KEY_END:
      return kKeyEnd;
    case KEY_ENTER:
      return kKeyEnter;
    case KEY_BACKSPACE:
      return kKeyBackspace;
    default:
      return 0;
  }
}

// For a terminal that has no other characters.
std::string as_ascii(std::string_view text) {
  std::string ascii;
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte < 0x80) {
      ascii += each;
    } else if ((byte & 0xC0) != 0x80) {
      ascii += '?';
    }
  }
  return ascii;
}

struct CloseFile {
  void operator()(FILE* file) const { std::fclose(file); }
};

}  // namespace

struct TerminalScreen::State {
  std::unique_ptr<FILE, CloseFile> file;
  SCREEN* screen = nullptr;
  bool colour = false;
  bool unicode = false;

  ~State() {
    if (screen == nullptr) return;
    endwin();
    for (const int signal : kFatalSignals) std::signal(signal, SIG_DFL);
    delscreen(screen);
  }
};

std::string TerminalScreen::problem() {
  const Result<Fd> terminal = open_terminal();
  if (!terminal.ok() || isatty(terminal->get()) == 0) return "there is no terminal";
  int error = 0;
  if (setupterm(nullptr, terminal->get(), &error) != OK) {
    const char* name = std::getenv("TERM");
    return fmt::format("nothing is known of a terminal of the kind TERM={}", name == nullptr ? "" : name);
  }
  if (capability("cup").empty()) return "the terminal has no way to move its cursor";
  return {};
}

Result<TerminalScreen> TerminalScreen::open() {
  Result<Fd> terminal = open_terminal();
  termios modes{};
  if (!terminal.ok() || tcgetattr(terminal->get(), &modes) != 0) return Error{"there is no terminal"};
  std::setlocale(LC_CTYPE, "");
  auto state = std::make_unique<State>();
  const int descriptor = terminal->get();
  state->file.reset(fdopen(terminal->release(), "r+"));
  state->screen = newterm(nullptr, state->file.get(), state->file.get());
  if (state->screen == nullptr) return Error{problem()};
  prepare_rescue(descriptor, modes);
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(25);  // ms: what Escape waits for, lest it be the start of another key
  curs_set(0);
  state->unicode = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
  state->colour = wants_colour(descriptor) && has_colors();
  if (state->colour) {
    start_color();
    use_default_colors();
    init_pair(kRed, COLOR_RED, -1);
    init_pair(kYellow, COLOR_YELLOW, -1);
    init_pair(kCyan, COLOR_CYAN, -1);
  }
  return TerminalScreen(std::move(state));
}

TerminalScreen::TerminalScreen(std::unique_ptr<State> state) : state_(std::move(state)) {}
TerminalScreen::TerminalScreen(TerminalScreen&&) noexcept = default;
TerminalScreen& TerminalScreen::operator=(TerminalScreen&&) noexcept = default;
TerminalScreen::~TerminalScreen() = default;

void TerminalScreen::draw(const std::vector<ScreenLine>& lines) {
  erase();
  for (size_t y = 0; y < lines.size(); ++y) {
    move(static_cast<int>(y), 0);
    for (const ScreenSpan& span : lines[y]) {
      attrset(attributes_of(span.style, state_->colour));
      addstr(state_->unicode ? span.text.c_str() : as_ascii(span.text).c_str());
    }
  }
  attrset(0);
  refresh();
}

std::optional<int> TerminalScreen::read_key() {
  wint_t code = 0;
  for (;;) {
    const int kind = get_wch(&code);
    if (kind == ERR) return std::nullopt;
    if (kind == OK) {
      if (code == '\r') return kKeyEnter;
      if (code == '\b') return kKeyBackspace;
      return static_cast<int>(code);
    }
    if (const int key = key_of(code); key != 0) return key;
  }
}

int TerminalScreen::descriptor() const { return fileno(state_->file.get()); }

ScreenSize TerminalScreen::size() const {
  ScreenSize size;
  size.width = static_cast<size_t>(std::max(getmaxx(stdscr), 1));
  size.height = static_cast<size_t>(std::max(getmaxy(stdscr), 1));
  size.unicode = state_->unicode;
  return size;
}

void TerminalScreen::take_new_size() {
  winsize size{};
  if (ioctl(descriptor(), TIOCGWINSZ, &size) == 0 && size.ws_row != 0 && size.ws_col != 0)
    resizeterm(size.ws_row, size.ws_col);
  clearok(curscr, TRUE);
}

void TerminalScreen::leave() {
  clearok(curscr, TRUE);
  endwin();
}

}  // namespace flarestack
