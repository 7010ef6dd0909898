// SPDX-License-Identifier: Apache-2.0
#include "importer/pprof_profile.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>

#include "base/pprof_fields.h"
#include "importer/trace_builder.h"

namespace flarestack {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

// A field with its wire type: a known number with another type is skipped.
constexpr uint32_t number(uint32_t field) { return protozero::tag_and_type(field, pbf_wire_type::varint); }
constexpr uint32_t bytes(uint32_t field) { return protozero::tag_and_type(field, pbf_wire_type::length_delimited); }
uint32_t tag(const pbf_reader& message) { return static_cast<uint32_t>(message.tag_and_type()); }

constexpr size_t kMaxSampleBytes = size_t{16} << 20;

pbf_reader reader_of(std::string_view message) { return {message.data(), message.size()}; }

std::string_view get_view(pbf_reader& message) {
  const protozero::data_view view = message.get_view();
  return {view.data(), view.size()};
}

// Lines and columns beyond 32 bits are unknown.
uint32_t line_of(int64_t value) {
  return value > 0 && value <= std::numeric_limits<uint32_t>::max() ? static_cast<uint32_t>(value) : 0;
}

PprofLine line_entry(std::string_view message) {
  PprofLine line;
  for (pbf_reader reader = reader_of(message); reader.next();) {
    switch (tag(reader)) {
      case number(pprof::kLineFunction):
        line.function = reader.get_uint64();
        break;
      case number(pprof::kLineNumber):
        line.line = line_of(reader.get_int64());
        break;
      default:
        reader.skip();
    }
  }
  return line;
}

}  // namespace

Result<PprofProfile> PprofProfile::parse(std::string_view bytes) {
  PprofProfile profile;
  profile.bytes_ = bytes;
  try {
    profile.read_tables();
  } catch (const protozero::exception&) {
    return Error{"it is no profile of pprof: a message in it is malformed or cut off"};
  }
  if (profile.too_large()) return Error{"it has more strings, functions or locations than a trace can hold"};
  if (profile.sample_types.empty()) return Error{"it is no profile of pprof: it names no sample type"};
  return profile;
}

bool PprofProfile::too_large() const {
  return std::max({strings_.size(), mappings_.size(), functions_.size(), locations_.size(), lines_.size(),
                   comments.size(), sample_types.size()}) > TraceBuilder::kMaxIds;
}

// Twice: texts may follow what names them.
void PprofProfile::read_tables() {
  for (pbf_reader message = reader_of(bytes_); message.next() && !too_large();) {
    if (tag(message) == bytes(pprof::kStringTable)) {
      strings_.push_back(get_view(message));
    } else {
      message.skip();
    }
  }
  int64_t default_type = 0;
  for (pbf_reader message = reader_of(bytes_); message.next() && !too_large();) {
    switch (tag(message)) {
      case bytes(pprof::kSampleType):
        sample_types.push_back(value_type(get_view(message)));
        break;
      case bytes(pprof::kMapping):
        read_mapping(get_view(message));
        break;
      case bytes(pprof::kLocation):
        read_location(get_view(message));
        break;
      case bytes(pprof::kFunction):
        read_function(get_view(message));
        break;
      case number(pprof::kTimeNanos):
        time_ns = message.get_int64();
        break;
      case number(pprof::kDurationNanos):
        duration_ns = message.get_int64();
        break;
      case bytes(pprof::kPeriodType):
        period_type = value_type(get_view(message));
        break;
      case number(pprof::kPeriod):
        period = message.get_int64();
        break;
      case number(pprof::kComment):
        comments.push_back(text(message.get_int64()));
        break;
      case bytes(pprof::kComment):
        for (const int64_t index : message.get_packed_int64()) comments.push_back(text(index));
        break;
      case number(pprof::kDefaultSampleType):
        default_type = message.get_int64();
        break;
      default:
        message.skip();
    }
  }
  default_sample_type = text(default_type);
}

void PprofProfile::read_mapping(std::string_view message) {
  uint64_t id = 0;
  PprofMapping mapping;
  for (pbf_reader reader = reader_of(message); reader.next();) {
    switch (tag(reader)) {
      case number(pprof::kMappingId):
        id = reader.get_uint64();
        break;
      case number(pprof::kMappingStart):
        mapping.start = reader.get_uint64();
        break;
      case number(pprof::kMappingLimit):
        mapping.limit = reader.get_uint64();
        break;
      case number(pprof::kMappingOffset):
        mapping.offset = reader.get_uint64();
        break;
      case number(pprof::kMappingFile):
        mapping.file = text(reader.get_int64());
        break;
      case number(pprof::kMappingBuildId):
        mapping.build_id = text(reader.get_int64());
        break;
      default:
        reader.skip();
    }
  }
  mapping_ids_.try_emplace(id, static_cast<uint32_t>(mappings_.size()));
  mappings_.push_back(mapping);
}

