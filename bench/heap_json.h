// SPDX-License-Identifier: Apache-2.0
// JsonParser: a plain recursive descent parser that makes a map, string or vector of everything, as such parsers are
// written; and the text it is given. For bench/heap_workload.cc.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flarestack::bench {

struct JsonValue {
  std::map<std::string, std::unique_ptr<JsonValue>> members;
  std::vector<std::unique_ptr<JsonValue>> elements;
  std::string text;
  double number = 0;

  uint64_t weight() const {
    uint64_t sum = text.size() + static_cast<uint64_t>(number);
    for (const auto& [name, value] : members) {
      sum += name.size() + value->weight();
    }
    for (const auto& value : elements) {
      sum += value->weight();
    }
    return sum;
  }
};

// Of well-formed text; borrowed.
class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text) {}

  std::unique_ptr<JsonValue> parse() { return value(); }

 private:
  [[gnu::noinline]] std::unique_ptr<JsonValue> value() {
    switch (next()) {
      case '{':
        return object();
      case '[':
        return array();
      default:
        return scalar();
    }
  }

  [[gnu::noinline]] std::unique_ptr<JsonValue> object() {
    auto result = std::make_unique<JsonValue>();
    for (++at_; next() != '}';) {
      member(*result);
    }
    ++at_;
    return result;
  }

  [[gnu::noinline]] void member(JsonValue& object) {
    std::string name = string();
    next();
    ++at_;  // the colon
    object.members[name] = value();
    comma();
  }

  [[gnu::noinline]] std::unique_ptr<JsonValue> array() {
    auto result = std::make_unique<JsonValue>();
    for (++at_; next() != ']'; comma()) {
      result->elements.push_back(value());
    }
    ++at_;
    return result;
  }

  [[gnu::noinline]] std::unique_ptr<JsonValue> scalar() {
    auto result = std::make_unique<JsonValue>();
    if (next() == '"') {
      result->text = string();
    } else {
      const std::string digits(text_.substr(at_, text_.find_first_not_of("0123456789.", at_) - at_));
      at_ += digits.size();
      result->number = std::strtod(digits.c_str(), nullptr);
    }
    return result;
  }

  [[gnu::noinline]] std::string string() {
    std::string result;
    for (++at_; text_[at_] != '"'; ++at_) {
      result.push_back(text_[at_]);
    }
    ++at_;
    return result;
  }

  char next() {
    at_ = text_.find_first_not_of(" \n", at_);
    return text_[at_];
  }

  void comma() {
    if (next() == ',') {
      ++at_;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

// A tree of objects and arrays with its leaves six levels down.
inline void append_json(std::string& text, unsigned depth, unsigned number) {
  if (depth == 0) {
    text += number % 3 == 0 ? std::to_string(number) + ".5"
                            : "\"a text that is not so short, number " + std::to_string(number) + "\"";
    return;
  }
  const bool object = depth % 2 == 0;
  text += object ? "{" : "[";
  for (unsigned i = 0; i < 4; ++i) {
    text += i == 0 ? "" : ", ";
    text += object ? "\"the name of member " + std::to_string(i) + "\": " : "";
    append_json(text, depth - 1, number * 4 + i);
  }
  text += object ? "}" : "]\n";
}

inline std::string make_json() {
  std::string text;
  append_json(text, 6, 1);
  return text;
}

}  // namespace flarestack::bench
