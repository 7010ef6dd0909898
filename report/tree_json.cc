// SPDX-License-Identifier: Apache-2.0
#include "report/tree_json.h"

#include "report/json_writer.h"

namespace flarestack {
namespace {

void write_nodes(JsonWriter& json, std::string_view key, const Profile& profile, const CallTree& tree,
                 double threshold) {
  json.key(key);
  json.begin_array();
  for (const TreeRow& row : tree_rows(tree, threshold)) {
    const Function& function = profile.functions[row.function];
    json.begin_object();
    json.key("parent");
    if (row.parent == kNoIndex) {
      json.null();
    } else {
      json.value(row.parent);
    }
    json.member("depth", row.depth);
    json.member("name", function.name);
    json.member("module", function.module);
    json.member("kind", frame_type_name(row.type));
    json.member("file", function.file);
    json.member("line", function.line);
    json.member("self", row.self);
    json.member("total", row.total);
    json.member("recursion", row.folded);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

Result<std::string> tree_json(const Profile& profile, const TreeOptions& options) {
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.tree/1");
  json.member("command", profile.recording.session.command);
  json.member("metric", metric_name(profile.options.metric));
  json.member("unit", metric_unit(profile.options.metric));
  json.member("total", profile.total());
  json.member("threshold", options.threshold);
  if (options.function.empty()) {
    write_nodes(json, "nodes", profile, profile.tree, options.threshold);
  } else {
    const auto functions = find_functions(profile, options.function);
    if (!functions) return functions.error();
    json.key("functions");
    json.begin_array();
    for (const uint32_t function : *functions) {
      const CallTree callees = callees_of(profile.tree, function);
      json.begin_object();
      json.member("name", profile.functions[function].name);
      json.member("module", profile.functions[function].module);
      json.member("total", callees.total());
      write_nodes(json, "callers", profile, callers_of(profile.tree, function), options.threshold);
      write_nodes(json, "callees", profile, callees, options.threshold);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
