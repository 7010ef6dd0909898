// SPDX-License-Identifier: Apache-2.0
// The data of the page of `flarestack view`: all that a recording says of samples, allocations, memory and leaks,
// packed (report/web/view/payload.js is its reader). Offline side.
//
// Problem: a page has to hold a million samples on a million call paths in a few megabytes, and a script has to have
// them as typed arrays in a moment. Choice: columns of variable-length numbers behind one JSON document, all of it
// gzip, which browsers unpack themselves, as base64, which a page can hold. What addresses tell apart and functions and
// lines do not is one (report/view_tables.h); rows are sorted, so that most differences are small.
//
// Packed: base64 of gzip of: u32 little-endian n, n bytes of JSON, then the bytes of the columns in the order of
// "columns": [{"name","type":"u32"|"f64","code":"uleb"|"delta","count","bytes"}...] (report/view_columns.h). A type is
// "u32" where all values fit. Indexes are 4294967295 for none and 4294967294 for one whose definition was lost; kinds
// of functions and places are those of FrameType; times are ns since the start of the recording.
//
// Columns:
//   function.{name,module,path,file,line,kind}: texts are indexes of "strings"; module is the base name of path
//   location.{function,file,line,kind}: places in functions, each once
//   frame.{first,count}: ranges of frame.location; lost frames have no entry
//   frame.location: innermost first
//   stack.{parent,frame}: in the order of a walk over the tree of functions: a parent has a smaller index than its
//   stacks slice.{start,length}: each once, by start sample.{slice,thread,stack,waiting,count,value}: by slice, thread
//   and stack; waiting 1 is off the CPU
//   allocation.{slice,thread,stack,kind,size_class,allocations,allocated_bytes,deallocations,deallocated_bytes,
//       temporary,peak_bytes,peak_blocks,lifetime1,...,lifetime7}: likewise, as AllocationRecord; kind 1 was mapped by
//       the program itself, and is in no metric; the rest of the deallocations is of lifetime 0
//   heap_slice.{process,start,length,peak_bytes,peak_time,live_bytes}: as HeapSliceRecord
//   memory.{process,time,rss,pss,allocator,stack,file,mapped,own,heap_live}: as MemoryRecord
//   leak.{process,verdict,thread,stack,blocks,bytes,first,last,counted}: as LeakRecord, of the last check of each
//       process, without what a child inherited and did not lose itself; counted 1 is in the metric "leaked"
//   region_span.{region,thread,start,end,busy}: as RegionSpan; region is an index of "regions"
//   thread.{process,tid,name,start}
//
// Keys of the JSON:
//   schema: "flarestack.view/1"
//   title, command, host, kernel, version, duration_ns, clock, requested_hz, wall_clock
//   start_realtime_ns: as text, which a script's number would round
//   heap: "none", "exact", "sampled"
//   complete: as in the quality of reports
//   metrics: [{name, unit, total}...], those that were recorded; totals as `report` has them
//   default_metric: what the page begins with
//   from_ns, to_ns: the range that the page begins with, or null; the data are of all of the time
//   strings
//   processes: [{pid, parent, name, executable, arguments, start_ns, end_ns, exit, cpu_ns, reason}...]; parent is an
//       index; exit is "exited 0", "killed by SIGSEGV", "replaced by exec", "running" or "unknown", the last two ending
//       with the recording; cpu_ns is the kernel's account; reason says why no agent is in it, or is empty
//   notes: texts
//   unrecorded: [{pid, command, reason}...]
//   quality: [{label, text, mood}...], mood being "plain", "good", "note" or "bad"
//   findings, remarks: as `report` has them, of a finding the greatest places; empty with a filter by function
//   regions, counters, pools: as `report` has them; missing where the program named nothing
//   heap_summary: as "heap" of `report`, or null
//   leak_checks: [{process, number, cause, time_ns, pause_ns, blocks, bytes, problem}...], all of them; process is an
//       index
//   leak_summary: as "summary" of `leaks`, or null
//   leak_sites, leak_inherited_sites, leak_suppressed_sites: as "sites", "inherited_sites" and "suppressed_sites" of
//       `leaks`; beside each "stack" a "path", indexes of functions, root first
//   leak_sites_left_out: how many of the least did not fit; their blocks are in the columns
//   no_verdict: [{pid, program, reason}...]
//   annotations: as "functions" of `annotate`, of the functions with most CPU time, then of those that allocate most
//   annotations_left_out: how many of these did not fit
//   sources: [{file, first_line, lines}...], around the lines of annotated functions
//   columns
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/findings.h"
#include "model/leaks.h"
#include "model/profile.h"
#include "model/suppressions.h"
#include "report/view_code.h"

namespace flarestack {

// Borrowed for the call.
struct ViewSources {
  // Of one trace, with the same filters and none by time, made with every_frame; either may be null, not both.
  const Profile* time = nullptr;  // of Metric::kWall where that was recorded, else of kCpu
  const Profile* heap = nullptr;  // of Metric::kAllocated
  const Findings* findings = nullptr;
  const Leaks* leaks = nullptr;                // of `heap`
  const Suppressions* suppressions = nullptr;  // those that made them
  ViewedCode code;
  Metric default_metric = Metric::kCpu;
  std::string title;  // empty: the command line
  std::optional<int64_t> from_ns;
  std::optional<int64_t> to_ns;
};

// What is packed: gzip_base64() of it goes into the page.
std::string view_data(const ViewSources& sources);

}  // namespace flarestack
