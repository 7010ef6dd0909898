// SPDX-License-Identifier: Apache-2.0
// ViewRows: what happened in a recording, as rows of the page of `flarestack view` (report/view_data.h): samples,
// allocations, looks at memory, leaks. Offline side.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "model/leak_choice.h"
#include "model/profile.h"
#include "model/selection.h"
#include "report/view_columns.h"
#include "report/view_tables.h"

namespace flarestack {

class ViewRows {
 public:
  // Profiles of one recording with the same filters, of time and of a heap metric, made with every_frame; either may be
  // null. Borrowed for its life.
  ViewRows(const Profile* time, const Profile* heap);

  // By Recording::stacks: those that the rows have.
  std::vector<bool> used_stacks() const;
  void write(const ViewTables& tables, ViewColumns& columns) const;
  // Of all leaks that count in Metric::kLeaked.
  uint64_t leaked_bytes() const;

 private:
  using Slice = std::pair<int64_t, int64_t>;  // start and length
  struct Leak {
    ChosenLeak chosen;
    bool is_counted = false;  // in Metric::kLeaked
  };
  bool passes(uint32_t stack) const { return stack >= passing_.size() || passing_[stack]; }
  void find_passing();
  void choose_allocations(const Selection& selection);
  void choose_leaks(const Selection& selection);
  void collect_slices();
  uint32_t slice_number(int64_t start_ns, int64_t length_ns) const;
  void write_samples(const ViewTables& tables, ViewColumns& columns) const;
  void write_allocations(const ViewTables& tables, ViewColumns& columns) const;
  void write_heap(ViewColumns& columns) const;
  void write_leaks(const ViewTables& tables, ViewColumns& columns) const;
  void write_regions(ViewColumns& columns) const;
  void write_threads(const ViewTables& tables, ViewColumns& columns) const;

  const Profile* time_;
  const Profile* heap_;
  const Recording& recording_;
  std::vector<bool> passing_;          // by Recording::stacks, with a filter by function; else empty
  std::vector<uint32_t> allocations_;  // in Recording::allocations
  std::vector<uint32_t> heap_slices_;  // in Recording::heap_slices
  std::vector<uint32_t> memory_;       // in Recording::memory
  std::vector<Leak> leaks_;
  std::vector<Slice> slices_;  // by start
};

}  // namespace flarestack
