// SPDX-License-Identifier: Apache-2.0
// The field numbers of pprof's profile.proto (https://github.com/google/pprof, proto/profile.proto), which a profile is
// exported to and imported from. A file is one Profile message, by custom gzipped. Any side.
//
// Strings are indexes in Profile's string table, whose first entry is empty; ids are from 1, and 0 is none.
#pragma once

#include <cstdint>

namespace flarestack::pprof {

enum Profile : uint32_t {
  kSampleType = 1,  // ValueType, one for each value of a sample
  kSample = 2,
  kMapping = 3,
  kLocation = 4,
  kFunction = 5,
  kStringTable = 6,
  kDropFrames = 7,
  kKeepFrames = 8,
  kTimeNanos = 9,  // since 1970
  kDurationNanos = 10,
  kPeriodType = 11,
  kPeriod = 12,
  kComment = 13,
  kDefaultSampleType = 14,
};
enum ValueType : uint32_t { kValueType = 1, kValueUnit = 2 };
enum Sample : uint32_t { kSampleLocations = 1, kSampleValues = 2, kSampleLabel = 3 };  // locations leaf first
enum Label : uint32_t { kLabelKey = 1, kLabelText = 2, kLabelNumber = 3, kLabelUnit = 4 };
enum Mapping : uint32_t {
  kMappingId = 1,
  kMappingStart = 2,
  kMappingLimit = 3,
  kMappingOffset = 4,
  kMappingFile = 5,
  kMappingBuildId = 6,
  kMappingHasFunctions = 7,
  kMappingHasFiles = 8,
  kMappingHasLines = 9,
  kMappingHasInlineFrames = 10,
};
enum Location : uint32_t { kLocationId = 1, kLocationMapping = 2, kLocationAddress = 3, kLocationLine = 4 };
enum Line : uint32_t { kLineFunction = 1, kLineNumber = 2 };  // the innermost first
enum Function : uint32_t {
  kFunctionId = 1,
  kFunctionName = 2,
  kFunctionSystemName = 3,
  kFunctionFile = 4,
  kFunctionStartLine = 5,
};

}  // namespace flarestack::pprof
