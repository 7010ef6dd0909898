// SPDX-License-Identifier: Apache-2.0
#include "report/callgrind.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

#include "model/location_tree.h"
#include "report/metric_words.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

struct Cost {
  uint64_t value = 0;
  uint64_t count = 0;
  void add(const Cost& other) {
    value += other.value;
    count += other.count;
  }
};

// Where in the source: an index of Profile::files, and a line.
using Place = std::pair<uint32_t, uint32_t>;

struct FunctionCosts {
  std::map<Place, Cost> self;
  std::map<std::pair<Place, uint32_t>, Cost> calls;  // by the place of the call, and the function called
};

// What stands for a process has the numbers behind those of functions.
struct CallGraph {
  std::vector<FunctionCosts> functions;
  std::vector<std::map<uint32_t, Cost>> processes;  // by process, one more for a lost one; by function called
};

std::vector<Cost> self_costs(const Profile& profile, const LocationTree& tree) {
  std::vector<Cost> costs(tree.nodes().size());
  for (const ProfileSample& sample : profile.samples) costs[tree.node_of(sample)].add({sample.value, sample.count});
  return costs;
}

class GraphBuilder {
 public:
  GraphBuilder(const Profile& profile, const LocationTree& tree)
      : profile_(profile), nodes_(tree.nodes()), totals_(self_costs(profile, tree)) {
    graph_.functions.resize(profile.functions.size());
    graph_.processes.resize(profile.recording.processes.size() + 1);
    add_self();
    add_processes(tree);
    for (size_t i = nodes_.size() - 1; i > 0; --i) totals_[nodes_[i].parent].add(totals_[i]);
    add_calls();
  }
  CallGraph take() { return std::move(graph_); }

 private:
  const Location& location_of(uint32_t node) const { return profile_.locations[nodes_[node].location]; }
  Place place_of(uint32_t node) const { return {location_of(node).file, location_of(node).line}; }

  void add_self() {
    for (uint32_t i = 1; i < nodes_.size(); ++i) {
      if (totals_[i].value == 0 && totals_[i].count == 0) continue;
      graph_.functions[location_of(i).function].self[place_of(i)].add(totals_[i]);
    }
  }

  void add_processes(const LocationTree& tree) {
    std::vector<uint32_t> top_of(nodes_.size(), LocationTree::kRoot);
    for (uint32_t i = 1; i < nodes_.size(); ++i)
      top_of[i] = nodes_[i].parent == LocationTree::kRoot ? i : top_of[nodes_[i].parent];
    for (const ProfileSample& sample : profile_.samples) {
      const uint32_t process = profile_.recording.process_of_thread(sample.thread);
      const uint32_t function = location_of(top_of[tree.node_of(sample)]).function;
      graph_.processes[std::min<size_t>(process, graph_.processes.size() - 1)][function].add(
          {sample.value, sample.count});
    }
  }

  // Down the tree, so that it is known which functions are on the stack.
  void add_calls() {
    std::vector<uint32_t> first_child(nodes_.size(), LocationTree::kRoot);
    std::vector<uint32_t> next_sibling(nodes_.size(), LocationTree::kRoot);
    for (auto i = static_cast<uint32_t>(nodes_.size() - 1); i > 0; --i)
      next_sibling[i] = std::exchange(first_child[nodes_[i].parent], i);
    std::vector<uint32_t> on_stack(profile_.functions.size(), 0);  // how many times
    uint32_t node = first_child[LocationTree::kRoot];
    while (node != LocationTree::kRoot) {
      const uint32_t function = location_of(node).function;
      if (nodes_[node].parent != LocationTree::kRoot) add_call(node, on_stack[function] != 0);
      ++on_stack[function];
      if (first_child[node] != LocationTree::kRoot) {
        node = first_child[node];
        continue;
      }
      while (node != LocationTree::kRoot) {
        --on_stack[location_of(node).function];
        if (next_sibling[node] != LocationTree::kRoot) break;
        node = nodes_[node].parent;
      }
      if (node != LocationTree::kRoot) node = next_sibling[node];
    }
  }

  void add_call(uint32_t node, bool is_recursive) {
    const Cost& total = totals_[node];
    if (total.value == 0 && total.count == 0) return;
    const uint32_t caller = nodes_[node].parent;
    Cost& cost = graph_.functions[location_of(caller).function].calls[{place_of(caller), location_of(node).function}];
    if (!is_recursive) cost.add(total);
  }

  const Profile& profile_;
  const std::vector<LocationNode>& nodes_;
  std::vector<Cost> totals_;  // self costs at first
  CallGraph graph_;
};

// Writes "fn=(3) name" at the first time, and "fn=(3)" from then on.
class CompressedNames {
 public:
  std::string of(const std::string& name) {
    const auto [entry, added] = numbers_.try_emplace(name, numbers_.size() + 1);
    const std::string number = "(" + std::to_string(entry->second) + ")";
    return added ? number + " " + printable(name) : number;
  }

 private:
  std::map<std::string, size_t> numbers_;
};

