// SPDX-License-Identifier: Apache-2.0
// The screen of `flarestack top`, its tables, and its keys.
#include "report/live_screen.h"

#include <algorithm>
#include <string_view>

#include <catch2/catch.hpp>

#include "report/live_json.h"
#include "report/text_style.h"
#include "tests/unit/report/golden.h"

namespace flarestack {
namespace {

// Functions that a LiveView can borrow.
const std::vector<Function>& functions() {
  static const std::vector<Function> kFunctions = [] {
    std::vector<Function> made(4);
    made[0].name = "game::World::step(double, std::vector<game::Body, std::allocator<game::Body>> const&)";
    made[1].name = "parse_document";
    made[2].name = "main";
    made[3].name = "grow\x1b[2J";
    for (Function& each : made) each.module = "game";
    made[1].file = "/src/parse.c";
    made[1].line = 40;
    return made;
  }();
  return kFunctions;
}

LiveView busy_view() {
  LiveView view;
  view.command = "./game";
  view.processes = {{4711, "game", false}};
  view.recorded_ns = 65'400'000'000;
  view.whole_ns = view.recorded_ns;
  view.now_ns = 5'400'000'000;
  view.has_cpu = view.has_heap = true;
  view.total_ns = 60'000'000'000;
  view.now_total_ns = 5'000'000'000;
  view.now_samples = 5000;
  view.cpu = 1.934;
  view.live_bytes = 12'900'000;
  view.live_blocks = 123'456;
  view.peak_bytes = 15'000'000;
  view.rss_bytes = 40'000'000;
  view.allocations_per_s = 98'765;
  view.allocated_bytes_per_s = 4'000'000;
  view.growth_bytes_per_s = 250'000;
  view.samples = 60'000;
  view.functions = {{0, &functions()[0], 20'000'000'000, 21'000'000'000, 3'000'000'000, 3'000'000'000},
                    {1, &functions()[1], 39'000'000'000, 39'000'000'000, 2'000'000'000, 2'000'000'000},
                    {2, &functions()[2], 1'000'000'000, 60'000'000'000, 0, 5'000'000'000}};
  view.sites = {{0, &functions()[3], "/src/grow.cc", 12, 12'000'000, 120'000, 250'000, 1000, 300'000, 65'000},
                {1, &functions()[1], "/src/parse.c", 44, 900'000, 3'456, 0, 97'765, 3'700'000, 6'000'000}};
  view.threads = {{0, 4711, 4711, "game", 0.97, 30'000'000'000, 1000, 300'000, 65'000, 'R'},
                  {1, 4711, 4712, "worker", 0.964, 30'000'000'000, 97'765, 3'700'000, 6'000'000, 'S'}};
  return view;
}

std::string text_of(const LiveScreen& screen) {
  std::string text;
  for (const ScreenLine& line : screen.lines) text += plain_text(line) + "\n";
  return text;
}

std::string shown(const LiveState& state, const LiveView& view = busy_view(), const ScreenSize& size = {}) {
  return text_of(live_screen(view, state, {}, size));
}

void check_size(const LiveScreen& screen, const ScreenSize& size) {
  CHECK(screen.lines.size() == size.height);
  for (const ScreenLine& line : screen.lines) {
    size_t width = 0;
    for (const ScreenSpan& span : line) width += columns_of(span.text);
    CHECK(width <= size.width);
  }
}

// The ids of the rows, after keys were pressed.
std::vector<uint32_t> after(LiveState& state, const std::vector<int>& keys, const LiveView& view = busy_view()) {
  for (const int key : keys) press(state, key, live_screen(view, state, {}, {}).rows);
  return live_screen(view, state, {}, {}).rows.ids;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

TEST_CASE("the three tables on 80 columns, and as text") {
  LiveState state;
  check_golden("top_functions.txt", shown(state));
  state.tab = LiveTab::kSites;
  check_golden("top_sites.txt", shown(state));
  state.tab = LiveTab::kThreads;
  check_golden("top_threads.txt", shown(state));
  state.help = true;
  check_golden("top_help.txt", shown(state));
  check_golden("top_batch.txt", live_text(busy_view(), 20, 100));
}

TEST_CASE("no screen is larger than the terminal") {
  for (const LiveTab tab : {LiveTab::kFunctions, LiveTab::kSites, LiveTab::kThreads}) {
    for (const size_t width : {1, 20, 40, 80, 300}) {
      for (const size_t height : {1, 2, 5, 24, 100}) {
        LiveState state;
        state.tab = tab;
        for (const bool help : {false, true}) {
          state.help = help;
          const ScreenSize size{width, height, true};
          INFO(width << "x" << height);
          check_size(live_screen(busy_view(), state, {}, size), size);
          state.paused = true;
          check_size(live_screen(busy_view(), state, {}, size), size);
        }
      }
    }
  }
}

TEST_CASE("a name cannot steer the terminal") {
  LiveState state;
  state.tab = LiveTab::kSites;
  CHECK_FALSE(has(shown(state), "\x1b"));
  CHECK(has(shown(state), "grow?[2J"));
}

TEST_CASE("arrows choose the column to sort by, i turns the order round, names begin with A") {
  LiveState state;
  CHECK(after(state, {}) == std::vector<uint32_t>{0, 1, 2});               // now
  CHECK(after(state, {kKeyLeft}) == std::vector<uint32_t>{2, 1, 0});       // total
  CHECK(after(state, {'<'}) == std::vector<uint32_t>{1, 0, 2});            // self
  CHECK(after(state, {'i'}) == std::vector<uint32_t>{2, 0, 1});            // self, least first
  CHECK(after(state, {'i', kKeyLeft}) == std::vector<uint32_t>{0, 2, 1});  // round to the name
  CHECK(after(state, {'>', '2'}) == std::vector<uint32_t>{0, 1});          // growth
  CHECK(after(state, {kKeyRight}) == std::vector<uint32_t>{1, 0});         // allocations
  CHECK(has(shown(state), "vALLOCS/s"));
}

TEST_CASE("the selected row stays selected where others come before it") {
  LiveState state;
  after(state, {kKeyDown});
  CHECK(state.selected[0] == 1U);
  LiveView view = busy_view();
  view.functions[1].now_self_ns = 4'900'000'000;
  const LiveScreen screen = live_screen(view, state, {}, {});
  CHECK(selected_index(state, screen.rows.ids) == 0);
  after(state, {kKeyEnd});
  CHECK(state.selected[0] == 2U);
  after(state, {kKeyPageUp});
  CHECK(state.selected[0] == 0U);
}

TEST_CASE("a row far down is scrolled to") {
  LiveView view = busy_view();
  std::vector<Function> many(100);
  view.functions.clear();
  for (uint32_t i = 0; i < 100; ++i) {
    many[i].name = "f" + std::to_string(i) + "_";
    view.functions.push_back({i, &many[i], 100 - i, 100 - i, 100 - i, 100 - i});
  }
  LiveState state;
  CHECK(has(shown(state, view), "f0_"));
  after(state, {kKeyEnd}, view);
  CHECK(has(shown(state, view), "f99_"));
  CHECK_FALSE(has(shown(state, view), "f0_"));
}

TEST_CASE("a filter keeps what contains a text, whatever its case, and Escape takes it away") {
  LiveState state;
  CHECK(after(state, {'/', 'P', 'A', 'R', 'x', kKeyBackspace, 'S', 'q'}).empty());
  CHECK(state.filter == "PARSq");
  CHECK(has(shown(state), "filter: PARSq_"));
  CHECK(has(shown(state), "Nothing matches"));
  CHECK(after(state, {kKeyBackspace, kKeyEnter}) == std::vector<uint32_t>{1});
  CHECK_FALSE(state.editing_filter);
  CHECK(after(state, {kKeyEscape}).size() == 3);
  after(state, {'/', 0xE4, kKeyBackspace});
  CHECK(state.filter.empty());
}

TEST_CASE("p and Space pause, and the screen says so; q quits and r resets") {
  LiveState state;
  CHECK_FALSE(has(shown(state), "PAUSED"));
  after(state, {'p'});
  CHECK(has(shown(state), "PAUSED, recording goes on"));
  after(state, {' '});
  CHECK_FALSE(state.paused);
  CHECK(press(state, 'q', {}) == LiveAction::kQuit);
  CHECK(press(state, 'r', {}) == LiveAction::kReset);
  CHECK(press(state, 'x', {}) == LiveAction::kNone);
}

TEST_CASE("Enter shows what the selected row stands for") {
  LiveState state;
  after(state, {kKeyDown, kKeyEnter});
  CHECK(state.detail);
  LiveScreenText text;
  CallTree tree;
  const uint32_t main = tree.child(CallTree::kRoot, 2, FrameType::kNative);
  tree.add_self(tree.child(main, 1, FrameType::kNative), 30, 30);
  tree.sum_totals();
  text.detail = function_detail(tree, functions(), 1, {});
  const std::string screen = text_of(live_screen(busy_view(), state, text, {}));
  CHECK(has(screen, "parse_document  parse.c:40"));
  CHECK(has(screen, "100.0%    main"));
  CHECK(has(screen, "CALLS (top down)"));
  after(state, {kKeyEnter});
  CHECK_FALSE(state.detail);
  text.detail = site_detail({{"cache", "/src/cache.c", 7}, {"main", "", 0}}, {});
  CHECK(text.detail.size() == 3);
  CHECK(text.detail[1] == "  cache  cache.c:7");
}

TEST_CASE("a trend is told in points, and only where the samples can tell") {
  LiveView view = busy_view();
  CHECK(trend_text(view.functions[0], view) == "+26.7");
  CHECK(trend_text(view.functions[1], view) == "-25.0");
  view.now_samples = 10;
  CHECK(trend_text(view.functions[1], view) == "=");
  view.now_total_ns = 0;
  CHECK(trend_text(view.functions[1], view) == "-");
}

TEST_CASE("losses and notes are in the head") {
  LiveView view = busy_view();
  view.samples_dropped = 17;
  view.heap_events_lost = 3;
  view.damaged_chunks = 2;
  view.notes = {"2 threads are not sampled"};
  const std::string screen = shown({}, view, {120, 24, false});
  for (const char* part : {"17 dropped", "heap events, 3 lost", "2 damaged chunks", "2 threads are not sampled"})
    CHECK(has(screen, part));
}

TEST_CASE("what is not recorded is said") {
  LiveView view;
  view.processes = {{7, "x", true}};
  view.ended = true;
  LiveState state;
  CHECK(has(shown(state, view), "No CPU samples are taken."));
  CHECK(has(shown(state, view), "THE RECORDING HAS ENDED"));
  state.tab = LiveTab::kSites;
  CHECK(has(shown(state, view), "The heap is not recorded."));
}

TEST_CASE("a refresh as JSON is one line") {
  const std::string json = live_json(busy_view(), 2);
  CHECK(std::count(json.begin(), json.end(), '\n') == 1);
  CHECK(json.ends_with("}\n"));
  CHECK(has(json, "\"schema\":"));
  CHECK(has(json, "flarestack.top/1"));
  CHECK(has(json, "parse_document"));
  CHECK_FALSE(has(json, "\"main\""));
}

}  // namespace flarestack