void PprofProfile::read_location(std::string_view message) {
  uint64_t id = 0;
  PprofLocation location;
  location.first_line = static_cast<uint32_t>(lines_.size());
  for (pbf_reader reader = reader_of(message); reader.next();) {
    switch (tag(reader)) {
      case number(pprof::kLocationId):
        id = reader.get_uint64();
        break;
      case number(pprof::kLocationMapping):
        location.mapping = reader.get_uint64();
        break;
      case number(pprof::kLocationAddress):
        location.address = reader.get_uint64();
        break;
      case bytes(pprof::kLocationLine):
        lines_.push_back(line_entry(get_view(reader)));
        ++location.line_count;
        break;
      default:
        reader.skip();
    }
  }
  location_ids_.try_emplace(id, static_cast<uint32_t>(locations_.size()));
  locations_.push_back(location);
}

void PprofProfile::read_function(std::string_view message) {
  uint64_t id = 0;
  PprofFunction function;
  for (pbf_reader reader = reader_of(message); reader.next();) {
    switch (tag(reader)) {
      case number(pprof::kFunctionId):
        id = reader.get_uint64();
        break;
      case number(pprof::kFunctionName):
        function.name = text(reader.get_int64());
        break;
      case number(pprof::kFunctionSystemName):
        if (const int64_t name = reader.get_int64(); function.name.empty()) function.name = text(name);
        break;
      case number(pprof::kFunctionFile):
        function.file = text(reader.get_int64());
        break;
      case number(pprof::kFunctionStartLine):
        function.start_line = line_of(reader.get_int64());
        break;
      default:
        reader.skip();
    }
  }
  function_ids_.try_emplace(id, static_cast<uint32_t>(functions_.size()));
  functions_.push_back(function);
}

PprofValueType PprofProfile::value_type(std::string_view message) const {
  PprofValueType value;
  for (pbf_reader reader = reader_of(message); reader.next();) {
    switch (tag(reader)) {
      case number(pprof::kValueType):
        value.type = text(reader.get_int64());
        break;
      case number(pprof::kValueUnit):
        value.unit = text(reader.get_int64());
        break;
      default:
        reader.skip();
    }
  }
  return value;
}

PprofSample PprofProfile::sample(std::string_view message) const {
  PprofSample sample;
  for (pbf_reader reader = reader_of(message); reader.next();) {
    switch (tag(reader)) {
      case number(pprof::kSampleLocations):
        sample.locations.push_back(reader.get_uint64());
        break;
      case bytes(pprof::kSampleLocations):
        for (const uint64_t id : reader.get_packed_uint64()) sample.locations.push_back(id);
        break;
      case number(pprof::kSampleValues):
        sample.values.push_back(reader.get_int64());
        break;
      case bytes(pprof::kSampleValues):
        for (const int64_t value : reader.get_packed_int64()) sample.values.push_back(value);
        break;
      case bytes(pprof::kSampleLabel): {
        PprofLabel label;
        for (pbf_reader each = reader.get_message(); each.next();) {
          switch (tag(each)) {
            case number(pprof::kLabelKey):
              label.key = text(each.get_int64());
              break;
            case number(pprof::kLabelText):
              label.text = text(each.get_int64());
              break;
            case number(pprof::kLabelNumber):
              label.number = each.get_int64();
              break;
            default:
              each.skip();
          }
        }
        sample.labels.push_back(label);
        break;
      }
      default:
        reader.skip();
    }
  }
  return sample;
}

std::string_view PprofProfile::text(int64_t index) const {
  return index > 0 && static_cast<uint64_t>(index) < strings_.size() ? strings_[static_cast<size_t>(index)] : "";
}

Result<void> PprofProfile::for_each_sample(const std::function<Result<void>(const PprofSample&)>& take) const {
  uint64_t count = 0;
  try {
    for (pbf_reader message = reader_of(bytes_); message.next();) {
      if (tag(message) != bytes(pprof::kSample)) {
        message.skip();
        continue;
      }
      ++count;
      const std::string_view encoded = get_view(message);
      if (encoded.size() > kMaxSampleBytes) return Error{fmt::format("sample {} is too long", count)};
      const PprofSample each = sample(encoded);
      if (each.values.size() != sample_types.size())
        return Error{
            fmt::format("sample {} has {} values for {} sample types", count, each.values.size(), sample_types.size())};
      if (Result<void> taken = take(each); !taken.ok())
        return Error{fmt::format("sample {}: {}", count, taken.error().message)};
    }
  } catch (const protozero::exception&) {
    return Error{fmt::format("sample {} is malformed", count)};
  }
  return {};
}

}  // namespace flarestack
