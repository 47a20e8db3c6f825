// As much JSON as a safetensors header needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace medlsam {

// Pulls values out of JSON text in the order its caller expects them, so that nothing is built, and nesting
// goes exactly as deep as the caller's code: hostile text can ask for neither memory nor stack.
class JsonReader {
 public:
  // `where` starts every message ("model.safetensors: the header").
  JsonReader(std::string_view text, std::string where) : text_(text), where_(std::move(where)) {}

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
  void finish();            // nothing but white space may follow

  // Throws kBadCheckpoint naming the byte the reader is at.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  void skip_space();
  bool accept(char wanted);
  void expect(char wanted);
  char take();
  std::uint32_t code_unit();
  std::uint32_t code_point();

  std::string_view text_;
  std::string where_;
  std::size_t at_ = 0;
};

// `text` as a JSON string, quotes included. Also how messages quote what a file says: no control character
// of the file's reaches a terminal.
std::string json_string(std::string_view text);

}  // namespace medlsam
