// SPDX-License-Identifier: Apache-2.0
#include "report/live_screen.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "report/text_style.h"
#include "report/tree_text.h"

namespace flarestack {
namespace {

uint64_t whole_number(double value) { return static_cast<uint64_t>(std::llround(std::max(value, 0.0))); }

std::string duration_text(int64_t time_ns) {
  constexpr int64_t kSecond = 1'000'000'000;
  // Whole seconds, so that the line does not tremble.
  return format_duration(static_cast<uint64_t>(time_ns >= kSecond ? time_ns / kSecond * kSecond : time_ns));
}

std::string signed_rate(double bytes_per_s) {
  return (bytes_per_s < 0 ? "-" : "+") + format_bytes(whole_number(std::abs(bytes_per_s))) + "/s";
}

std::string process_text(const LiveView& view) {
  size_t alive = 0;
  const LiveProcess* named = nullptr;
  for (const LiveProcess& each : view.processes) {
    if (each.ended) continue;
    if (named == nullptr) named = &each;
    ++alive;
  }
  if (named == nullptr && !view.processes.empty()) named = &view.processes.front();
  if (named == nullptr) return printable(view.command);
  std::string text = fmt::format("{} [{}]", printable(named->name), named->pid);
  if (alive > 1) text += fmt::format(" and {} more", alive - 1);
  if (alive == 0) text += ", ended";
  return text;
}

// The heap, and how well it is recorded.
std::vector<std::string> heap_lines(const LiveView& view) {
  if (!view.has_heap) return {"The heap is not recorded."};
  return {fmt::format("heap {}{} in {} blocks, {}, peak {}", view.is_heap_sampled ? "about " : "",
                      format_bytes(view.live_bytes), format_count(view.live_blocks),
                      signed_rate(view.growth_bytes_per_s), format_bytes(view.peak_bytes)),
          fmt::format("{} allocs/s, {}/s; {} heap events, {} lost", format_count(whole_number(view.allocations_per_s)),
                      format_bytes(whole_number(view.allocated_bytes_per_s)), format_count(view.heap_events),
                      format_count(view.heap_events_lost))};
}

std::string samples_line(const LiveView& view) {
  std::string text = view.has_cpu
                         ? fmt::format("{} samples, {} dropped, {} stacks truncated", format_count(view.samples),
                                       format_count(view.samples_dropped), format_count(view.stacks_truncated))
                         : "No CPU samples are taken.";
  if (view.damaged_chunks != 0)
    text += fmt::format("; {} damaged chunks of the trace", format_count(view.damaged_chunks));
  return text;
}

ScreenLine cut(ScreenLine line, size_t width) {
  size_t room = width;
  for (ScreenSpan& span : line) {
    if (columns_of(span.text) > room) span.text = shorten_end(span.text, room);
    room -= std::min(room, columns_of(span.text));
  }
  return line;
}

// `right` at the end of the line, where there is room.
ScreenLine two_sided(ScreenSpan left, ScreenSpan right, size_t width) {
  const size_t taken = columns_of(right.text) + 1;
  if (!right.text.empty() && width > taken) {
    left.text = padded(shorten_end(left.text, width - taken), width - taken + 1);
    return {left, right};
  }
  return cut({left}, width);
}

std::vector<ScreenLine> head(const LiveView& view, const LiveState& state, size_t width) {
  std::vector<ScreenLine> lines;
  std::string first = fmt::format("{}  recorded {}", process_text(view), duration_text(view.recorded_ns));
  if (view.has_cpu) first += fmt::format("  CPU {:.1f}%", view.cpu * 100);
  if (view.rss_bytes != 0) first += "  RSS " + format_bytes(view.rss_bytes);
  const std::string flag = state.paused ? " PAUSED, recording goes on " : view.ended ? " THE RECORDING HAS ENDED " : "";
  lines.push_back(two_sided({ScreenStyle::kBold, first}, {ScreenStyle::kHeading, flag}, width));
  for (const std::string& line : heap_lines(view))
    lines.push_back(cut({{view.heap_events_lost != 0 ? ScreenStyle::kNote : ScreenStyle::kPlain, line}}, width));
  const bool is_flawed = view.samples_dropped != 0 || view.damaged_chunks != 0;
  lines.push_back(cut({{is_flawed ? ScreenStyle::kNote : ScreenStyle::kPlain, samples_line(view)}}, width));
  constexpr size_t kMostNotes = 2;
  for (size_t i = 0; i < std::min(view.notes.size(), kMostNotes); ++i)
    lines.push_back(cut({{ScreenStyle::kNote, printable(view.notes[i])}}, width));
  if (view.notes.size() > kMostNotes) {
    const std::string more =
        fmt::format("and {} more such notes, which `flarestack info` tells of a trace kept with -o",
                    view.notes.size() - kMostNotes);
    lines.push_back(cut({{ScreenStyle::kNote, more}}, width));
  }
  return lines;
}

// Which table it is, and what its numbers are of.
ScreenLine tabs(const LiveView& view, const LiveState& state, size_t width) {
  constexpr std::array<const char*, kLiveTabs> kTitles = {"1 Functions", "2 Allocation sites", "3 Threads"};
  ScreenLine line;
  for (size_t i = 0; i < kLiveTabs; ++i) {
    line.push_back({i == state.tab_index() ? ScreenStyle::kBold : ScreenStyle::kDim,
                    i == state.tab_index() ? fmt::format("[{}] ", kTitles[i]) : fmt::format(" {}  ", kTitles[i])});
  }
  std::string about;
  if (state.editing_filter || !state.filter.empty())
    about += fmt::format(" filter: {}{}", printable(state.filter), state.editing_filter ? "_" : "");
  about += fmt::format(" now: {}", duration_text(view.now_ns));
  if (view.whole_ns < view.recorded_ns) about += fmt::format(", since r: {}", duration_text(view.whole_ns));
  if (view.nameless_ns != 0) about += fmt::format(", {} unnamed", format_percent(view.nameless_ns, view.total_ns));
  line.push_back({ScreenStyle::kPlain, about});
  return cut(std::move(line), width);
}

std::string cells_text(const LiveTable& table, const std::vector<std::string>& cells) {
  std::string text;
  for (size_t i = 0; i < cells.size(); ++i) {
    const LiveColumn& column = table.columns[i];
    if (column.is_hidden) continue;
    const size_t taken = columns_of(cells[i]);
    const std::string blanks(column.width > taken ? column.width - taken : 0, ' ');
    text += column.left_aligned ? cells[i] : blanks + cells[i];
    if (i + 1 < cells.size()) text += "  ";
  }
  return text;
}

// The title of the column it is sorted by has a mark before it.
std::string titles_text(const LiveTable& table, const LiveSort& sort, bool unicode) {
  std::vector<std::string> titles;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const bool is_name = i + 1 == table.columns.size();
    const bool up = sort.ascending != is_name;
    std::string mark;
    if (i == sort.column) mark = unicode ? (up ? "\u25b2" : "\u25bc") : (up ? "^" : "v");
    titles.push_back(mark + table.columns[i].title);
  }
  return cells_text(table, titles);
}

ScreenStyle style_of(LiveHeat heat) {
  return heat == LiveHeat::kHot    ? ScreenStyle::kHot
         : heat == LiveHeat::kWarm ? ScreenStyle::kWarm
                                   : ScreenStyle::kPlain;
}

std::string nothing_text(const LiveView& view, const LiveState& state) {
  if (!state.filter.empty()) return "Nothing matches the filter; Esc clears it.";
  if (state.tab == LiveTab::kFunctions)
    return view.has_cpu ? "No samples yet: nothing ran on a CPU." : "No CPU samples are taken.";
  if (state.tab == LiveTab::kSites) return view.has_heap ? "No allocations yet." : "The heap is not recorded.";
  return "No threads yet.";
}

void append_table(const LiveTable& table, const LiveState& state, const LiveView& view, const ScreenSize& size,
                  LiveScreen& screen) {
  const LiveSort sort = state.sort[state.tab_index()];
  screen.lines.push_back(
      cut({{ScreenStyle::kHeading, padded(titles_text(table, sort, size.unicode), size.width)}}, size.width));
  if (table.rows.empty()) screen.lines.push_back(cut({{ScreenStyle::kDim, nothing_text(view, state)}}, size.width));
  const size_t page = screen.rows.page;
  const size_t selected = selected_index(state, screen.rows.ids);
  // The first page as long as that has it, else so that it is the last line.
  const size_t first = selected < page ? 0 : selected - page + 1;
  for (size_t i = first; i < std::min(table.rows.size(), first + page); ++i) {
    const std::string text = padded(cells_text(table, table.rows[i].cells), size.width);
    screen.lines.push_back(
        cut({{i == selected ? ScreenStyle::kSelected : style_of(table.rows[i].heat), text}}, size.width));
  }
}

void append_detail(const std::vector<std::string>& detail, const LiveState& state, const ScreenSize& size,
                   LiveScreen& screen) {
  const size_t room = screen.rows.page + 1;
  const size_t first = std::min(state.detail_scroll, detail.size() > room ? detail.size() - room : 0);
  for (size_t i = first; i < std::min(detail.size(), first + room); ++i)
    screen.lines.push_back(cut({{i == 0 ? ScreenStyle::kBold : ScreenStyle::kPlain, detail[i]}}, size.width));
}

std::vector<std::string> help_lines(const LiveScreenText& text) {
  return {"1 2 3, Tab      functions, allocation sites, threads",
          "Up Down, j k    select a row; PgUp PgDn Home End as well",
          "Enter           callers and callees of a function, call path of a site; Esc back",
          "< >             sort by another column; i turns the order round",
          "/               show only what contains a text; Enter keeps it, Esc clears it",
          "p, Space        the screen stands still, recording goes on; again to go on",
          "r               what was so far counts no more, but live bytes stay",
          "q               " + text.quit,
          "",
          "SELF, TOTAL     in the function itself, and with all that it calls",
          "NOW, TREND      SELF in the last seconds, by how many points that is more;",
          "                = where the samples cannot tell",
          "GROWTH/s        allocated less freed, in the last seconds, as all per second",
          "S               of a thread: R runs, S sleeps, D waits for a disk, - has ended",
          "",
          "Any key goes back."};
}

}  // namespace

