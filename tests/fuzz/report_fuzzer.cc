// SPDX-License-Identifier: Apache-2.0
// links: flarestack_report
// Records as a damaged or hostile trace might hold them, through the model into every report. A byte says which record
// comes next, the bytes behind it are its fields; ids are small, so that most records meet others.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "report/annotate_html.h"
#include "report/annotate_json.h"
#include "report/annotate_text.h"
#include "report/callgrind.h"
#include "report/chrome_trace.h"
#include "report/collapsed.h"
#include "report/diff_json.h"
#include "report/diff_markdown.h"
#include "report/diff_text.h"
#include "report/difference_svg.h"
#include "report/firefox_profile.h"
#include "report/flamegraph_svg.h"
#include "report/heaptrack_text.h"
#include "report/info_json.h"
#include "report/info_text.h"
#include "report/leaks_json.h"
#include "report/leaks_suppressions.h"
#include "report/leaks_text.h"
#include "report/massif.h"
#include "report/pprof.h"
#include "report/profile_csv.h"
#include "report/profile_json.h"
#include "report/report_json.h"
#include "report/report_markdown.h"
#include "report/speedscope.h"
#include "report/summary_text.h"
#include "report/tree_json.h"
#include "report/tree_text.h"
#include "report/usage_plot.h"
#include "report/view_data.h"
#include "symbolizer/disassembly.h"

