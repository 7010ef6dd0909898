// SPDX-License-Identifier: Apache-2.0
#include "tools/gate_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <span>

#include <fmt/format.h>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "base/fd.h"
#include "base/spelling.h"
#include "base/text.h"

namespace flarestack {
namespace {

constexpr size_t kMostRuns = 10'000;

struct MetricKey {
  std::string_view name;
  std::string_view unit;
};
constexpr std::array kMetricKeys = {MetricKey{kWallTime, "ns"}, MetricKey{kCpuTime, "ns"},
                                    MetricKey{kPeakHeap, "bytes"}, MetricKey{kAllocationCount, "count"},
                                    MetricKey{kLeakedBytes, "bytes"}};

constexpr std::array kRegionMetricKeys = {
    MetricKey{kWallTime, "ns"},          MetricKey{kSelfWallTime, "ns"},      MetricKey{kCpuTime, "ns"},
    MetricKey{kSelfCpuTime, "ns"},       MetricKey{kPeakHeap, "bytes"},       MetricKey{kAllocationCount, "count"},
    MetricKey{kAllocatedBytes, "bytes"}, MetricKey{kLiveDeltaBytes, "bytes"}, MetricKey{kCalls, "count"}};

// Reads one file; the first thing that makes no sense is the error, and what follows is not looked at.
class ConfigReader {
 public:
  explicit ConfigReader(const std::string& path) : path_(path) {}

  Result<GateConfig> read() {
    const Result<std::string> text = read_file(path_);
    if (!text.ok()) return text.error();
    const toml::parse_result parsed = toml::parse(std::string_view(*text), std::string_view(path_));
    if (!parsed) {
      return Error{fmt::format("{}:{}: {}", path_, parsed.error().source().begin.line, parsed.error().description())};
    }
    std::error_code error;
    config_.path = path_;
    config_.directory = std::filesystem::absolute(path_, error).parent_path().string();
    config_.baseline = absolute("flarestack-baseline.json");
    read_root(parsed.table());
    if (!problem_.empty()) return Error{problem_};
    return std::move(config_);
  }

 private:
  void fail(const toml::node& at, const std::string& what) {
    if (problem_.empty()) problem_ = fmt::format("{}:{}: {}", path_, at.source().begin.line, what);
  }
  std::string absolute(const std::string& path) const {
    return (std::filesystem::path(config_.directory) / path).lexically_normal().string();
  }

  void check_keys(const toml::table& table, std::initializer_list<std::string_view> known, std::string_view where) {
    for (const auto& [key, node] : table) {
      if (std::ranges::find(known, key.str()) != known.end()) continue;
      const auto near = closest_spelling(key.str(), std::span<const std::string_view>(known.begin(), known.size()));
      fail(node, fmt::format("unknown key '{}' in {}; {}", key.str(), where,
                             near ? fmt::format("did you mean '{}'?", *near) : "`man flarestack-gate` lists them"));
    }
  }

  const toml::table* table_of(const toml::node& node, std::string_view what) {
    if (node.as_table() == nullptr) fail(node, fmt::format("{} is to be a table", what));
    return node.as_table();
  }
  void read_text(const toml::table& table, std::string_view key, std::string& text) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    if (!node->is_string() || node->as_string()->get().empty())
      return fail(*node, fmt::format("{} is to be a text in quotes", key));
    text = node->as_string()->get();
  }
  void read_path(const toml::table& table, std::string_view key, std::string& path) {
    std::string text;
    read_text(table, key, text);
    if (!text.empty()) path = absolute(text);
  }
  void read_count(const toml::table& table, std::string_view key, size_t least, size_t& count) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    const auto value = node->value_exact<int64_t>();
    if (!value || *value < static_cast<int64_t>(least) || *value > static_cast<int64_t>(kMostRuns)) {
      return fail(*node, fmt::format("{} is to be a number from {} to {}", key, least, kMostRuns));
    }
    count = static_cast<size_t>(*value);
  }

  void read_root(const toml::table& root) {
    check_keys(root, {"gate", "step"}, "the file");
    GateStep defaults;
    if (const toml::node* node = root.get("gate")) {
      if (const toml::table* gate = table_of(*node, "gate")) read_gate(*gate, defaults);
    }
    const toml::node* steps = root.get("step");
    const toml::array* list = steps == nullptr ? nullptr : steps->as_array();
    if (list == nullptr || list->empty()) return fail(steps == nullptr ? root : *steps, "there is no [[step]]");
    for (const toml::node& node : *list) {
      if (const toml::table* step = table_of(node, "a step")) read_step(*step, defaults);
    }
  }

