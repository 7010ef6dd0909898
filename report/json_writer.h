// SPDX-License-Identifier: Apache-2.0
// JsonWriter: RapidJSON's pretty writer, with keys and values in one call and strings made valid UTF-8. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include "model/profile.h"

namespace flarestack {

enum class JsonLayout : uint8_t {
  kIndented,  // for people as well
  kCompact,   // for scripts: no indentation
};

class JsonWriter {
 public:
  explicit JsonWriter(JsonLayout layout = JsonLayout::kIndented);

  void begin_object() { writer_.StartObject(); }
  void end_object() { writer_.EndObject(); }
  void begin_array() { writer_.StartArray(); }
  void end_array() { writer_.EndArray(); }
  void key(std::string_view name);
  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(uint64_t number) { writer_.Uint64(number); }
  void value(uint32_t number) { writer_.Uint64(number); }
  void value(int64_t number) { writer_.Int64(number); }
  void value(int32_t number) { writer_.Int64(number); }
  void value(bool truth) { writer_.Bool(truth); }
  void value(double number);  // null where JSON has no number for it
  void null() { writer_.Null(); }
  template <typename T>
  void member(std::string_view name, const T& content) {
    key(name);
    value(content);
  }
  // An array of strings.
  void member(std::string_view name, const std::vector<std::string>& contents);
  // What `other` has written, which is one value.
  void value(const JsonWriter& other);
  size_t size_bytes() const { return buffer_.GetSize(); }  // so far
  // An array of what `content_at` says of each index below `length`.
  template <typename ContentAt>
  void column(std::string_view name, size_t length, const ContentAt& content_at) {
    key(name);
    column(length, content_at);
  }
  template <typename ContentAt>
  void column(size_t length, const ContentAt& content_at) {
    begin_array();
    for (size_t i = 0; i < length; ++i) value(content_at(i));
    end_array();
  }
  // The document and a final newline.
  std::string finish();

 private:
  rapidjson::StringBuffer buffer_;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer_;
};

// The key "path": the place first, then its callers; empty: the whole program.
void write_path(JsonWriter& json, const Profile& profile, const std::vector<uint32_t>& path);

// The keys "quality" and "clock", as `report` and `info` share them.
void write_quality(JsonWriter& json, const Recording& recording, const Quality& quality);
void write_clock(JsonWriter& json, const Quality& quality);

}  // namespace flarestack
