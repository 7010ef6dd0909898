// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "importer/collapsed_line.h"
#include "importer/import.h"

namespace flarestack {
namespace {

constexpr uint32_t kEvent = 0;

// The frames of a stack become nodes of the call tree as they are read, root first; an inlined one is held with those
// that it was inlined into until the next that is none.
class CollapsedStack {
 public:
  explicit CollapsedStack(TraceBuilder& builder) : builder_(builder) {}

  StackId read(std::string_view text) {
    node_ = {};
    if (text.empty()) return node_;
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(';', begin), text.size());
      add(parse_collapsed_frame(text.substr(begin, end - begin)));
      begin = end + 1;
    }
    flush();
    return node_;
  }

 private:
  void add(const CollapsedFrame& frame) {
    if (!frame.inlined) flush();
    FrameRecord record;
    record.kind = frame.kind;
    record.name = builder_.string(frame.name);
    if (!frame.file.empty()) record.file = builder_.string(frame.file);
    record.line = frame.line;
    outermost_first_.push_back(record);
  }
  void flush() {
    if (outermost_first_.empty()) return;
    std::reverse(outermost_first_.begin(), outermost_first_.end());
    leaf_first_.clear();
    builder_.add_address(outermost_first_, leaf_first_);
    for (auto each = leaf_first_.rbegin(); each != leaf_first_.rend(); ++each) node_ = builder_.stack(node_, *each);
    outermost_first_.clear();
  }

  TraceBuilder& builder_;
  StackId node_;
  std::vector<FrameRecord> outermost_first_;  // of one address
  std::vector<FrameId> leaf_first_;
};

}  // namespace

Result<uint64_t> import_collapsed(InputReader& input, TraceBuilder& builder, const ImportOptions& options) {
  builder.begin(imported_session("collapsed stacks"));
  const ThreadId thread = builder.thread(builder.process(0, "all", 0), 0, "all", 0);
  CollapsedStack stack(builder);
  const double ns_per_count = static_cast<double>(options.ns_per_count.value_or(1));
  uint64_t lines = 0;
  std::string_view line;
  while (input.next_line(line)) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    const auto parsed = parse_collapsed_line(line);
    if (!parsed)
      return Error{
          fmt::format("line {} does not end in a space and a number, as a collapsed stack does", input.line_number())};
    if (builder.full()) return Error{fmt::format("line {}: {}", input.line_number(), too_much_to_import().message)};
    const StackId node = stack.read(parsed->stack);
    const uint64_t count =
        parsed->whole_value ? *parsed->whole_value : static_cast<uint64_t>(std::min(parsed->value, 1e18) + 0.5);
    // A count is a number of samples only where it is said what one of them is worth.
    builder.add_weight(kEvent, thread, node, 0, options.ns_per_count ? count : 0, count);
    ++lines;
  }
  if (const Result<void> error = input.error(); !error.ok()) return error.error();
  const TraceBuilder::EventMeaning meaning{kEvent, SampleMetric::kCpu, ns_per_count};
  builder.write_weights({&meaning, 1});
  if (!options.ns_per_count)
    builder.note(
        "collapsed stacks do not say what their numbers are: each is taken for so many nanoseconds; "
        "`flarestack import --period` says what a count is worth");
  if (const Result<void> ended = builder.end(0); !ended.ok()) return ended.error();
  return lines;
}

}  // namespace flarestack