  void read_gate(const toml::table& gate, GateStep& defaults) {
    check_keys(gate, {"baseline", "history", "branch", "recordings", "runs", "warmup"}, "[gate]");
    read_path(gate, "baseline", config_.baseline);
    read_path(gate, "history", config_.history);
    read_path(gate, "recordings", config_.recordings);
    read_text(gate, "branch", config_.branch);
    if (gate.contains("baseline") && gate.contains("history")) {
      fail(*gate.get("history"), "sessions before come from a baseline or from a history, not from both");
    }
    if (gate.contains("branch") && !gate.contains("history")) {
      fail(*gate.get("branch"), "a branch is of the history, and there is none");
    }
    read_count(gate, "runs", 1, defaults.runs);
    read_count(gate, "warmup", 0, defaults.warmup);
  }

  void read_step(const toml::table& table, GateStep step) {
    check_keys(table,
               {"name", "command", "directory", "environment", "runs", "warmup", "function", "region", kWallTime,
                kCpuTime, kPeakHeap, kAllocationCount, kLeakedBytes},
               "[[step]]");
    read_text(table, "name", step.name);
    read_command(table, step);
    if (step.name.empty()) return fail(table, "a step without a name");
    if (std::ranges::find(config_.steps, step.name, &GateStep::name) != config_.steps.end()) {
      return fail(table, fmt::format("a second step of the name '{}'", step.name));
    }
    step.directory = config_.directory;
    std::string directory;
    read_text(table, "directory", directory);
    if (!directory.empty()) step.directory = absolute(directory);
    read_count(table, "runs", 1, step.runs);
    read_count(table, "warmup", 0, step.warmup);
    read_environment(table, step);
    read_metrics(table, kMetricKeys, step.checks);
    read_functions(table, step);
    read_regions(table, step);
    if (step.checks.empty()) step.checks = default_checks();
    config_.steps.push_back(std::move(step));
  }

  void read_command(const toml::table& table, GateStep& step) {
    const toml::node* node = table.get("command");
    if (node == nullptr) return fail(table, fmt::format("step '{}' has no command", step.name));
    const toml::array* words = node->as_array();
    if (words == nullptr || words->empty() || !words->is_homogeneous(toml::node_type::string)) {
      return fail(*node, "command is to be a list of texts: the program and its arguments");
    }
    for (const toml::node& word : *words) step.command.push_back(word.as_string()->get());
    if (step.command.front().empty()) fail(*node, "the command's first word, the program, is empty");
  }

  void read_environment(const toml::table& table, GateStep& step) {
    const toml::node* node = table.get("environment");
    const toml::table* variables = node == nullptr ? nullptr : table_of(*node, "environment");
    if (variables == nullptr) return;
    for (const auto& [name, value] : *variables) {
      if (!value.is_string()) return fail(value, fmt::format("the variable {} is to be a text in quotes", name.str()));
      step.environment.emplace_back(name.str(), value.as_string()->get());
    }
  }

  void read_metrics(const toml::table& table, std::span<const MetricKey> metrics, std::vector<GateCheck>& checks) {
    for (const MetricKey& metric : metrics) {
      const toml::node* node = table.get(metric.name);
      const toml::table* limits = node == nullptr ? nullptr : table_of(*node, metric.name);
      if (limits != nullptr) read_limits(*limits, {std::string(metric.name), {}, {}, {}}, metric.unit, checks);
    }
  }

  void read_regions(const toml::table& table, GateStep& step) {
    const toml::node* node = table.get("region");
    if (node == nullptr) return;
    const toml::array* regions = node->as_array();
    if (regions == nullptr) return fail(*node, "regions are [[step.region]], each with a name");
    for (const toml::node& entry : *regions) {
      const toml::table* told = table_of(entry, "a region");
      if (told == nullptr) return;
      check_keys(*told,
                 {"name", kWallTime, kSelfWallTime, kCpuTime, kSelfCpuTime, kPeakHeap, kAllocationCount,
                  kAllocatedBytes, kLiveDeltaBytes, kCalls},
                 "[[step.region]]");
      GateRegion region;
      read_text(*told, "name", region.path);
      if (region.path.empty()) return fail(entry, "a region without a name");
      if (std::ranges::find(step.regions, region.path, &GateRegion::path) != step.regions.end()) {
        return fail(entry, fmt::format("a second region of the name '{}'", region.path));
      }
      read_metrics(*told, kRegionMetricKeys, region.checks);
      if (region.checks.empty()) region.checks = default_region_checks();
      step.regions.push_back(std::move(region));
    }
  }

