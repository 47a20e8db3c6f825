#include "checkpoints/int8.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "checkpoints/convert.hpp"
#include "checkpoints/safetensors.hpp"
#include "testing/checkpoint_bytes.hpp"
#include "testing/nifti_bytes.hpp"

using namespace medlsam;
using namespace medlsam::test;
using doctest::Contains;

namespace {

const Task kTask;

// A checkpoint of tensors that the test keeps.
Checkpoint checkpoint_of(std::initializer_list<NamedTensor> tensors) {
  Checkpoint checkpoint;
  checkpoint.format = "safetensors";
  for (const auto& [name, tensor] : tensors) checkpoint.tensors.emplace(name, tensor);
  return checkpoint;
}

TensorView floats(const std::vector<float>& values, Shape shape) {
  return {DType::kF32, std::move(shape), std::as_bytes(std::span(values))};
}

// Rows whose greatest values differ by a factor of 2^row; the last row is zero.
std::vector<float> waves(std::size_t rows, std::size_t row) {
  std::vector<float> values(rows * row);
  for (std::size_t i = 0; i < values.size() - row; ++i) {
    values[i] = std::ldexp(std::sin(static_cast<float>(i)), static_cast<int>(i / row));
  }
  return values;
}

std::vector<float> read(const Checkpoint& checkpoint, const std::string& name) {
  std::vector<float> values(checkpoint.tensors.at(name).elements());
  to_float32(checkpoint.tensors.at(name), values);
  return values;
}

}  // namespace

TEST_CASE("int8: what is written is read within half a step of its row") {
  const TemporaryFolder folder;
  const std::vector<float> kernel = waves(12, 108), table = waves(64, 32), bias = waves(2, 1000);
  const std::vector<float> small = waves(5, 27);
  const std::vector<std::int32_t> counts(2000, 7);
  const Checkpoint original =
      checkpoint_of({{"kernel", floats(kernel, {12, 4, 3, 3, 3})},
                     {"table", floats(table, {1, 8, 8, 32})},
                     {"bias", floats(bias, {2000})},
                     {"small", floats(small, {5, 27})},
                     {"counts", {DType::kI32, {2, 1000}, std::as_bytes(std::span(counts))}}});
  const std::string path = folder / "small.safetensors";
  convert_checkpoint(original, "test", path, WeightStorage::kInt8, {{"note", "n"}}, kTask);

  const auto bytes = load(path);
  const Checkpoint stored = parse_safetensors(bytes, path);
  CHECK(stored.tensors.at("kernel").dtype == DType::kI8);
  CHECK(shape_text(stored.tensors.at("kernel.int8_scale").shape) == "[12]");
  CHECK(shape_text(stored.tensors.at("table.int8_scale").shape) == "[1, 8, 8]");
  CHECK(stored.tensors.at("bias").dtype == DType::kF16);
  CHECK(stored.tensors.at("small").dtype == DType::kF16);
  CHECK(stored.tensors.at("counts").dtype == DType::kI32);

  const Checkpoint opened = open_checkpoint(path);
  CHECK(opened.format == "safetensors int8");
  CHECK(opened.metadata.at("note") == "n");
  REQUIRE(opened.tensors.size() == original.tensors.size());
  const auto check_rows = [&](const std::string& name, const std::vector<float>& wanted, std::size_t row) {
    CAPTURE(name);
    CHECK(opened.tensors.at(name).dtype == DType::kF32);
    CHECK(opened.tensors.at(name).shape == original.tensors.at(name).shape);
    const std::vector<float> found = read(opened, name);
    for (std::size_t begin = 0; begin < wanted.size(); begin += row) {
      float largest = 0;
      for (std::size_t i = begin; i < begin + row; ++i) largest = std::max(largest, std::abs(wanted[i]));
      for (std::size_t i = begin; i < begin + row; ++i) {
        REQUIRE(std::abs(found[i] - wanted[i]) <= 0.5001f * largest / 127);
      }
    }
  };
  check_rows("kernel", kernel, 108);
  check_rows("table", table, 32);
}

TEST_CASE("int8: what it cannot hold is named") {
  const TemporaryFolder folder;
  for (const float value : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    std::vector<float> values(1024, 1.0f);
    values[7] = value;
    const Checkpoint checkpoint = checkpoint_of({{"w", floats(values, {2, 512})}});
    CHECK_THROWS_WITH_AS(convert_checkpoint(checkpoint, "net", folder / "x", WeightStorage::kInt8, {}, kTask),
                         Contains("net: tensor 'w' holds"), Error);
  }
}

TEST_CASE("int8: scales that do not fit their tensor are refused") {
  const std::vector<std::int8_t> numbers = {1, 2, 3, 4, 5, 6};
  const TensorView weights = {DType::kI8, {2, 3}, std::as_bytes(std::span(numbers))};
  const std::vector<float> values = {0.5f, 2, 1, 1, 1, 1};
  const auto scale = [&](Shape shape) {
    const auto count = shape_elements(shape);
    return TensorView{DType::kF32, std::move(shape), std::as_bytes(std::span(values).first(count))};
  };
  const auto unpack = [&](const TensorView& tensor, const TensorView& scales) {
    Checkpoint checkpoint = checkpoint_of({{"w", tensor}, {"w.int8_scale", scales}});
    unpack_int8(checkpoint, "file");
    return checkpoint;
  };
  CHECK(read(unpack(weights, scale({2})), "w") == std::vector<float>{0.5f, 1, 1.5f, 8, 10, 12});
  CHECK(read(unpack(weights, scale({2, 3})), "w") == std::vector<float>{0.5f, 4, 3, 4, 5, 6});
  const TensorView none = {DType::kI8, {2, 0}, {}};
  CHECK(read(unpack(none, scale({2})), "w").empty());

  const auto check = [&](const TensorView& tensor, const TensorView& scales, const char* message) {
    CAPTURE(message);
    CHECK_THROWS_WITH_AS(unpack(tensor, scales), Contains(message), Error);
  };
  check(weights, scale({3}),
        "'w.int8_scale' is F32 of shape [3], wanted F32 of the leading axes of the tensor's [2, 3]");
  check(weights, scale({}), "of shape []");
  check(weights, scale({2, 3, 1}), "of shape [2, 3, 1]");
  check(weights, {DType::kF16, {2}, std::as_bytes(std::span(values)).first(4)}, "is F16");
  check(scale({2, 3}), scale({2}), "scales no tensor of type I8");
  const std::vector<float> wrong = {1, std::nanf("")};
  check(weights, floats(wrong, {2}), "not finite");
  Checkpoint lone = checkpoint_of({{"w.int8_scale", scale({2})}});
  CHECK_THROWS_WITH_AS(unpack_int8(lone, "file"), Contains("file: 'w.int8_scale' scales no tensor"), Error);
}