class Writer {
 public:
  explicit Writer(const Profile& profile) : profile_(profile) {
    // Where the metric is a number of things, what stands behind it is the same number.
    const Metric metric = profile.options.metric;
    has_count_ = !is_heap_metric(metric) || is_bytes_metric(metric);
  }

  std::string write(const CallGraph& graph) {
    write_head();
    for (uint32_t i = 0; i < graph.processes.size(); ++i) {
      if (!graph.processes[i].empty()) write_process(i, graph.processes[i]);
    }
    for (uint32_t i = 0; i < graph.functions.size(); ++i) write_function(i, graph.functions[i]);
    out_ += "totals: " + cost_text(total_) + "\n";
    return std::move(out_);
  }

 private:
  std::string cost_text(const Cost& cost) const {
    return std::to_string(cost.value) + (has_count_ ? " " + std::to_string(cost.count) : "");
  }

  void write_head() {
    const Recording& recording = profile_.recording;
    const Metric metric = profile_.options.metric;
    for (const ProfileSample& sample : profile_.samples) total_.add({sample.value, sample.count});
    out_ += "# callgrind format\nversion: 1\ncreator: flarestack " + printable(recording.session.version) + "\n";
    if (recording.processes.size() == 1) out_ += "pid: " + std::to_string(recording.processes[0].pid) + "\n";
    out_ += "cmd: " + printable(command_line(recording.session.command)) + "\npart: 1\n";
    const std::string filters = describe_filters(profile_.options);
    if (!filters.empty()) out_ += "desc: Filters: " + filters + "\n";
    out_ += "positions: line\n";
    const std::string name = metric_name(metric);
    const std::string counted = std::string(counted_noun(metric)) + "s";
    out_ += "event: " + name + " : " + metric_title(metric) + " (" + metric_unit(metric) + ")\n";
    if (has_count_) out_ += "event: " + counted + " : Number of " + counted + "\n";
    out_ += "events: " + name + (has_count_ ? " " + counted : "") + "\nsummary: " + cost_text(total_) + "\n";
  }

  const std::string& file_name(const std::string& file) const { return file.empty() ? unknown_ : file; }

  void write_position(const char* object_key, const char* file_key, const char* function_key,
                      const Function& function) {
    const std::string& module = function.module_path.empty() ? unknown_ : function.module_path;
    out_ += object_key + objects_.of(module) + "\n";
    out_ += file_key + files_.of(file_name(function.file)) + "\n";
    out_ += function_key + functions_.of(function.name) + "\n";
  }

  void write_call(uint32_t callee, uint32_t line, const Cost& cost) {
    const Function& function = profile_.functions[callee];
    write_position("cob=", "cfi=", "cfn=", function);
    out_ += "calls=" + std::to_string(std::max<uint64_t>(cost.count, 1)) + " " + std::to_string(function.line) + "\n";
    out_ += std::to_string(line) + " " + cost_text(cost) + "\n";
  }

  void write_process(uint32_t index, const std::map<uint32_t, Cost>& roots) {
    const bool known = index < profile_.recording.processes.size();
    Function stands_for;
    stands_for.name = "[lost process]";
    if (known) {
      const Process& process = profile_.recording.processes[index];
      stands_for.name = process.name() + " [" + std::to_string(process.pid) + "]";
      stands_for.module_path = process.executable;
    }
    out_ += "\n";
    write_position("ob=", "fl=", "fn=", stands_for);
    for (const auto& [function, cost] : roots) write_call(function, 0, cost);
  }

  // Lines of another file than the one the function begins in are behind "fi=".
  void write_function(uint32_t index, const FunctionCosts& costs) {
    if (costs.self.empty() && costs.calls.empty()) return;
    const Function& function = profile_.functions[index];
    out_ += "\n";
    write_position("ob=", "fl=", "fn=", function);
    const std::string* current = &function.file;
    const auto go_to = [&](uint32_t file) {
      const std::string& wanted = profile_.files[file].empty() ? function.file : profile_.files[file];
      if (wanted == *current) return;
      out_ += (wanted == function.file ? "fe=" : "fi=") + files_.of(file_name(wanted)) + "\n";
      current = &wanted;
    };
    // callgrind_annotate wants a cost in each file.
    if (costs.self.empty()) out_ += std::to_string(function.line) + " " + cost_text({}) + "\n";
    for (const auto& [place, cost] : costs.self) {
      go_to(place.first);
      out_ += std::to_string(place.second) + " " + cost_text(cost) + "\n";
    }
    for (const auto& [call, cost] : costs.calls) {
      const auto& [place, callee] = call;
      go_to(place.first);
      write_call(callee, place.second, cost);
    }
  }

  const Profile& profile_;
  bool has_count_ = true;
  Cost total_;
  const std::string unknown_ = "???";
  CompressedNames objects_;
  CompressedNames files_;
  CompressedNames functions_;
  std::string out_;
};

}  // namespace

std::string callgrind(const Profile& profile) {
  const LocationTree tree(profile);
  return Writer(profile).write(GraphBuilder(profile, tree).take());
}

}  // namespace flarestack
