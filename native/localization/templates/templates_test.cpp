#include "localization/templates/templates.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/error.hpp"

using namespace medlsam;

namespace {

constexpr int kChannels = 4, kPatch = 32;

// Adds the support `seed` to points of the template: features that every point and seed has of its own.
void add(Templates& templates, std::size_t first, std::size_t last, unsigned seed) {
  for (std::size_t point = first; point < last; ++point) {
    std::mt19937 generator(static_cast<unsigned>(1000 * seed + point));
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> features(kChannels * kPatch * kPatch * kPatch);
    for (float& value : features) value = uniform(generator);
    const std::array<float, 3> position = {uniform(generator), uniform(generator), uniform(generator)};
    templates.add(point, position.data(), {features.data(), features.data(), features.data()}, kPatch);
  }
}

class Folder {
 public:
  Folder() {
    path_ = std::filesystem::temp_directory_path() /
            ("medlsam-templates-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directory(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string operator/(const char* name) const { return (path_ / name).string(); }
  std::string bytes(const char* name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("points joined from files are written with the bytes of templates that were filled at once") {
  const Folder folder;
  Templates whole(5, kChannels), first(2, kChannels);
  for (unsigned seed = 1; seed < 4; ++seed) {
    add(whole, 0, 5, seed);
    add(first, 0, 2, seed);
  }
  whole.write(folder / "whole", {{"a", "b"}});
  first.write(folder / "first", {});
  const std::vector<std::shared_ptr<Templates>> parts = {Templates::open(folder / "first"),
                                                         std::make_shared<Templates>(3, kChannels)};
  const std::shared_ptr<Templates> joined = Templates::join(parts);
  for (unsigned seed = 1; seed < 4; ++seed) add(*joined, 2, 5, seed);
  joined->write(folder / "joined", {{"a", "b"}});
  CHECK(folder.bytes("joined") == folder.bytes("whole"));

  SUBCASE("and so are those of templates joined twice") {
    const std::vector<std::shared_ptr<Templates>> again = {joined};
    Templates::join(again)->write(folder / "again", {{"a", "b"}});
    CHECK(folder.bytes("again") == folder.bytes("whole"));
  }
}

TEST_CASE("a support added to a point from a file counts like the others, within what the file rounds") {
  const Folder folder;
  Templates whole(2, kChannels), first(2, kChannels);
  for (unsigned seed = 1; seed < 4; ++seed) add(whole, 0, 2, seed);
  for (unsigned seed = 1; seed < 3; ++seed) add(first, 0, 2, seed);
  first.write(folder / "first", {});
  const std::vector<std::shared_ptr<Templates>> parts = {Templates::open(folder / "first")};
  const auto joined = Templates::join(parts);
  add(*joined, 0, 1, 3);
  CHECK(joined->supports() == std::vector<std::int32_t>{3, 2});
  for (std::size_t a = 0; a < 3; ++a) {
    CHECK(joined->positions()[a] == doctest::Approx(whole.positions()[a]).epsilon(1e-6));
    CHECK(joined->positions()[3 + a] == first.positions()[3 + a]);
  }
  CHECK(joined->agreement()[0] == doctest::Approx(whole.agreement()[0]).epsilon(1e-3));
  CHECK(joined->agreement()[0] != first.agreement()[0]);
  CHECK(joined->agreement()[1] == first.agreement()[1]);
  for (int k = 0; k < kScales; ++k) {
    std::vector<float> is(joined->kernel_elements(k)), should(is.size());
    joined->kernel(0, k, is);
    whole.kernel(0, k, should);
    for (std::size_t i = 0; i < is.size(); ++i) REQUIRE(std::abs(is[i] - should[i]) < 2e-3F);
  }
}

TEST_CASE("four bits a value: within half a step of a channel's largest, the same again, and small") {
  const Folder folder;
  Templates templates(3, kChannels);
  for (unsigned seed = 1; seed < 4; ++seed) add(templates, 0, 3, seed);
  templates.write(folder / "halves", {});
  templates.write(folder / "packed", {}, KernelType::kInt4);
  CHECK(folder.bytes("packed").size() < folder.bytes("halves").size() * 4 / 10);
  const std::shared_ptr<Templates> packed = Templates::open(folder / "packed");
  CHECK(packed->kernel_type() == KernelType::kInt4);
  CHECK(Templates::open(folder / "halves")->kernel_type() == KernelType::kFloat16);
  for (int k = 0; k < kScales; ++k) {
    const std::size_t each = packed->kernel_elements(k) / kChannels;
    std::vector<float> is(packed->kernel_elements(k)), should(is.size());
    packed->kernel(2, k, is);
    templates.kernel(2, k, should);
    for (std::size_t c = 0; c < kChannels; ++c) {
      float largest = 0;
      for (std::size_t i = 0; i < each; ++i) largest = std::max(largest, std::abs(should[c * each + i]));
      const float step = k == 0 ? 0 : largest / 7;
      for (std::size_t i = c * each; i < (c + 1) * each; ++i)
        REQUIRE(std::abs(is[i] - should[i]) <= 0.501F * step);
    }
  }
  SUBCASE("a point that is joined from a packed file is packed to the same bytes") {
    const std::vector<std::shared_ptr<Templates>> parts = {packed};
    const auto joined = Templates::join(parts);
    CHECK(joined->kernel_type() == KernelType::kInt4);
    joined->write(folder / "again", {}, KernelType::kInt4);
    CHECK(folder.bytes("again") == folder.bytes("packed"));
  }
  SUBCASE("a packed file goes through half precision and back") {
    packed->write(folder / "unpacked", {}, KernelType::kFloat16);
    Templates::open(folder / "unpacked")->write(folder / "repacked", {}, KernelType::kInt4);
    const auto repacked = Templates::open(folder / "repacked");
    std::vector<float> is(packed->kernel_elements(2)), should(is.size());
    repacked->kernel(1, 2, is);
    packed->kernel(1, 2, should);
    for (std::size_t i = 0; i < is.size(); ++i) REQUIRE(std::abs(is[i] - should[i]) < 2e-3F);
  }
}

TEST_CASE("a channel of zeros is packed as zeros") {
  const Folder folder;
  Templates templates(1, kChannels);
  const std::vector<float> features(kChannels * kPatch * kPatch * kPatch, 0.0F);
  const std::array<float, 3> position = {0, 0, 0};
  templates.add(0, position.data(), {features.data(), features.data(), features.data()}, kPatch);
  templates.write(folder / "zeros", {}, KernelType::kInt4);
  std::vector<float> values(templates.kernel_elements(1), 1.0F);
  Templates::open(folder / "zeros")->kernel(0, 1, values);
  CHECK(std::ranges::all_of(values, [](float value) { return value == 0; }));
}

TEST_CASE("templates of other numbers of channels are not joined") {
  const std::vector<std::shared_ptr<Templates>> parts = {std::make_shared<Templates>(1, 4),
                                                         std::make_shared<Templates>(1, 8)};
  try {
    Templates::join(parts);
    FAIL("joined");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kBadTemplates);
  }
}

TEST_CASE("a file whose count of supports is impossible is refused") {
  const Folder folder;
  Templates templates(1, kChannels);
  add(templates, 0, 1, 1);
  templates.write(folder / "file", {});
  std::string bytes = folder.bytes("file");
  const std::string one("\1\0\0\0", 4);
  const auto data = bytes.find(one, bytes.find("kernel0"));
  REQUIRE(data != std::string::npos);
  bytes[data + 3] = '\x7f';
  std::ofstream(folder / "damaged", std::ios::binary) << bytes;
  CHECK_THROWS_WITH_AS(Templates::open(folder / "damaged"),
                       doctest::Contains("number of supports is impossible"), Error);
}
