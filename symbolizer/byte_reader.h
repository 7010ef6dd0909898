// SPDX-License-Identifier: Apache-2.0
// ByteReader: bounds-checked reading of little-endian DWARF data. Offline side; a value type.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace flarestack {

// Once a read has gone past the end, failed() stays true and every later read gives zeros.
class ByteReader {
 public:
  ByteReader() = default;
  explicit ByteReader(std::span<const uint8_t> bytes) : position_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool failed() const { return failed_; }
  bool at_end() const { return position_ == end_; }
  size_t left() const { return size_t(end_ - position_); }

  uint8_t u8() { return position_ < end_ ? *position_++ : fail(); }
  uint16_t u16() { return uint16_t(fixed(2)); }
  uint32_t u32() { return uint32_t(fixed(4)); }
  uint64_t u64() { return fixed(8); }
  uint64_t fixed(unsigned bytes) {  // at most 8
    uint64_t value = 0;
    if (left() < bytes || bytes > 8) {
      return fail();
    }
    std::memcpy(&value, position_, bytes);
    position_ += bytes;
    return value;
  }
  uint64_t uleb() {
    uint64_t value = 0;
    for (unsigned shift = 0; position_ < end_ && shift < 70; shift += 7) {
      const uint8_t byte = *position_++;
      value |= shift < 64 ? uint64_t(byte & 0x7f) << shift : 0;
      if (byte < 0x80) {
        return value;
      }
    }
    return fail();
  }
  int64_t sleb() {
    uint64_t value = 0;
    for (unsigned shift = 0; position_ < end_ && shift < 70;) {
      const uint8_t byte = *position_++;
      value |= shift < 64 ? uint64_t(byte & 0x7f) << shift : 0;
      shift += 7;
      if (byte < 0x80) {
        return int64_t((byte & 0x40) != 0 && shift < 64 ? value | (~uint64_t{0} << shift) : value);
      }
    }
    return int64_t(fail());
  }
  // Borrowed, like the data; without its zero.
  std::string_view string() {
    const void* zero = left() == 0 ? nullptr : std::memchr(position_, 0, left());
    if (zero == nullptr) {
      fail();
      return {};
    }
    const auto* first = reinterpret_cast<const char*>(position_);
    const std::string_view text(first, size_t(static_cast<const char*>(zero) - first));
    position_ += text.size() + 1;
    return text;
  }
  // The next `size` bytes. Borrowed.
  std::string_view text(uint64_t size) {
    if (size > left()) {
      fail();
      return {};
    }
    const std::string_view result(reinterpret_cast<const char*>(position_), size);
    position_ += size;
    return result;
  }
  // The next `size` bytes as a reader of their own.
  ByteReader part(uint64_t size) {
    ByteReader result;
    if (size > left()) {
      fail();
      result.failed_ = true;
      return result;
    }
    result.position_ = position_;
    result.end_ = position_ + size;
    position_ += size;
    return result;
  }
  void skip(uint64_t size) { part(size); }

 private:
  uint8_t fail() {
    failed_ = true;
    position_ = end_;
    return 0;
  }

  const uint8_t* position_ = nullptr;
  const uint8_t* end_ = nullptr;
  bool failed_ = false;
};

}  // namespace flarestack
