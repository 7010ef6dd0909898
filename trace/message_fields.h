// SPDX-License-Identifier: Apache-2.0
// Messages whose fields are numbered in one place, for writing and for reading: visit_fields(record, visit), found by
// the record's type, calls visit(number, field) for each field, and visit(number, field, last value) for an enum. Used
// by *_records.cc; pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "trace/single_record.h"

namespace flarestack {

// As in proto3, a field that holds its default is left out.
class FieldWriter {
 public:
  explicit FieldWriter(std::string& encoded) : message_(encoded) {}
  template <typename Field, typename... Last>
  void operator()(uint32_t number, const Field& field, Last... /*of an enum*/) {
    if constexpr (std::is_same_v<Field, std::string>) {
      if (!field.empty()) message_.add_bytes(number, field);
    } else if constexpr (std::is_same_v<Field, int64_t>) {
      if (field != 0) message_.add_int64(number, field);
    } else if constexpr (std::is_class_v<Field>) {
      if (field.value != 0) message_.add_uint64(number, field.value);
    } else {
      if (field != Field{}) message_.add_uint64(number, static_cast<uint64_t>(field));
    }
  }

 private:
  protozero::pbf_writer message_;
};

// Takes the message's current field if it is the visited one, of the right wire type.
class FieldReader {
 public:
  FieldReader(protozero::pbf_reader& message, PayloadProblems& problems) : message_(message), problems_(problems) {}
  bool found() const { return found_; }
  template <typename Field, typename... Last>
  void operator()(uint32_t number, Field& field, Last... last) {
    constexpr bool kIsText = std::is_same_v<Field, std::string>;
    const auto type = kIsText ? protozero::pbf_wire_type::length_delimited : protozero::pbf_wire_type::varint;
    if (found_ || static_cast<uint32_t>(message_.tag_and_type()) != protozero::tag_and_type(number, type)) {
      return;
    }
    found_ = true;
    if constexpr (kIsText) {
      const protozero::data_view view = message_.get_view();
      field.assign(view.data(), view.size());
    } else if constexpr (std::is_same_v<Field, int64_t>) {
      field = message_.get_int64();
    } else if constexpr (std::is_enum_v<Field>) {
      field = known_or(message_.get_uint64(), last..., Field{}, problems_);
    } else if constexpr (std::is_class_v<Field>) {
      using Value = decltype(field.value);
      if constexpr (sizeof(Value) == sizeof(uint32_t)) {
        field.value = narrow_or_malformed(message_.get_uint64(), problems_);
      } else {
        field.value = message_.get_uint64();
      }
    } else if constexpr (std::is_same_v<Field, uint32_t>) {
      field = narrow_or_malformed(message_.get_uint64(), problems_);
    } else if constexpr (std::is_same_v<Field, bool>) {
      field = message_.get_uint64() != 0;
    } else {
      field = message_.get_uint64();
    }
  }

 private:
  protozero::pbf_reader& message_;
  PayloadProblems& problems_;
  bool found_ = false;
};

template <typename Record>
void encode_message(const Record& record, std::string& encoded) {
  FieldWriter writer(encoded);
  visit_fields(record, [&](auto&&... field) { writer(field...); });
}

template <typename Record>
std::optional<TraceRecord> decode_message(std::string_view encoded, PayloadProblems& problems) {
  Record record;
  protozero::pbf_reader message(encoded.data(), encoded.size());
  while (message.next()) {
    FieldReader reader(message, problems);
    visit_fields(record, [&](auto&&... field) { reader(field...); });
    if (!reader.found()) {
      ++problems.unknown_records;
      message.skip();
    }
  }
  if (problems.malformed) return std::nullopt;
  return TraceRecord(std::move(record));
}

}  // namespace flarestack
