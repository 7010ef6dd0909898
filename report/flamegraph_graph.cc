// SPDX-License-Identifier: Apache-2.0
#include "report/flamegraph_graph.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace flarestack {
namespace {

constexpr uint64_t kWidestScreen = 4096;
constexpr size_t kMostThreads = 100;     // in the page's list
constexpr int64_t kMostBins = 60;        // a bar each in the page's time line
constexpr size_t kMostEntries = 60'000;  // about half a megabyte

// The root of what is drawn: the tree's, or the only process's.
uint32_t drawn_root(const Profile& profile) {
  const auto top = profile.tree.children(CallTree::kRoot);
  const bool one_process = top.size() == 1 && profile.tree.nodes()[top[0]].type == FrameType::kProcess;
  return one_process ? top[0] : CallTree::kRoot;
}

// Copies the wide nodes, in preorder, and says for each node of the profile which copy has its samples.
std::vector<uint32_t> copy_wide_nodes(const Profile& profile, FlameGraph& graph) {
  const auto& nodes = profile.tree.nodes();
  const uint64_t least = std::max<uint64_t>(1, profile.total() / kWidestScreen);
  std::vector<uint32_t> copy_of(nodes.size(), 0);
  struct Visit {
    uint32_t node;
    uint32_t parent;
  };
  const uint32_t root = drawn_root(profile);
  graph.nodes.push_back({0, kNoIndex, FrameType::kNative, 0, 0, 0});
  std::vector<Visit> to_visit;
  std::vector<uint32_t> narrow;  // left out; all below it goes the same way
  const auto visit_children = [&](uint32_t node, uint32_t copy) {
    const auto children = profile.tree.children(node);
    const auto wide =
        std::find_if(children.begin(), children.end(), [&](uint32_t child) { return nodes[child].total < least; });
    if (wide != children.end()) {
      const auto rest = static_cast<uint32_t>(graph.nodes.size());
      graph.nodes.push_back({copy, kNoIndex, FrameType::kMarker, 0, 0, 0});
      for (auto child = wide; child != children.end(); ++child) {
        copy_of[*child] = rest;
        narrow.push_back(*child);
      }
    }
    for (auto child = wide; child != children.begin();) to_visit.push_back({*--child, copy});
  };
  visit_children(root, 0);
  while (!to_visit.empty()) {
    const Visit visit = to_visit.back();
    to_visit.pop_back();
    const auto copy = static_cast<uint32_t>(graph.nodes.size());
    copy_of[visit.node] = copy;
    graph.nodes.push_back({visit.parent, nodes[visit.node].function, nodes[visit.node].type, 0, 0, 0});
    visit_children(visit.node, copy);
  }
  while (!narrow.empty()) {
    const uint32_t node = narrow.back();
    narrow.pop_back();
    ++graph.nodes[copy_of[node]].left_out;
    ++graph.left_out;
    for (const uint32_t child : profile.tree.children(node)) {
      copy_of[child] = copy_of[node];
      narrow.push_back(child);
    }
  }
  return copy_of;
}

// For each thread of the recording (and one more: the lost ones) its number in graph.threads.
std::vector<uint32_t> choose_threads(const Profile& profile, FlameGraph& graph) {
  const Recording& recording = profile.recording;
  const auto lost = static_cast<uint32_t>(recording.threads.size());
  std::vector<uint64_t> value_of(recording.threads.size() + 1, 0);
  for (const ProfileSample& sample : profile.samples) value_of[std::min(sample.thread, lost)] += sample.value;
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < value_of.size(); ++i) {
    if (value_of[i] != 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return value_of[a] > value_of[b]; });

  std::vector<uint32_t> number_of(value_of.size(), 0);
  std::map<uint32_t, uint32_t> others;  // by process
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const uint32_t thread = order[rank];
    const auto next = static_cast<uint32_t>(graph.threads.size());
    const uint32_t process = thread < lost ? recording.threads[thread].process : kLostIndex;
    if (rank < kMostThreads) {
      number_of[thread] = next;
      if (thread < lost) {
        graph.threads.push_back({process, recording.threads[thread].tid, recording.threads[thread].name});
      } else {
        graph.threads.push_back({kNoIndex, 0, "[lost]"});
      }
      continue;
    }
    const auto [entry, added] = others.try_emplace(process, next);
    if (added) graph.threads.push_back({process, 0, "other threads"});
    number_of[thread] = entry->second;
  }
  return number_of;
}