std::string plain_text(const ScreenLine& line) {
  std::string text;
  for (const ScreenSpan& span : line) text += span.text;
  const size_t end = text.find_last_not_of(' ');
  return text.substr(0, end == std::string::npos ? 0 : end + 1);
}

LiveScreen live_screen(const LiveView& view, const LiveState& state, const LiveScreenText& text,
                       const ScreenSize& size) {
  LiveScreen screen;
  const LiveTable table = live_table(view, state, size.width);
  for (const LiveRow& row : table.rows) screen.rows.ids.push_back(row.id);
  screen.rows.columns = table.columns.size();
  screen.lines = head(view, state, size.width);
  screen.lines.push_back(tabs(view, state, size.width));
  const size_t taken = screen.lines.size() + 2;  // the columns' titles, and the last line
  screen.rows.page = size.height > taken ? size.height - taken : 1;
  if (state.help) {
    for (const std::string& line : help_lines(text))
      screen.lines.push_back(cut({{ScreenStyle::kPlain, line}}, size.width));
  } else if (state.detail) {
    append_detail(text.detail, state, size, screen);
  } else {
    append_table(table, state, view, size, screen);
  }
  const size_t above = std::max<size_t>(size.height, 1) - 1;
  screen.lines.resize(above);
  screen.lines.push_back(
      cut({{ScreenStyle::kDim, state.detail ? "Enter, Esc back  Up Down scroll  p pause  q quit  ? help"
                                            : "q quit  p pause  Tab table  < > sort  Enter callers  "
                                              "/ filter  r reset  ? help"}},
          size.width));
  return screen;
}

