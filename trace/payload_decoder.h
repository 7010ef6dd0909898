// SPDX-License-Identifier: Apache-2.0
// PayloadDecoder: gives out the records of one chunk's payload one by one. Offline side, used by TraceReader; one
// thread. Trusts no byte: any payload gives some records and ends, in memory bounded by the payload and its largest
// record.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include <protozero/pbf_reader.hpp>

#include "trace/columns.h"
#include "trace/heap_columns.h"
#include "trace/records.h"
#include "trace/single_record.h"

namespace flarestack {

class PayloadDecoder {
 public:
  PayloadDecoder() = default;  // of an empty payload
  // `payload` is borrowed for the decoder's life.
  explicit PayloadDecoder(std::string_view payload);

  // The next record, in the order of the payload; none at the end or at the first malformed byte.
  std::optional<TraceRecord> next();
  const PayloadProblems& problems() const { return problems_; }

 private:
  static constexpr size_t kBlockFields = 2 + kAllocationColumns;

  std::optional<TraceRecord> next_or_throw();
  void open_block(uint32_t field, std::string_view bytes);
  std::optional<TraceRecord> next_of_block();
  template <typename Record>
  std::optional<TraceRecord> next_in_columns();
  std::string_view take_text(uint32_t field, uint64_t size_bytes);
  uint32_t narrow(uint64_t value);

  protozero::pbf_reader payload_;
  PayloadProblems problems_;
  uint64_t block_records_left_ = 0;  // that this chunk may still announce

  // The open block: its field in the payload, the records not yet given out, and its own fields by number.
  uint32_t block_ = 0;
  uint64_t left_ = 0;
  std::array<ColumnReader, kBlockFields> columns_;
  std::array<std::string_view, kBlockFields> texts_;
  uint64_t constant_ = 0;
};

}  // namespace flarestack
