// SPDX-License-Identifier: Apache-2.0
#include "report/flamegraph_data.h"

#include <map>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "report/metric_words.h"
#include "report/quality_panel.h"

namespace flarestack {
namespace {

// All output ASCII, so that the file's encoding does not matter to the data.
using Writer = rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::ASCII<>>;

void write_text(Writer& json, std::string_view text) {
  const std::string shown = printable(text);
  json.String(shown.data(), static_cast<rapidjson::SizeType>(shown.size()));
}

const char* mood_name(Mood mood) {
  switch (mood) {
    case Mood::kPlain:
      return "plain";
    case Mood::kGood:
      return "good";
    case Mood::kNote:
      return "note";
    case Mood::kBad:
      return "bad";
  }
  return "plain";
}

const char* form_name(FlamegraphForm form) {
  switch (form) {
    case FlamegraphForm::kIcicle:
      return "icicle";
    case FlamegraphForm::kFlame:
      return "flame";
    case FlamegraphForm::kInverted:
      return "inverted";
  }
  return "icicle";
}

// Strings that are written once and referred to by number.
class StringTable {
 public:
  uint32_t number_of(const std::string& text) {
    const auto [entry, added] = numbers_.try_emplace(text, static_cast<uint32_t>(strings_.size()));
    if (added) strings_.push_back(text);
    return entry->second;
  }
  const std::vector<std::string>& strings() const { return strings_; }

 private:
  std::map<std::string, uint32_t> numbers_;
  std::vector<std::string> strings_;
};

void write_functions(Writer& json, const Profile& profile, const FlamePalette& palette,
                     const std::vector<uint32_t>& used) {
  StringTable table;
  json.Key("functions");
  json.StartArray();
  for (const uint32_t index : used) {
    const Function& function = profile.functions[index];
    json.Uint(table.number_of(function.name));
    json.Uint(table.number_of(function.module));
    json.Uint(table.number_of(function.file));
    json.Uint(function.line);
    json.Uint(
        table.number_of(frame_type_name(function.type == FrameType::kInlined ? FrameType::kNative : function.type)));
    json.Uint(table.number_of(palette.function_class(index)));
  }
  json.EndArray();
  json.Key("strings");
  json.StartArray();
  for (const std::string& text : table.strings()) write_text(json, text);
  json.EndArray();
}

// Writes "nodes" and "leftOut"; returns the functions that occur, in the order of their numbers.
std::vector<uint32_t> write_nodes(Writer& json, const FlameGraph& graph) {
  std::vector<uint32_t> used;
  std::map<uint32_t, uint32_t> number_of;
  json.Key("nodes");
  json.StartArray();
  for (uint32_t i = 1; i < graph.nodes.size(); ++i) {
    const FlameNode& node = graph.nodes[i];
    json.Uint(i - node.parent);
    if (node.function == kNoIndex) {
      json.Uint(0);
      continue;
    }
    const auto [entry, added] = number_of.try_emplace(node.function, static_cast<uint32_t>(used.size()));
    if (added) used.push_back(node.function);
    json.Uint(2 * (entry->second + 1) + (node.type == FrameType::kInlined ? 1 : 0));
  }
  json.EndArray();
  json.Key("leftOut");
  json.StartArray();
  for (uint32_t i = 1; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].function != kNoIndex) continue;
    json.Uint(i);
    json.Uint64(graph.nodes[i].left_out);
  }
  json.EndArray();
  return used;
}

void write_threads(Writer& json, const Profile& profile, const FlameGraph& graph) {
  std::map<uint32_t, int> number_of;
  json.Key("processes");
  json.StartArray();
  for (const FlameThread& thread : graph.threads) {
    if (thread.process >= profile.recording.processes.size()) continue;
    if (!number_of.try_emplace(thread.process, static_cast<int>(number_of.size())).second) continue;
    const Process& process = profile.recording.processes[thread.process];
    json.StartArray();
    json.Int(process.pid);
    write_text(json, process.name());
    json.EndArray();
  }
  json.EndArray();
  json.Key("threads");
  json.StartArray();
  for (const FlameThread& thread : graph.threads) {
    const auto known = number_of.find(thread.process);
    json.StartArray();
    json.Int(known == number_of.end() ? -1 : known->second);
    json.Int(thread.tid);
    write_text(json, thread.name);
    json.EndArray();
  }
  json.EndArray();
}

