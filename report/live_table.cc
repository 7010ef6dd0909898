// SPDX-License-Identifier: Apache-2.0
#include "report/live_table.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "base/text.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

LiveHeat heat_of(double part) {
  return part >= 0.2 ? LiveHeat::kHot : part >= 0.05 ? LiveHeat::kWarm : LiveHeat::kNone;
}

std::string rate_text(double bytes_per_s) {
  const double size = std::abs(bytes_per_s);
  if (size < 0.5) return "0 B";
  return (bytes_per_s < 0 ? "-" : "") + format_bytes(static_cast<uint64_t>(std::llround(size)));
}

std::string level_text(int64_t bytes) {
  return (bytes < 0 ? "-" : "") + format_bytes(static_cast<uint64_t>(std::abs(bytes)));
}

std::string count_text(double per_s) {
  return per_s == 0 ? "0" : per_s < 10 ? fmt::format("{:.1f}", per_s) : format_count(static_cast<uint64_t>(per_s));
}

// What a text filter looks for, whatever the case of its letters.
bool holds(std::string_view text, std::string_view wanted) {
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(), [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
         }) != text.end();
}

// A table of T before it is text. A column sorts by a number, or the last one by its name; among equals the one of the
// most weight comes first.
template <typename T>
struct Column {
  LiveColumn look;
  std::function<double(const T&)> value;
  std::function<std::string(const T&)> text;
};

template <typename T>
LiveTable make_table(const std::vector<T>& all, const std::vector<Column<T>>& columns,
                     const std::function<std::string(const T&)>& name, const std::function<double(const T&)>& heat,
                     const std::function<double(const T&)>& weight, const LiveState& state) {
  std::vector<const T*> rows;
  for (const T& each : all) {
    if (state.filter.empty() || holds(name(each), state.filter)) rows.push_back(&each);
  }
  const LiveSort sort = state.sort[state.tab_index()];
  const size_t sorted_by = std::min(sort.column, columns.size() - 1);
  const auto& value = columns[sorted_by].value;
  const bool by_name = sorted_by + 1 == columns.size();
  std::sort(rows.begin(), rows.end(), [&](const T* a, const T* b) {
    if (by_name) {
      const std::string left = name(*a), right = name(*b);
      if (left != right) return (left < right) != sort.ascending;  // names begin with A, numbers with the greatest
    } else if (const double left = value(*a), right = value(*b); left != right) {
      return (left > right) != sort.ascending;
    }
    const double left = weight(*a), right = weight(*b);
    return left != right ? left > right : a->id < b->id;
  });
  LiveTable table;
  for (const Column<T>& column : columns) table.columns.push_back(column.look);
  for (const T* each : rows) {
    LiveRow row;
    row.id = each->id;
    for (const Column<T>& column : columns) row.cells.push_back(column.text(*each));
    row.heat = heat_of(heat(*each));
    table.rows.push_back(std::move(row));
  }
  return table;
}

// Columns that the name is left, behind those for which there is room: the first ones, and the one that is sorted by.
template <typename T>
size_t make_room(std::vector<Column<T>>& columns, const LiveState& state, size_t width) {
  constexpr size_t kLeastName = 16;
  size_t left = 0;
  for (const Column<T>& column : columns) left += column.look.width + 2;
  for (size_t i = columns.size(); i > 1 && left + kLeastName > width; --i) {
    if (i - 1 == state.sort[state.tab_index()].column) continue;
    columns[i - 1].look.is_hidden = true;
    left -= columns[i - 1].look.width + 2;
  }
  return width > left + kLeastName ? width - left : kLeastName;
}

LiveTable functions_table(const LiveView& view, const LiveState& state, size_t width) {
  using F = LiveFunction;
  const auto trend = [&view](const F& row) {
    return share(row.now_self_ns, view.now_total_ns) - share(row.self_ns, view.total_ns);
  };
  std::vector<Column<F>> columns = {
      {{"SELF", 6},
       [](const F& row) { return static_cast<double>(row.self_ns); },
       [&view](const F& row) { return format_percent(row.self_ns, view.total_ns); }},
      {{"TOTAL", 6},
       [](const F& row) { return static_cast<double>(row.total_ns); },
       [&view](const F& row) { return format_percent(row.total_ns, view.total_ns); }},
      {{"NOW", 6},
       [](const F& row) { return static_cast<double>(row.now_self_ns); },
       [&view](const F& row) { return format_percent(row.now_self_ns, view.now_total_ns); }},
      {{"TREND", 6}, trend, [&view](const F& row) { return trend_text(row, view); }},
      {{"TIME", 9},
       [](const F& row) { return static_cast<double>(row.self_ns); },
       [](const F& row) { return format_duration(row.self_ns); }},
  };
  const size_t room = make_room(columns, state, width);
  columns.push_back({{"FUNCTION", 0, true}, nullptr, [room](const F& row) {
                       const std::string module = short_file(row.function->module, 24);
                       const std::string name = short_function(row.function->name, room);
                       const bool fits = !module.empty() && columns_of(name) + 2 + columns_of(module) <= room;
                       return fits ? name + "  " + module : name;
                     }});
  return make_table<F>(
      view.functions, columns, [](const F& row) { return row.function->name + " " + row.function->module; },
      [&view](const F& row) { return share(row.now_self_ns, view.now_total_ns); },
      [](const F& row) { return static_cast<double>(row.total_ns); }, state);
}

