// The options document. Before doctest, whose CHECK libtorch would replace by its own.
#include "torch/training/option_fields.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "base/error.hpp"
#include "torch/training/trainer.hpp"

namespace medlsam::training {
namespace {

struct Inner {
  std::int64_t edge = 0;

  void describe(OptionFields& fields) { fields.add("edge", edge); }
};

struct Everything {
  std::string text;
  std::vector<std::string> texts;
  std::vector<int> numbers;
  bool yes = false;
  double rate = 0;
  std::int64_t count = 0;
  std::uint64_t seed = 0;
  std::uint16_t port = 0;
  int rank = 0;
  c10::ScalarType precision = c10::ScalarType::Float;
  Inner inner;

  void describe(OptionFields& fields) {
    fields.add("text", text);
    fields.add("texts", texts);
    fields.add("numbers", numbers);
    fields.add("yes", yes);
    fields.add("rate", rate);
    fields.add("count", count);
    fields.add("seed", seed);
    fields.add("port", port);
    fields.add("rank", rank);
    fields.add("precision", precision);
    fields.add("inner", inner);
  }
};

Everything read(const std::string& document) {
  JsonReader json(document, "The training options", ErrorCode::kBadArgument);
  Everything options;
  OptionFields::read_object(json, options);
  json.finish();
  return options;
}

std::string all_but(const std::string& left_out, const std::string& more = "") {
  const std::pair<const char*, const char*> members[] = {{"inner", R"({"edge": 32})"},
                                                         {"text", R"("a\"b")"},
                                                         {"texts", R"(["x", "y"])"},
                                                         {"numbers", "[1, 3]"},
                                                         {"yes", "true"},
                                                         {"rate", "1e-4"},
                                                         {"count", "1000000000"},
                                                         {"seed", "4294967295"},
                                                         {"port", "65535"},
                                                         {"rank", "1"},
                                                         {"precision", R"("bfloat16")"}};
  std::string document;
  for (const auto& [name, value] : members) {
    if (name == left_out) continue;
    document += (document.empty() ? "" : ", ") + json_string(name) + ": " + value;
  }
  return '{' + document + more + '}';
}

TEST_CASE("options are assigned by name, in any order") {
  const Everything options = read(all_but(""));
  CHECK(options.text == "a\"b");
  CHECK((options.texts == std::vector<std::string>{"x", "y"}));
  CHECK((options.numbers == std::vector<int>{1, 3}));
  CHECK(options.yes);
  CHECK(options.rate == 1e-4);
  CHECK(options.count == 1000000000);
  CHECK(options.seed == 4294967295u);
  CHECK(options.port == 65535);
  CHECK(options.rank == 1);
  CHECK(options.precision == c10::ScalarType::BFloat16);
  CHECK(options.inner.edge == 32);
}

void check_refusal(const std::string& document, const std::string& words) {
  INFO(document);
  try {
    read(document);
    FAIL("was accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kBadArgument);
    CHECK_MESSAGE(std::string(error.what()).find(words) != std::string::npos, error.what());
  }
}

TEST_CASE("members that are missing, unknown, repeated or of another type are refused by name") {
  check_refusal(all_but("seed"), "lack \"seed\"");
  check_refusal(all_but("", R"(, "speed": 1)"), "unknown member, \"speed\"");
  check_refusal(all_but("", R"(, "seed": 1)"), "\"seed\" twice");
  check_refusal(all_but("inner", R"(, "inner": {})"), "lack \"edge\"");
  check_refusal(all_but("port", R"(, "port": 65536)"), "65536 is out of range");
  check_refusal(all_but("rank", R"(, "rank": "first")"), "whole number");
  check_refusal(all_but("precision", R"(, "precision": "float16")"), "\"float16\" is not a precision");
}

TEST_CASE("a document names one network that is known") {
  for (const auto& [document, words] : {std::pair("{}", "name no network"),
                                        {"{\"unet\": {}}", "no network \"unet\""},
                                        {"{\"sam\": {}}", "lack \"batch\""},
                                        {"[]", "missing"}}) {
    CHECK_THROWS_WITH_AS(make_trainer(document), doctest::Contains(words), Error);
  }
}

}  // namespace
}  // namespace medlsam::training
