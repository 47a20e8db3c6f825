// Helpers of the tests around SAM: the answers of conformance's `sam` and `metrics`.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "checkpoints/checkpoint.hpp"

namespace medlsam::test {

template <class Value>
std::vector<Value> values_of(const Checkpoint& file, const std::string& name) {
  const TensorView& tensor = file.tensors.at(name);
  REQUIRE(dtype_size(tensor.dtype) == sizeof(Value));
  std::vector<Value> values(tensor.elements());
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

template <class Body>
void check_refused(Body&& body, const std::string& part_of_message) {
  try {
    body();
    FAIL("nothing was refused; expected: ", part_of_message);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kBadArgument);
    CHECK_MESSAGE(std::string(error.what()).find(part_of_message) != std::string::npos, error.what());
  }
}

inline Task two_threads() {
  Task task;
  task.threads = 2;
  return task;
}

// Row-major affine of a volume stored along these codes, spacing 1.
inline std::array<double, 16> affine_of(const std::string& codes) {
  std::array<double, 16> affine{};
  affine[15] = 1;
  for (int column = 0; column < 3; ++column) {
    const auto positive = std::string("RAS").find(codes[column]),
               negative = std::string("LPI").find(codes[column]);
    if (positive != std::string::npos) affine[4 * positive + column] = 1;
    if (negative != std::string::npos) affine[4 * negative + column] = -1;
  }
  return affine;
}

}  // namespace medlsam::test