  void read_functions(const toml::table& table, GateStep& step) {
    const toml::node* node = table.get("function");
    if (node == nullptr) return;
    const toml::array* functions = node->as_array();
    if (functions == nullptr) return fail(*node, "functions are [[step.function]], each with a name");
    for (const toml::node& entry : *functions) {
      const toml::table* function = table_of(entry, "a function");
      if (function == nullptr) return;
      GateCheck check{std::string(kFunctionShare), {}, {}, {}};
      read_text(*function, "name", check.function);
      if (check.function.empty()) return fail(entry, "a function without a name");
      read_limits(*function, check, "%", step.checks, "name");
    }
  }

  void read_limits(const toml::table& table, GateCheck check, std::string_view unit, std::vector<GateCheck>& checks,
                   std::string_view other_key = "target") {
    check_keys(table, {"target", "maximum", other_key}, check.metric);
    check.target = read_limit(table, "target", unit);
    check.maximum = read_limit(table, "maximum", unit);
    if (!check.target && !check.maximum)
      fail(table, fmt::format("{} has neither a target nor a maximum", check.metric));
    checks.push_back(std::move(check));
  }

  std::optional<GateLimit> read_limit(const toml::table& table, std::string_view key, std::string_view unit) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return std::nullopt;
    if (const auto number = node->value_exact<int64_t>()) {
      if (unit != "count" && *number != 0) {
        fail(*node, fmt::format("{} = {} has no unit; write {}", key, *number, example_of(unit)));
      } else if (*number < 0) {
        fail(*node, fmt::format("{} = {} is below nothing", key, *number));
      }
      return GateLimit{false, static_cast<double>(*number), std::to_string(*number)};
    }
    const auto text = node->value_exact<std::string>();
    if (!text) {
      fail(*node, fmt::format("{} is to be a text such as {}", key, example_of(unit)));
      return std::nullopt;
    }
    const Result<GateLimit> limit = parse_limit(*text, unit);
    if (!limit.ok()) {
      fail(*node, fmt::format("{} = \"{}\": {}", key, *text, limit.error().message));
      return std::nullopt;
    }
    return *limit;
  }

  static std::string_view example_of(std::string_view unit) {
    return unit == "ns"      ? "\"500ms\", or \"+5%\" more than the baseline"
           : unit == "bytes" ? "\"64MiB\", or \"+5%\" more than the baseline"
           : unit == "%"     ? "\"40%\", or \"+5%\" more than the baseline"
                             : "1000, or \"+5%\" more than the baseline";
  }

  static std::optional<double> percentage(std::string_view text) {
    double value = 0;
    if (text.empty() || text.back() != '%') return std::nullopt;
    text.remove_suffix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= 0) || value > 1e6) return std::nullopt;
    return value;
  }

  static Result<GateLimit> parse_limit(const std::string& text, std::string_view unit) {
    if (text.starts_with('+')) {
      const std::optional<double> part = percentage(std::string_view(text).substr(1));
      if (!part) return Error{"what is relative to the baseline is written as \"+5%\""};
      return GateLimit{true, *part / 100, text};
    }
    if (unit == "%") {
      const std::optional<double> share = percentage(text);
      if (!share || *share > 100) return Error{"a share is written as \"40%\""};
      return GateLimit{false, *share, text};
    }
    if (unit == "count") return Error{fmt::format("write {}", example_of(unit))};
    const bool has_unit = !text.empty() && std::isdigit(static_cast<unsigned char>(text.back())) == 0;
    if (!has_unit && text != "0") return Error{fmt::format("it has no unit; write {}", example_of(unit))};
    const Result<uint64_t> value = unit == "ns" ? parse_duration(text) : parse_size(text);
    if (!value.ok()) return value.error();
    return GateLimit{false, static_cast<double>(*value), text};
  }

  const std::string path_;
  GateConfig config_;
  std::string problem_;
};

}  // namespace

Result<GateConfig> read_gate_config(const std::string& path) { return ConfigReader(path).read(); }

}  // namespace flarestack