// Puts entries of one thread, bin and node together, in this order.
void merge_entries(FlameGraph& graph) {
  struct Keyed {
    uint64_t key;  // thread and bin, node: sorted as one number, twice as fast as field by field
    uint64_t value;
    uint64_t count;
  };
  std::vector<Keyed> keyed;
  keyed.reserve(graph.entries.size());
  for (const FlameEntry& entry : graph.entries) {
    keyed.push_back({(uint64_t{entry.thread} * graph.bins + entry.bin) << 32 | entry.node, entry.value, entry.count});
  }
  std::sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) { return a.key < b.key; });
  graph.entries.clear();
  for (size_t i = 0; i < keyed.size(); ++i) {
    if (i != 0 && keyed[i - 1].key == keyed[i].key) {
      graph.entries.back().value += keyed[i].value;
      graph.entries.back().count += keyed[i].count;
      continue;
    }
    const auto group = static_cast<uint32_t>(keyed[i].key >> 32);
    graph.entries.push_back(
        {group / graph.bins, group % graph.bins, static_cast<uint32_t>(keyed[i].key), keyed[i].value, keyed[i].count});
  }
}

void fill_entries(const Profile& profile, const std::vector<uint32_t>& copy_of, FlameGraph& graph) {
  const std::vector<uint32_t> number_of = choose_threads(profile, graph);
  const auto lost = static_cast<uint32_t>(profile.recording.threads.size());
  int64_t end_ns = std::max<int64_t>(profile.recording.duration_ns, 1);
  int64_t longest_ns = 1;
  for (const ProfileSample& sample : profile.samples) {
    end_ns = std::max(end_ns, sample.slice_start_ns + sample.slice_length_ns);
    longest_ns = std::max(longest_ns, sample.slice_length_ns);
  }
  graph.bin_length_ns = std::max((end_ns + kMostBins - 1) / kMostBins, longest_ns);
  graph.bins = static_cast<uint32_t>((end_ns + graph.bin_length_ns - 1) / graph.bin_length_ns);
  graph.entries.reserve(profile.samples.size());
  for (const ProfileSample& sample : profile.samples) {
    const int64_t middle_ns = sample.slice_start_ns + sample.slice_length_ns / 2;
    const int64_t bin = std::clamp<int64_t>(middle_ns / graph.bin_length_ns, 0, graph.bins - 1);
    graph.entries.push_back({number_of[std::min(sample.thread, lost)], static_cast<uint32_t>(bin), copy_of[sample.node],
                             sample.value, sample.count});
  }
  merge_entries(graph);
  while (graph.entries.size() > kMostEntries && graph.bins > 1) {
    for (FlameEntry& entry : graph.entries) entry.bin /= 2;
    graph.bins = (graph.bins + 1) / 2;
    graph.bin_length_ns *= 2;
    merge_entries(graph);
  }
}

void sum_totals(FlameGraph& graph) {
  for (FlameNode& node : graph.nodes) {
    node.total = node.self;
    node.total_count = node.self_count;
  }
  for (size_t i = graph.nodes.size() - 1; i > 0; --i) {
    FlameNode& parent = graph.nodes[graph.nodes[i].parent];
    parent.total += graph.nodes[i].total;
    parent.total_count += graph.nodes[i].total_count;
  }
}

}  // namespace

FlameGraph make_flame_graph(const Profile& profile) {
  FlameGraph graph;
  const std::vector<uint32_t> copy_of = copy_wide_nodes(profile, graph);
  fill_entries(profile, copy_of, graph);
  for (const FlameEntry& entry : graph.entries) {
    graph.nodes[entry.node].self += entry.value;
    graph.nodes[entry.node].self_count += entry.count;
  }
  sum_totals(graph);
  return graph;
}

FlameGraph inverted(const FlameGraph& graph) {
  FlameGraph result;
  result.nodes.push_back({0, kNoIndex, FrameType::kNative, 0, 0, 0});
  result.left_out = graph.left_out;
  std::map<std::tuple<uint32_t, uint32_t, bool>, uint32_t> child_of;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].self == 0) continue;
    uint32_t node = 0;
    for (auto at = static_cast<uint32_t>(i); at != 0; at = graph.nodes[at].parent) {
      const FlameNode& frame = graph.nodes[at];
      const auto next = static_cast<uint32_t>(result.nodes.size());
      const bool is_inlined = frame.type == FrameType::kInlined;
      const auto [entry, added] = child_of.try_emplace({node, frame.function, is_inlined}, next);
      if (added) result.nodes.push_back({node, frame.function, frame.type, 0, 0, frame.left_out});
      node = entry->second;
    }
    result.nodes[node].self += graph.nodes[i].self;
    result.nodes[node].self_count += graph.nodes[i].self_count;
  }
  sum_totals(result);
  return result;
}

}  // namespace flarestack
