#include "base/json.hpp"

#include <charconv>
#include <cmath>
#include <locale>
#include <sstream>

namespace medlsam {
namespace {

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  const auto put_tail = [&put, point](unsigned shift) { put(0x80 | ((point >> shift) & 0x3f)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | (point >> 6));
    put_tail(0);
  } else if (point < 0x10000) {
    put(0xe0 | (point >> 12));
    put_tail(6);
    put_tail(0);
  } else {
    put(0xf0 | (point >> 18));
    put_tail(12);
    put_tail(6);
    put_tail(0);
  }
}

}  // namespace

void JsonReader::fail(const std::string& what) const {
  throw Error(code_, where_ + ", byte " + std::to_string(at_) + ": " + what + ".");
}

void JsonReader::skip_space() {
  while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
}

bool JsonReader::accept(char wanted) {
  skip_space();
  if (at_ == text_.size() || text_[at_] != wanted) return false;
  ++at_;
  return true;
}

void JsonReader::expect(char wanted) {
  if (!accept(wanted)) fail(std::string("'") + wanted + "' is missing");
}

char JsonReader::take() {
  if (at_ == text_.size()) fail("the text ends too early");
  return text_[at_++];
}

std::uint32_t JsonReader::code_unit() {
  std::uint32_t unit = 0;
  for (int digit = 0; digit < 4; ++digit) {
    const std::size_t index = std::string_view("0123456789abcdefABCDEF").find(take());
    if (index == std::string_view::npos) fail("\\u needs four hexadecimal digits");
    unit = unit << 4 | static_cast<std::uint32_t>(index < 16 ? index : index - 6);
  }
  return unit;
}

std::uint32_t JsonReader::code_point() {
  const std::uint32_t first = code_unit();
  if (first < 0xd800 || first > 0xdfff) return first;
  if (first > 0xdbff || take() != '\\' || take() != 'u') fail("half a surrogate pair");
  const std::uint32_t second = code_unit();
  if (second < 0xdc00 || second > 0xdfff) fail("half a surrogate pair");
  return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

std::string JsonReader::string() {
  expect('"');
  std::string value;
  for (;;) {
    const char c = take();
    if (c == '"') return value;
    if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
    if (c != '\\') {
      value += c;
      continue;
    }
    const char escape = take();
    if (escape == 'u') {
      append_utf8(value, code_point());
      continue;
    }
    const std::size_t index = std::string_view("\"\\/bfnrt").find(escape);
    if (index == std::string_view::npos) fail("an unknown escape in a string");
    value += "\"\\/\b\f\n\r\t"[index];
  }
}

std::uint64_t JsonReader::natural() {
  skip_space();
  const std::size_t start = at_;
  std::int64_t value = 0;
  while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
    if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
        __builtin_add_overflow(value, std::int64_t{text_[at_] - '0'}, &value)) {
      fail("a number of more than 63 bits");
    }
    ++at_;
  }
  if (at_ == start) fail("a whole number, zero or more, is missing");
  if (text_[start] == '0' && at_ - start > 1) fail("a number with a leading zero");
  return static_cast<std::uint64_t>(value);
}

std::int64_t JsonReader::integer() {
  if (!accept('-')) return static_cast<std::int64_t>(natural());
  if (at_ == text_.size() || text_[at_] < '0' || text_[at_] > '9') fail("a whole number is missing");
  constexpr std::string_view kLeast = "9223372036854775808";  // its negative has no positive counterpart
  if (text_.substr(at_).starts_with(kLeast)) {
    at_ += kLeast.size();
    if (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') fail("a number of more than 63 bits");
    return INT64_MIN;
  }
  return -static_cast<std::int64_t>(natural());
}

void JsonReader::digits() {
  const std::size_t start = at_;
  while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
  if (at_ == start) fail("a digit is missing");
}

double JsonReader::number() {
  skip_space();
  const std::size_t start = at_;
  const auto next_is = [this](std::string_view any) {
    return at_ < text_.size() && any.find(text_[at_]) != std::string_view::npos;
  };
  if (next_is("-")) ++at_;
  const std::size_t whole = at_;
  digits();
  if (text_[whole] == '0' && at_ - whole > 1) fail("a number with a leading zero");
  if (next_is(".")) {
    ++at_;
    digits();
  }
  if (next_is("eE")) {
    ++at_;
    if (next_is("+-")) ++at_;
    digits();
  }
  // The standard's from_chars for doubles is missing from some of its libraries.
  std::istringstream stream{std::string(text_.substr(start, at_ - start))};
  stream.imbue(std::locale::classic());
  double value = 0;
  stream >> value;
  if (stream.fail() || !std::isfinite(value)) fail("a number that is too large or too small");
  return value;
}

bool JsonReader::boolean() {
  skip_space();
  for (const bool value : {true, false}) {
    const std::string_view word = value ? "true" : "false";
    if (text_.substr(at_).starts_with(word)) {
      at_ += word.size();
      return value;
    }
  }
  fail("true or false is missing");
}

void JsonReader::finish() {
  skip_space();
  if (at_ != text_.size()) fail("more text after the end");
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out += "\\u00";
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[c & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

void JsonWriter::separate() {
  if (!first_) text_ += ',';
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  separate();
  text_ += json_string(name) + ':';
  first_ = true;  // no comma between a name and its value
}

void JsonWriter::scalar(std::string_view text) {
  separate();
  text_ += text;
}

void JsonWriter::begin(char bracket) {
  separate();
  text_ += bracket;
  first_ = true;
}

void JsonWriter::end(char bracket) {
  text_ += bracket;
  first_ = false;
}

void JsonWriter::value(std::string_view text) {
  scalar(json_string(text));
}

void JsonWriter::value(double number) {
  if (!std::isfinite(number)) throw Error(ErrorCode::kInternal, "JSON has no NaN and no infinity.");
  char digits[32];
  scalar({digits, std::to_chars(digits, digits + sizeof digits, number).ptr});
}

}  // namespace medlsam