std::string site_name(const LiveSite& row) {
  std::string name = row.function->name;
  if (row.line != 0) name += fmt::format("  {}:{}", short_file(row.file, 40), row.line);
  return name;
}

LiveTable sites_table(const LiveView& view, const LiveState& state, size_t width) {
  using S = LiveSite;
  std::vector<Column<S>> columns = {
      {{"LIVE", 8},
       [](const S& row) { return static_cast<double>(row.live_bytes); },
       [](const S& row) { return level_text(row.live_bytes); }},
      {{"BLOCKS", 7},
       [](const S& row) { return static_cast<double>(row.live_blocks); },
       [](const S& row) {
         return (row.live_blocks < 0 ? "-" : "") + format_count(static_cast<uint64_t>(std::abs(row.live_blocks)));
       }},
      {{"GROWTH/s", 9},
       [](const S& row) { return row.growth_bytes_per_s; },
       [](const S& row) { return rate_text(row.growth_bytes_per_s); }},
      {{"ALLOCS/s", 8},
       [](const S& row) { return row.allocations_per_s; },
       [](const S& row) { return count_text(row.allocations_per_s); }},
      {{"BYTES/s", 8},
       [](const S& row) { return row.allocated_bytes_per_s; },
       [](const S& row) { return rate_text(row.allocated_bytes_per_s); }},
  };
  const size_t room = make_room(columns, state, width);
  columns.push_back({{"ALLOCATED IN", 0, true}, nullptr, [room](const S& row) {
                       const std::string place =
                           row.line == 0 ? "" : fmt::format("{}:{}", short_file(row.file, 20), row.line);
                       const std::string name = short_function(row.function->name, room);
                       if (place.empty()) return name;
                       const bool fits = columns_of(name) + 2 + columns_of(place) <= room;
                       const size_t least = columns_of(place) + 2 + 12;  // of a name that says something
                       if (!fits && room < least) return name;
                       return short_function(row.function->name, room - columns_of(place) - 2) + "  " + place;
                     }});
  const auto whole = static_cast<double>(std::max<uint64_t>(view.live_bytes, 1));
  return make_table<S>(
      view.sites, columns, site_name, [whole](const S& row) { return static_cast<double>(row.live_bytes) / whole; },
      [](const S& row) { return row.allocated_bytes_per_s; }, state);
}

LiveTable threads_table(const LiveView& view, const LiveState& state, size_t width) {
  using T = LiveThread;
  std::vector<Column<T>> columns = {
      {{"PID", 7},
       [](const T& row) { return static_cast<double>(-row.pid); },
       [](const T& row) { return std::to_string(row.pid); }},
      {{"TID", 7},
       [](const T& row) { return static_cast<double>(-row.tid); },
       [](const T& row) { return std::to_string(row.tid); }},
      {{"S", 1},
       [](const T& row) { return row.state == 0 ? 0.0 : static_cast<double>(row.state == 'R' ? 2 : 1); },
       [](const T& row) { return std::string(1, row.state == 0 ? '-' : row.state); }},
      {{"CPU", 6},
       [](const T& row) { return row.cpu; },
       [](const T& row) { return fmt::format("{:.1f}%", row.cpu * 100); }},
      {{"TIME", 9},
       [](const T& row) { return static_cast<double>(row.cpu_ns); },
       [](const T& row) { return format_duration(row.cpu_ns); }},
      {{"ALLOCS/s", 9},
       [](const T& row) { return row.allocations_per_s; },
       [](const T& row) { return count_text(row.allocations_per_s); }},
      {{"BYTES/s", 8},
       [](const T& row) { return row.allocated_bytes_per_s; },
       [](const T& row) { return rate_text(row.allocated_bytes_per_s); }},
  };
  const size_t room = make_room(columns, state, width);
  columns.push_back(
      {{"THREAD", 0, true}, nullptr, [room](const T& row) { return shorten_end(printable(row.name), room); }});
  return make_table<T>(
      view.threads, columns, [](const T& row) { return row.name + " " + std::to_string(row.tid); },
      [](const T& row) { return row.cpu; }, [](const T& row) { return static_cast<double>(row.cpu_ns); }, state);
}

}  // namespace

// The standard error of a share p of n samples is sqrt(p (1 - p) / n); half of a point, and two of them, are noise.
std::string trend_text(const LiveFunction& function, const LiveView& view) {
  if (view.now_total_ns == 0 || view.now_samples == 0) return "-";
  const double before = share(function.self_ns, view.total_ns);
  const double difference = share(function.now_self_ns, view.now_total_ns) - before;
  const double error = std::sqrt(before * (1 - before) / static_cast<double>(view.now_samples));
  if (std::abs(difference) < std::max(2 * error, 0.005)) return "=";
  return fmt::format("{:+.1f}", difference * 100);
}

LiveTable live_table(const LiveView& view, const LiveState& state, size_t width) {
  switch (state.tab) {
    case LiveTab::kFunctions:
      return functions_table(view, state, width);
    case LiveTab::kSites:
      return sites_table(view, state, width);
    case LiveTab::kThreads:
      return threads_table(view, state, width);
  }
  return {};
}

}  // namespace flarestack
