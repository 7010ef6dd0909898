// SPDX-License-Identifier: Apache-2.0
#include "unwind/byte_cursor.h"

#include "unwind/dwarf_constants.h"

namespace flarestack {

uint64_t ByteCursor::uleb() {
  uint64_t result = 0;
  for (unsigned shift = 0;; shift += 7) {
    const uint8_t byte = u8();
    if (shift < 64) {
      result |= uint64_t{byte & 0x7fu} << shift;
    }
    if ((byte & 0x80) == 0) {
      return result;
    }
  }
}

int64_t ByteCursor::sleb() {
  uint64_t result = 0;
  for (unsigned shift = 0;;) {
    const uint8_t byte = u8();
    if (shift < 64) {
      result |= uint64_t{byte & 0x7fu} << shift;
    }
    shift += 7;
    if ((byte & 0x80) == 0) {
      if (shift < 64 && (byte & 0x40) != 0) {
        result |= ~uint64_t{0} << shift;
      }
      return static_cast<int64_t>(result);
    }
  }
}

uint64_t ByteCursor::encoded(uint8_t encoding, uint64_t data_base) {
  const uint64_t field = position_;
  uint64_t value = 0;
  switch (encoding & pointer_encoding::kFormatMask) {
    case pointer_encoding::kAbsolute:
    case pointer_encoding::kUdata8:
    case pointer_encoding::kSdata8:
      value = fixed<uint64_t>();
      break;
    case pointer_encoding::kUleb128:
      value = uleb();
      break;
    case pointer_encoding::kSleb128:
      value = static_cast<uint64_t>(sleb());
      break;
    case pointer_encoding::kUdata2:
      value = fixed<uint16_t>();
      break;
    case pointer_encoding::kSdata2:
      value = static_cast<uint64_t>(int64_t{fixed<int16_t>()});
      break;
    case pointer_encoding::kUdata4:
      value = fixed<uint32_t>();
      break;
    case pointer_encoding::kSdata4:
      value = static_cast<uint64_t>(int64_t{fixed<int32_t>()});
      break;
    default:
      fail();
      break;
  }
  switch (encoding & pointer_encoding::kBaseMask) {
    case 0:
      return value;
    case pointer_encoding::kPcRelative:
      return value + field;
    case pointer_encoding::kDataRelative:
      return value + data_base;
    default:
      fail();
      return 0;
  }
}

}  // namespace flarestack
