#include "base/json.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace medlsam;

namespace {

JsonReader reader(std::string_view text) {
  return {text, "the options", ErrorCode::kBadArgument};
}

void check_refused(std::string_view text, const char* message, auto&& read) {
  try {
    JsonReader json = reader(text);
    read(json);
    json.finish();
    FAIL("nothing was thrown for ", std::string(text));
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kBadArgument);
    CHECK(std::string(error.what()).starts_with("the options, byte "));
    CHECK_MESSAGE(std::string(error.what()).find(message) != std::string::npos, error.what());
  }
}

}  // namespace

TEST_CASE("json: a document is written with commas and quotes where they belong") {
  JsonWriter json;
  json.object([&] {
    json.member("seed", std::uint64_t{1} << 63);
    json.member("least", std::numeric_limits<std::int64_t>::min());
    json.member("rate", 0.1);
    json.member("on", true);
    json.member("name", "a \"b\"\n\\");
    json.member("scans", std::vector<std::string>{"x", "y"});
    json.member("none", std::vector<std::int64_t>{});
    json.key("nested");
    json.array([&] {
      json.object([] {});
      json.object([&] { json.member("n", -1); });
      json.value(2.5);
    });
    json.member("last", false);
  });
  CHECK(json.take() ==
        "{\"seed\":9223372036854775808,\"least\":-9223372036854775808,\"rate\":0.1,\"on\":true,"
        "\"name\":\"a \\\"b\\\"\\u000a\\\\\",\"scans\":[\"x\",\"y\"],\"none\":[],"
        "\"nested\":[{},{\"n\":-1},2.5],\"last\":false}");
}

TEST_CASE("json: what is written is read back, numbers to the bit") {
  const std::vector<double> numbers = {0.0,
                                       -0.0,
                                       1.0 / 3,
                                       1e-5,
                                       static_cast<double>(1e-6f),
                                       1e23,
                                       std::numeric_limits<double>::max(),
                                       std::numeric_limits<double>::denorm_min(),
                                       -123456789.125};
  const std::vector<std::int64_t> integers = {0, -1, 7, INT64_MAX, INT64_MIN, INT64_MIN + 1};
  const std::string name = "\"\\/\t\x01\x7f é 😀";
  JsonWriter json;
  json.object([&] {
    json.member("numbers", numbers);
    json.member("integers", integers);
    json.member("name", name);
    json.member("on", true);
  });
  const std::string text = json.take();

  JsonReader back = reader(text);
  std::vector<double> found_numbers;
  std::vector<std::int64_t> found_integers;
  std::string found_name;
  bool on = false;
  back.object([&](const std::string& key) {
    if (key == "numbers") back.array([&] { found_numbers.push_back(back.number()); });
    if (key == "integers") back.array([&] { found_integers.push_back(back.integer()); });
    if (key == "name") found_name = back.string();
    if (key == "on") on = back.boolean();
  });
  back.finish();
  REQUIRE(found_numbers.size() == numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    CHECK(std::bit_cast<std::uint64_t>(found_numbers[i]) == std::bit_cast<std::uint64_t>(numbers[i]));
  }
  CHECK(found_integers == integers);
  CHECK(found_name == name);
  CHECK(on);
}

TEST_CASE("json: numbers that are none, or do not fit, are refused with their place") {
  const auto number = [](JsonReader& json) { (void)json.number(); };
  const auto integer = [](JsonReader& json) { (void)json.integer(); };
  const auto boolean = [](JsonReader& json) { (void)json.boolean(); };
  for (const char* text : {"", "-", ".5", "1.", "1e", "1e+", "NaN", "-Infinity", "+1"})
    check_refused(text, "a digit is missing", number);
  check_refused("01", "a leading zero", number);
  check_refused("1e999", "too large", number);
  check_refused("1 2", "more text", number);
  check_refused("- 1", "a whole number is missing", integer);
  check_refused("1.5", "more text", integer);
  check_refused("-9223372036854775809", "more than 63 bits", integer);
  check_refused("9223372036854775808", "more than 63 bits", integer);
  check_refused("-92233720368547758080", "more than 63 bits", integer);
  check_refused("yes", "true or false is missing", boolean);
}

TEST_CASE("json: a number that JSON cannot hold is not written") {
  JsonWriter json;
  CHECK_THROWS_AS(json.value(std::numeric_limits<double>::quiet_NaN()), Error);
  CHECK_THROWS_AS(json.value(std::numeric_limits<double>::infinity()), Error);
}
