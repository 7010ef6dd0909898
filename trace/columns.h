// SPDX-License-Identifier: Apache-2.0
// Columns of a block: one value per record, as a packed varint field. Zeros behind the last other value are not stored,
// so a column that holds only its default costs nothing and a value that is set once and never changes (deltas of 0)
// costs one varint a block. Used by the payload encoder and decoder; bounded by the bytes given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <protozero/varint.hpp>

namespace flarestack {

// Differences wrap around, so that every pair of values has one.
inline uint64_t zigzag_delta(uint64_t value, uint64_t base) {
  return protozero::encode_zigzag64(static_cast<int64_t>(value - base));
}
inline uint64_t apply_zigzag_delta(uint64_t base, uint64_t delta) {
  return base + static_cast<uint64_t>(protozero::decode_zigzag64(delta));
}

class ColumnWriter {
 public:
  void push(uint64_t value) {
    if (value == 0) {
      ++pending_zeros_;
      return;
    }
    bytes_.append(pending_zeros_, '\0');
    pending_zeros_ = 0;
    protozero::add_varint_to_buffer(&bytes_, value);
  }
  // Delta to the value pushed before by this function, 0 at the start of a block.
  void push_delta(uint64_t value) {
    push(zigzag_delta(value, previous_));
    previous_ = value;
  }
  // Delta to the successor of the value pushed before by this function: dense ids in order cost nothing.
  void push_id(uint32_t id) {
    push_delta(id);
    ++previous_;
  }
  // An upper bound of the column's size.
  size_t size_bytes() const { return bytes_.size() + pending_zeros_; }
  const std::string& bytes() const { return bytes_; }
  void clear() { *this = ColumnWriter(); }

 private:
  std::string bytes_;
  size_t pending_zeros_ = 0;
  uint64_t previous_ = 0;
};

class ColumnReader {
 public:
  ColumnReader() = default;
  // `bytes` is borrowed for the reader's life.
  explicit ColumnReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  // 0 behind the end. Throws protozero::exception on a malformed varint.
  uint64_t next() { return at_ == end_ ? 0 : protozero::decode_varint(&at_, end_); }
  uint64_t next_delta() {
    previous_ = apply_zigzag_delta(previous_, next());
    return previous_;
  }
  uint64_t next_id() {
    const uint64_t id = next_delta();
    ++previous_;
    return id;
  }
  bool at_end() const { return at_ == end_; }

 private:
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  uint64_t previous_ = 0;
};

}  // namespace flarestack