// With the counts of blocks where values are bytes: there both are asked for.
void write_entries(Writer& json, const FlameGraph& graph, uint64_t scale, bool with_counts, bool counts_are_values) {
  const auto scaled = [scale](uint64_t value) { return (value + scale / 2) / scale; };
  json.Key("entryWidth");
  json.Int(with_counts ? 3 : 2);
  json.Key("entries");
  json.StartArray();
  const auto& entries = graph.entries;
  for (size_t begin = 0; begin < entries.size();) {
    size_t end = begin;
    while (end < entries.size() && entries[end].thread == entries[begin].thread &&
           entries[end].bin == entries[begin].bin)
      ++end;
    json.Uint(entries[begin].thread);
    json.Uint(entries[begin].bin);
    json.Uint64(end - begin);
    for (uint32_t previous = 0; begin < end; ++begin) {
      json.Uint(entries[begin].node - previous);
      json.Uint64(scaled(entries[begin].value));
      if (with_counts) json.Uint64(counts_are_values ? scaled(entries[begin].count) : entries[begin].count);
      previous = entries[begin].node;
    }
  }
  json.EndArray();
}

void write_difference(Writer& json, const FlameDifference& difference, uint64_t scale) {
  const auto unit = static_cast<double>(scale);
  json.Key("difference");
  json.StartObject();
  json.Key("weights");
  json.StartArray();
  json.Double(difference.base_weight / unit);
  json.Double(difference.newer_weight / unit);
  json.EndArray();
  json.Key("sigmas");
  json.Double(difference.sigmas);
  json.Key("least");
  json.Double(difference.least / unit);
  json.Key("whole");
  json.Double(difference.whole / unit);
  json.Key("equalTotals");
  json.Bool(difference.equal_totals);
  json.Key("summary");
  write_text(json, difference.summary);
  json.EndObject();
  json.Key("quality");
  json.StartArray();
  for (const std::string& note : difference.notes) {
    json.StartArray();
    json.String("");
    write_text(json, note);
    json.String("plain");
    json.EndArray();
  }
  json.EndArray();
}

void write_quality_panel(Writer& json, const Profile& profile) {
  json.Key("quality");
  json.StartArray();
  for (const QualityLine& line : quality_lines(profile)) {
    json.StartArray();
    write_text(json, line.label);
    write_text(json, line.text);
    json.String(mood_name(line.mood));
    json.EndArray();
  }
  json.EndArray();
}

}  // namespace

std::string flamegraph_data(const Profile& profile, const FlameGraph& graph, const FlamePalette& palette,
                            const FlamegraphOptions& options) {
  // Microseconds are fine enough for 10 ms; bytes stay what they are.
  const bool is_heap = is_heap_metric(profile.options.metric);
  const uint64_t scale = !is_heap && profile.total() > 10'000'000 ? 1000 : 1;
  rapidjson::StringBuffer buffer;
  Writer json(buffer);
  json.StartObject();
  json.Key("version");
  json.Int(1);
  json.Key("title");
  write_text(json, options.title);
  json.Key("command");
  write_text(json, command_line(profile.recording.session.command));
  json.Key("filters");
  write_text(json, describe_filters(profile.options));
  json.Key("form");
  json.String(form_name(options.form));
  json.Key("metric");
  json.String(metric_name(profile.options.metric));
  json.Key("unit");
  json.String(metric_unit(profile.options.metric));
  json.Key("words");
  json.String(value_words(profile.options.metric));
  json.Key("counted");
  json.String(is_heap && !is_bytes_metric(profile.options.metric) ? "" : counted_noun(profile.options.metric));
  json.Key("scale");
  json.Uint64(scale);
  json.Key("duration");
  json.Int64(profile.recording.duration_ns);
  json.Key("binLength");
  json.Int64(graph.bin_length_ns);
  json.Key("bins");
  json.Uint(graph.bins);
  json.Key("samples");
  uint64_t samples = 0;
  for (const ProfileSample& sample : profile.samples) samples += sample.count;
  json.Uint64(samples);
  json.Key("complete");
  json.Bool(profile.quality.complete);
  json.Key("leftOutFrames");
  json.Uint64(graph.left_out);
  const bool is_difference = options.difference != nullptr;
  if (is_difference) {
    write_difference(json, *options.difference, scale);
  } else {
    write_quality_panel(json, profile);
  }
  json.Key("legend");
  json.StartArray();
  for (const LegendEntry& entry : palette.legend()) {
    json.StartArray();
    write_text(json, entry.name);
    json.String(entry.colour_class.c_str());
    json.Uint64(entry.self / scale);
    json.EndArray();
  }
  json.EndArray();
  const std::vector<uint32_t> used = write_nodes(json, graph);
  write_functions(json, profile, palette, used);
  write_threads(json, profile, graph);
  write_entries(json, graph, scale, is_difference || is_bytes_metric(profile.options.metric), is_difference);
  json.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace flarestack
