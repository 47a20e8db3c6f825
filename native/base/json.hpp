// JSON: a bounded pull parser for what files and libraries hand over, and a writer for documents of our own.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace medlsam {

// Pulls values out of JSON text in the order its caller expects them, so that nothing is built, and nesting
// goes exactly as deep as the caller's code: hostile text can ask for neither memory nor stack.
class JsonReader {
 public:
  // `where` starts every message ("model.safetensors: the header"), `code` is that of its errors.
  JsonReader(std::string_view text, std::string where, ErrorCode code = ErrorCode::kBadCheckpoint)
      : text_(text), where_(std::move(where)), code_(code) {}

  // Calls member(key) with the reader at each member's value, which it must consume.
  template <class Member>
  void object(Member&& member) {
    expect('{');
    if (accept('}')) return;
    do {
      std::string key = string();
      expect(':');
      member(std::move(key));
    } while (accept(','));
    expect('}');
  }

  // Calls element() with the reader at each element, which it must consume.
  template <class Element>
  void array(Element&& element) {
    expect('[');
    if (accept(']')) return;
    do {
      element();
    } while (accept(','));
    expect(']');
  }

  std::string string();     // UTF-8
  std::uint64_t natural();  // an integer from 0 to 2^63 - 1
  std::int64_t integer();   // one from -2^63 to 2^63 - 1
  double number();          // the nearest double; what a double cannot hold is refused
  bool boolean();
  void finish();  // nothing but white space may follow

  // Throws naming the byte the reader is at.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  void skip_space();
  bool accept(char wanted);
  void expect(char wanted);
  char take();
  std::uint32_t code_unit();
  std::uint32_t code_point();
  void digits();

  std::string_view text_;
  std::string where_;
  ErrorCode code_;
  std::size_t at_ = 0;
};

// `text` as a JSON string, quotes included. Also how messages quote what a file says: no control character
// of the file's reaches a terminal.
std::string json_string(std::string_view text);

// Writes one JSON value in the order of the calls:
//
//   JsonWriter json;
//   json.object([&] {
//     json.member("seed", 7);
//     json.member("scans", scans);  // a vector of strings
//     json.key("device");
//     json.object([&] { json.member("kind", "cuda"); });
//   });
//   const std::string text = json.take();
//
// Numbers read back as the same bits. Throws kInternal for a number that JSON cannot hold (NaN, infinity).
class JsonWriter {
 public:
  template <class Members>
  void object(Members&& members) {
    begin('{');
    members();
    end('}');
  }

  template <class Elements>
  void array(Elements&& elements) {
    begin('[');
    elements();
    end(']');
  }

  // The name of the member whose value is written next.
  void key(std::string_view name);

  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(double number);
  template <std::same_as<bool> Boolean>
  void value(Boolean boolean) {
    scalar(boolean ? "true" : "false");
  }
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool>) void value(Integer integer) { scalar(std::to_string(integer)); }
  template <class Value>
  void value(const std::vector<Value>& values) {
    array([&] {
      for (const Value& each : values) value(each);
    });
  }

  template <class Value>
  void member(std::string_view name, const Value& its_value) {
    key(name);
    value(its_value);
  }

  std::string take() { return std::move(text_); }

 private:
  void separate();
  void scalar(std::string_view text);
  void begin(char bracket);
  void end(char bracket);

  std::string text_;
  bool first_ = true;  // nothing precedes the next value in its object or array
};

}  // namespace medlsam
