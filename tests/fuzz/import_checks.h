// SPDX-License-Identifier: Apache-2.0
// What every importer does with any bytes: it makes a whole trace that is read without a complaint, or says one
// sentence and leaves nothing.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "importer/import.h"
#include "trace/reader.h"

namespace flarestack::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

// In memory where there is such a folder: the trace is a file that is made, renamed and removed for each input.
inline void import_and_check(const uint8_t* data, size_t size, ImportFormat format) {
  static const std::string output = (::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") +
                                    std::string("/flarestack-import-fuzzer.") + std::to_string(::getpid());
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const bool guess : {false, true}) {
    InputReader input = InputReader::of_bytes(bytes);
    ImportOptions options;
    if (!guess) options.format = format;
    const Result<ImportOutcome> outcome = import_file("FILE", input, output, options);
    if (!outcome.ok()) {
      const std::string& message = outcome.error().message;
      require(message.starts_with("FILE: ") && message.find('\n') == std::string::npos);
      require(::access(output.c_str(), F_OK) != 0);
      continue;
    }
    Result<TraceReader> reader = TraceReader::open(output);
    require(reader.ok());
    uint32_t frames = 0;
    uint32_t stacks = 0;
    while (const std::optional<TraceRecord> record = reader->next()) {
      if (const auto* frame = std::get_if<FrameRecord>(&*record)) {
        require(frame->id.value == ++frames && frame->inlined_into < frame->id);
      } else if (const auto* stack = std::get_if<StackRecord>(&*record)) {
        require(stack->id.value == ++stacks && stack->parent < stack->id && stack->frame.value <= frames);
      } else if (const auto* sample = std::get_if<SampleRecord>(&*record)) {
        require(sample->stack.value <= stacks && sample->slice_start_ns >= 0 && sample->slice_length_ns >= 0);
      }
    }
    require(!reader->damage().any() && reader->damage().unknown_records == 0);
    ::unlink(output.c_str());
  }
}

}  // namespace flarestack::fuzz
