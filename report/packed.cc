// SPDX-License-Identifier: Apache-2.0
#include "report/packed.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace flarestack {
namespace {

// Of a million samples 3.76 MB in 0.21 s, of a compiler's heap 1.36 MB in 0.16 s; level 1 gives 3.90 and 1.69 MB in
// 0.10 and 0.04 s, level 9 gives 3.74 and 1.31 MB in 0.37 and 0.74 s (zlib 1.2.13).
constexpr int kLevel = 6;
constexpr size_t kInputStep = size_t{1} << 30;  // zlib counts in 32 bits

std::string base64(std::string_view data) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((data.size() + 2) / 3 * 4);
  for (size_t i = 0; i < data.size(); i += 3) {
    const auto byte = [&](size_t at) { return at < data.size() ? static_cast<unsigned char>(data[at]) : 0U; };
    const uint32_t bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    text.push_back(kDigits[bits >> 18]);
    text.push_back(kDigits[bits >> 12 & 63]);
    text.push_back(i + 1 < data.size() ? kDigits[bits >> 6 & 63] : '=');
    text.push_back(i + 2 < data.size() ? kDigits[bits & 63] : '=');
  }
  return text;
}

}  // namespace

std::string gzip(std::string_view data) {
  z_stream stream{};
  constexpr int kGzipHeader = 16;
  constexpr int kMemoryLevel = 9;
  if (::deflateInit2(&stream, kLevel, Z_DEFLATED, MAX_WBITS + kGzipHeader, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib: no memory to compress with");
  std::string packed;
  char buffer[1 << 16];
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (stream.avail_in == 0 && !data.empty()) {
      const size_t step = std::min(data.size(), kInputStep);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));  // it is only read
      stream.avail_in = static_cast<uInt>(step);
      data.remove_prefix(step);
    }
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    state = ::deflate(&stream, data.empty() ? Z_FINISH : Z_NO_FLUSH);
    packed.append(buffer, sizeof buffer - stream.avail_out);
  }
  ::deflateEnd(&stream);
  return packed;
}

std::string gzip_base64(std::string_view data) { return base64(gzip(data)); }

}  // namespace flarestack
