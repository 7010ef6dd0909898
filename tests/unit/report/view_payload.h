// SPDX-License-Identifier: Apache-2.0
// Reads the data of a view as its page does (report/view_data.h), for tests.
#pragma once

#include <zlib.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidjson/document.h>

namespace flarestack {

struct ViewPayload {
  std::string json;
  rapidjson::Document meta;
  std::map<std::string, std::vector<int64_t>> columns;
  const std::vector<int64_t>& operator[](const std::string& name) const { return columns.at(name); }
};

inline ViewPayload read_view_data(std::string_view data) {
  ViewPayload payload;
  REQUIRE(data.size() >= 4);
  uint32_t size = 0;
  for (int i = 3; i >= 0; --i) size = size << 8 | static_cast<unsigned char>(data[static_cast<size_t>(i)]);
  payload.json = std::string(data.substr(4, size));
  payload.meta.Parse<rapidjson::kParseValidateEncodingFlag>(payload.json.c_str(), payload.json.size());
  REQUIRE(!payload.meta.HasParseError());
  data.remove_prefix(4 + size);
  for (const auto& head : payload.meta["columns"].GetArray()) {
    std::vector<int64_t>& values = payload.columns[head["name"].GetString()];
    const bool is_delta = std::string_view(head["code"].GetString()) == "delta";
    const std::string_view bytes = data.substr(0, head["bytes"].GetUint64());
    data.remove_prefix(bytes.size());
    int64_t sum = 0;
    for (size_t at = 0; at < bytes.size();) {
      uint64_t value = 0;
      for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes[at++]);
        value |= uint64_t{byte & 127U} << shift;
        if (byte < 128) break;
      }
      if (is_delta) sum += static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
      values.push_back(is_delta ? sum : static_cast<int64_t>(value));
    }
    CHECK(values.size() == head["count"].GetUint64());
  }
  CHECK(data.empty());
  return payload;
}

inline std::string gunzip_base64(std::string_view text) {
  std::string packed;
  uint32_t bits = 0;
  int held = 0;
  for (const char digit : text.substr(0, text.find('='))) {
    const auto value = std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").find(digit);
    REQUIRE(value != std::string_view::npos);
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    packed.push_back(static_cast<char>(bits >> held));
  }
  z_stream stream{};
  REQUIRE(::inflateInit2(&stream, MAX_WBITS + 16) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string data;
  char buffer[4096];
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    state = ::inflate(&stream, Z_NO_FLUSH);
    data.append(buffer, sizeof buffer - stream.avail_out);
  }
  ::inflateEnd(&stream);
  CHECK(state == Z_STREAM_END);
  return data;
}

}  // namespace flarestack