namespace flarestack {
namespace {

class Input {
 public:
  Input(const uint8_t* data, size_t size_bytes) : at_(data), end_(data + size_bytes) {}
  bool empty() const { return at_ == end_; }
  uint8_t byte() { return empty() ? 0 : *at_++; }
  // Mostly small, now and then anything at all.
  uint64_t number() {
    const uint8_t first = byte();
    if (first < 0xF0) return first;
    uint64_t value = 0;
    for (int i = first & 7; i >= 0; --i) value = value << 8 | byte();
    return value;
  }
  uint32_t id() { return static_cast<uint32_t>(number()); }
  int64_t time() { return static_cast<int64_t>(number()); }
  std::string text() {
    std::string out;
    for (size_t length = byte() % 32; length > 0 && !empty(); --length) out += static_cast<char>(byte());
    return out;
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

TraceRecord next_record(Input& in) {
  switch (in.byte() % 16) {
    case 0: {
      SessionRecord session;
      session.command = {in.text(), in.text()};
      const uint8_t modes = in.byte();
      session.clock = static_cast<ClockKind>(modes % 4);
      session.heap = static_cast<HeapMode>(modes / 64);
      if ((modes & 32) != 0) session.imported_from = "pprof";
      session.requested_hz = in.id();
      session.start_realtime_ns = in.time();
      return session;
    }
    case 1:
      return StringRecord{{in.id()}, in.text()};
    case 2: {
      const ProcessOrigin origin = static_cast<ProcessOrigin>(in.byte() % 5);
      return ProcessRecord{{in.id()}, {in.id()},   origin,    static_cast<int32_t>(in.id()),
                           in.text(), {in.text()}, in.time(), static_cast<SamplingWay>(in.byte() % 4),
                           in.id(),   in.text()};
    }
    case 3:
      return ProcessEndRecord{
          {in.id()}, static_cast<ExitKind>(in.byte() % 6), static_cast<int32_t>(in.id()), in.time(), in.number()};
    case 4:
      return ThreadRecord{{in.id()}, {in.id()}, static_cast<int32_t>(in.id()), in.text(), in.time()};
    case 5:
      return ModuleRecord{{in.id()}, in.text(), {in.byte()}};
    case 6: {
      const auto kind = static_cast<FrameKind>(in.byte() % 6);
      const auto address = static_cast<AddressKind>(in.byte() % 2);
      FrameRecord frame{{in.id()}, kind, address, {in.id()}, {in.number()}, {in.id()}};
      if (kind != FrameKind::kSymbolized) return frame;
      frame.file = {in.id()};
      frame.line = in.id();
      frame.function_line = in.id();
      frame.inlined_into = {in.id()};
      return frame;
    }
    case 7:
    case 8:
      return StackRecord{{in.id()}, {in.id()}, {in.id()}};
    case 9: {
      const auto metric = static_cast<SampleMetric>(in.byte() % 3);
      return SampleRecord{{in.id()}, {in.id()}, metric, in.time(), in.time(), in.number(), in.number()};
    }
    case 15: {
      AllocationRecord record{{in.id()}, {in.id()}, static_cast<MemoryKind>(in.byte() % 2),
                              in.byte(), in.time(), in.time()};
      record.allocations = in.number();
      record.allocated_bytes = in.number();
      record.deallocations = in.number();
      record.deallocated_bytes = in.number();
      record.temporary = in.number();
      record.lifetimes[in.byte() % kLifetimeClasses] = in.number();
      record.peak_bytes = in.time();
      record.peak_blocks = in.time();
      record.variance_kib2 = in.number();
      return record;
    }
    case 12:
      return HeapSliceRecord{{in.id()},   in.time(), in.time(),   in.number(),
                             in.number(), in.time(), in.number(), in.number()};
    case 13: {
      MemoryRecord record{{in.id()}, in.time(), in.number(), in.number(), in.number()};
      record.heap_live_bytes = in.number();
      return record;
    }
    case 11: {
      const uint8_t kind = in.byte();
      if (kind % 4 == 0) {
        return LeakCheckRecord{{in.id()},   in.id(),     static_cast<LeakCheckCause>(in.byte() % 5),
                               in.time(),   in.number(), in.number(),
                               in.number(), in.number(), in.text()};
      }
      LeakRecord record;
      record.process = {in.id()};
      record.check = in.id();
      record.verdict = static_cast<LeakVerdict>(kind / 4 % 4);
      record.inherited = kind >= 240;
      record.thread = {in.id()};
      record.stack = {in.id()};
      record.blocks = in.number();
      record.bytes = in.number();
      record.smallest_bytes = in.number();
      record.largest_bytes = in.number();
      record.first_ns = in.time();
      record.last_ns = in.time();
      record.holder = static_cast<LeakHolder>(in.byte() % 8);
      record.holder_module = {in.id()};
      record.holder_offset = {in.number()};
      record.holder_thread = {in.id()};
      record.holder_stack = {in.id()};
      return record;
    }
    case 14:
      return NoteRecord{{in.id()}, in.text()};
    case 10:
      return CounterRecord{{in.id()}, in.text(), in.number()};
    default:
      return in.byte() % 2 == 0
                 ? TraceRecord(UnrecordedRecord{static_cast<int32_t>(in.id()), {in.id()}, in.text(), in.text()})
                 : TraceRecord(EndRecord{in.time()});
  }
}

// Some locations are inlined code, some lack symbols, some queries are not answered at all.
SymbolAnswer answer(const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries) {
  SymbolAnswer result;
  for (const SymbolModule& module : modules)
    result.modules.push_back(
        {module.id, static_cast<ModuleSymbols::Level>(module.path.size() % 4), module.path + " is odd", ""});
  for (const SymbolQuery& query : queries) {
    std::vector<SymbolFrame> frames;
    if (query.lookup.value % 3 == 0) frames.push_back({"inner", "a.h", 3, true, 0});
    if (query.lookup.value % 7 != 0)
      frames.push_back({"f" + std::to_string(query.lookup.value % 16), "a.cc",
                        static_cast<uint32_t>(query.lookup.value), false, query.lookup.value});
    result.frames.push_back(frames);
  }
  if (queries.size() % 5 == 4) result.frames.pop_back();
  return result;
}

void check(bool holds) {
  if (!holds) std::abort();
}

std::vector<RawSymbol> raw_answer(const SymbolModule&, std::span<const uint64_t> offsets, SymbolSort) {
  std::vector<RawSymbol> found;
  for (const uint64_t offset : offsets)
    found.push_back(offset % 2 == 0 ? RawSymbol() : RawSymbol{"_Z1fi", offset / 2, offset});
  if (offsets.size() % 3 == 2) found.pop_back();
  return found;
}

void report_leaks(const Profile& profile) {
  Suppressions suppressions;
  check(suppressions.add(kBuiltinSuppressions, kBuiltinSuppressionsName).ok());
  LeakOptions options;
  options.suppressions = &suppressions;
  options.raw_symbols = raw_answer;
  options.mangled_names = true;
  const Leaks leaks = find_leaks(profile, options);
  const HeapGrowth growth = find_growth(profile, uint64_t{1} << 30);
  LeakReportOptions report;
  report.shown = 0x0F;
  check(leaks_text(profile, leaks, growth, suppressions, report).find('\x1b') == std::string::npos);
  check(leaks_json(profile, leaks, growth, suppressions, report).ends_with("}\n"));
  const std::string generated = leak_suppressions(profile, leaks, report);
  check(Suppressions().add(generated, "generated").ok());
}

// Of any module the same code, around the first offset that is asked about: a loop with a division, a jump out, a call.
Result<FunctionCode> code_answer(const CodeRequest& request) {
  constexpr uint8_t kCode[] = {0x48, 0xf7, 0xf1, 0x8b, 0x07, 0x75, 0xf9, 0xe8, 0x10, 0,
                               0,    0,    0x74, 0x20, 0xf0, 0xff, 0x00, 0x06, 0xc3};
  if (request.offsets.empty() || request.offsets.front() % 5 == 4) return Error{"there is none"};
  FunctionCode code;
  for (const uint64_t offset : request.offsets) {
    const uint64_t begin = offset & ~uint64_t{0xF};
    if (!code.pieces.empty() && begin < code.pieces.back().end) continue;
    code.pieces.push_back({begin, begin + sizeof kCode, "f", disassemble(kCode, begin, request.offsets)});
  }
  return code;
}

void annotate_some(const Profile& profile) {
  AnnotationSources sources;
  sources.symbols = answer;
  sources.code = code_answer;
  sources.text = [](const SourceRequest& request) {
    return request.last_line % 2 == 0 ? SourceText{{"x", "y\x1b", "z"}, ""} : SourceText{{}, request.path + " is gone"};
  };
  sources.data_names = [](const SymbolModule&, const std::vector<uint64_t>&) { return std::vector<std::string>{"v"}; };
  for (uint32_t function = 0; function < std::min<size_t>(profile.functions.size(), 3); ++function) {
    AnnotatedFunction annotated;
    annotated.annotation = annotate(profile, function, sources);
    annotated.hints = work_hints(profile, annotated.annotation, sources);
    for (const AnnotateOrder order : {AnnotateOrder::kAddress, AnnotateOrder::kHot}) {
      AnnotateOptions options;
      options.order = order;
      check(annotate_text(profile, annotated, options).find('\x1b') == std::string::npos);
      check(annotate_html(profile, {annotated}, options).ends_with("</html>\n"));
    }
    check(annotate_json(profile, {annotated}, {function}).ends_with("}\n"));
  }
}

// The whole recording as a page has it.
void view(const std::shared_ptr<const Recording>& recording, ProfileOptions options) {
  options.from_ns = options.to_ns = std::nullopt;
  options.group_by_process = false;
  options.every_frame = true;
  options.metric = Metric::kWall;
  const auto time = build_profile(recording, options, answer);
  options.metric = Metric::kAllocated;
  const auto heap = build_profile(recording, options, answer);
  check(time.ok() && heap.ok() == recording->has_heap());
  Suppressions suppressions;
  check(suppressions.add(kBuiltinSuppressions, kBuiltinSuppressionsName).ok());
  LeakOptions leak_options;
  leak_options.raw_symbols = raw_answer;
  leak_options.suppressions = &suppressions;
  const Leaks leaks = heap.ok() ? find_leaks(*heap, leak_options) : Leaks();
  ViewSources sources;
  sources.time = &*time;
  sources.heap = heap.ok() ? &*heap : nullptr;
  sources.leaks = heap.ok() ? &leaks : nullptr;
  sources.suppressions = &suppressions;
  const std::string data = view_data(sources);
  check(data.size() > 4 && data[4] == '{');
}

// The whole against a part of it, both ways, and its course.
void compare(const Profile& profile, ProfileOptions options) {
  options.ignore = options.ignore.empty() ? "f1" : "";
  const auto other = build_profile(profile.shared, options, answer);
  check(other.ok());
  const Profile* sides[] = {&profile, &*other};
  for (const size_t base : {0, 1}) {
    const std::span one(&sides[base], 1), another(&sides[1 - base], 1);
    DiffReport report;
    report.base = report.newer = {{"a.flare"}, "a"};
    report.equal_totals = base == 1;
    report.metrics.push_back(diff_profiles(one, another, {report.equal_totals}));
    check(diff_text(report).find('\x1b') == std::string::npos);
    check(diff_markdown(report).find('\x1b') == std::string::npos);
    check(diff_json(report).ends_with("}\n"));
    const DifferenceTree tree = difference_tree(one, another, report.equal_totals, ChangeTest::kLeastShare);
    check(difference_svg(tree, report).ends_with("</svg>\n"));
  }
  const bool is_heap = is_heap_metric(profile.options.metric);
  const UsagePlot plot = usage_plot(is_heap ? &profile : nullptr, is_heap ? nullptr : &profile, {});
  check(usage_plot_text(plot, {}).find('\x1b') == std::string::npos);
  check(usage_plot_svg(plot).ends_with("</svg>\n"));
}

void export_all(const Profile& profile) {
  for (const auto& json : {speedscope, firefox_profile, chrome_trace, profile_json})
    check(json(profile).ends_with("}\n"));
  for (const auto& text : {callgrind, profile_csv}) check(text(profile).find('\x1b') == std::string::npos);
  if (!is_heap_metric(profile.options.metric)) return;
  for (const auto& text : {massif, heaptrack_text}) check(text(profile).find('\x1b') == std::string::npos);
  check(firefox_profile_with_heap(profile, profile).ends_with("}\n"));
}

}  // namespace
}  // namespace flarestack

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flarestack;  // NOLINT: a fuzzer's entry point lies outside
  Input in(data, size);
  ProfileOptions options;
  const uint8_t choice = in.byte();
  if ((choice & 1) != 0) options.metric = Metric::kWall;
  if ((choice & 128) != 0) options.metric = static_cast<Metric>(2 + in.byte() % 6);
  if ((choice & 2) != 0) options.group_by_process = true;
  if ((choice & 4) != 0) options.inline_frames = false;
  if ((choice & 8) != 0) options.from_ns = in.time();
  if ((choice & 16) != 0) options.to_ns = in.time();
  if ((choice & 32) != 0) options.ignore = "f1";
  RecordingBuilder builder;
  while (!in.empty()) builder.add(next_record(in));
  TraceDamage damage;
  damage.ended = (choice & 64) != 0;
  const auto recording = std::make_shared<const Recording>(builder.finish(damage));
  const auto profile = build_profile(recording, options, answer);
  if (!profile) return 0;

  const std::string svg = flamegraph_svg(*profile, {});
  check(svg.find("</svg>") != std::string::npos);
  for (const std::string& text :
       {report_text(*profile, {}), report_markdown(*profile, {}), info_text(*profile, {}), collapsed(*profile)}) {
    check(text.find('\x1b') == std::string::npos);
  }
  if (is_heap_metric(options.metric)) report_leaks(*profile);
  check(pprof_profile(*profile).starts_with("\x1f\x8b"));
  annotate_some(*profile);
  export_all(*profile);
  check(report_json(*profile, {}).ends_with("}\n"));
  check(info_json(*profile).ends_with("}\n"));
  check(tree_text(*profile, {}).ok() && tree_json(*profile, {}).ok());
  TreeOptions tree;
  tree.function = ".";
  static_cast<void>(tree_text(*profile, tree));
  static_cast<void>(summary_text(*profile, is_heap_metric(options.metric) ? &*profile : nullptr, "t.flare", {}));
  view(recording, options);
  compare(*profile, options);
  return 0;
}