std::string live_text(const LiveView& view, size_t top, size_t width) {
  std::string text;
  LiveState state;
  for (const ScreenLine& line : head(view, state, width)) text += plain_text(line) + "\n";
  text += plain_text(cut({{ScreenStyle::kPlain, fmt::format("now: the last {}", duration_text(view.now_ns))}}, width));
  text += "\n";
  for (size_t tab = 0; tab < kLiveTabs; ++tab) {
    state.tab = static_cast<LiveTab>(tab);
    LiveTable table = live_table(view, state, width);
    text += "\n" + plain_text({{ScreenStyle::kPlain, titles_text(table, state.sort[tab], false)}}) + "\n";
    if (table.rows.empty()) text += nothing_text(view, state) + "\n";
    if (table.rows.size() > top) table.rows.resize(top);
    for (const LiveRow& row : table.rows)
      text += plain_text({{ScreenStyle::kPlain, cells_text(table, row.cells)}}) + "\n";
  }
  return text;
}

std::vector<std::string> function_detail(const CallTree& tree, const std::vector<Function>& functions, uint32_t id,
                                         const ScreenSize& size) {
  const Function& function = functions[id];
  std::string title = short_function(function.name, size.width);
  if (function.line != 0) title += fmt::format("  {}:{}", short_file(function.file, 40), function.line);
  std::vector<std::string> lines = {title};
  TreeOptions options;
  options.layout.width = size.width;
  options.layout.unicode = size.unicode;
  const std::string text = callers_and_callees_text(functions, tree, id, options);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::vector<std::string> site_detail(const std::vector<LiveFrame>& path, const ScreenSize& size) {
  std::vector<std::string> lines = {"Allocated in, called from:"};
  for (const LiveFrame& frame : path) {
    const std::string place = frame.line == 0 ? "" : fmt::format("{}:{}", short_file(frame.file, 30), frame.line);
    const size_t room = size.width > columns_of(place) + 22 ? size.width - columns_of(place) - 4 : 18;
    lines.push_back("  " + short_function(frame.function, room) + (place.empty() ? "" : "  " + place));
  }
  return lines;
}

}  // namespace flarestack
