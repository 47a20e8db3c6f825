// Whole networks in float16 and bfloat16 against float32.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "checkpoints/checkpoint.hpp"
#include "networks/medlam_model.hpp"
#include "networks/sam_model.hpp"
#include "testing/runtime_under_test.hpp"
#include "testing/test_device.hpp"

namespace medlsam {
namespace {

Compile compile_in(DType precision) {
  const auto runtime = runtime_under_test();
  return compile_on(runtime, runtime->place({Device::parse(test_device()), precision, 2}));
}

SamModel sam_in(DType precision) {
  const std::string path = CONFORMANCE_DIR "/sam/sam_tiny.pth";
  return {std::make_unique<const SamWeights>(open_checkpoint(path), path), compile_in(precision)};
}

// Root of the quotient of the mean square difference and the mean square.
double relative_difference(const Tensor& found, const Tensor& wanted) {
  const Tensor a = found.to_host(), b = wanted.to_host();
  REQUIRE(a.shape() == b.shape());
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.elements(); ++i) {
    difference += std::pow(static_cast<double>(a.floats()[i]) - static_cast<double>(b.floats()[i]), 2);
    size += std::pow(static_cast<double>(b.floats()[i]), 2);
  }
  return std::sqrt(difference / size);
}

double dice(const Tensor& found, const Tensor& wanted) {
  double both = 0, sum = 0;
  for (std::size_t i = 0; i < found.elements(); ++i) {
    const bool a = found.floats()[i] > 0, b = wanted.floats()[i] > 0;
    both += 2 * (a && b);
    sum += a + b;
  }
  return both / sum;
}

Tensor slice_of_conformance() {
  const Checkpoint answers = open_checkpoint(CONFORMANCE_DIR "/sam/forward.safetensors");
  std::vector<float> pixels;
  for (const std::byte pixel : answers.tensors.at("resized_u8").bytes.first(256 * 256))
    pixels.push_back(static_cast<float>(pixel));
  return Tensor::on_host(std::move(pixels), {1, 1, 256, 256});
}

TEST_CASE("SAM in 16 bits: embeddings and masks of float32, but for their digits") {
  const Tensor slice = slice_of_conformance();
  SamPrompt box;
  box.box = PromptBox{40, 60, 150, 200};
  SamModel exact = sam_in(DType::kF32);
  const Tensor wanted = exact.encode(slice, {});
  const SamMasks masks = exact.decode(wanted, {box}, nullptr, false, {});
  for (const auto& [precision, tolerance, least] :
       {std::tuple{DType::kF16, 5e-3, 0.99}, std::tuple{DType::kBF16, 4e-2, 0.95}}) {
    SamModel low = sam_in(precision);
    const Tensor embedding = low.encode(slice, {});
    const double apart = relative_difference(embedding, wanted);
    CHECK(apart > 0);
    CHECK(apart < tolerance);
    const SamMasks found = low.decode(embedding, {box}, nullptr, false, {});
    CHECK(dice(found.logits.to_host(), masks.logits.to_host()) > least);
  }
}

TEST_CASE("MedLAM in float16: positions within 2e-2 of float32; bfloat16 is computed in float16") {
  const std::string folder = CONFORMANCE_DIR "/medlam/";
  const Checkpoint answers = open_checkpoint(folder + "forward.safetensors");
  const TensorView& x = answers.tensors.at("x");
  const Tensor patch = Tensor::on_host(reinterpret_cast<const float*>(x.bytes.data()), x.shape).slice(0, 2);
  const auto run_in = [&](DType precision) {
    const std::string path = folder + "medlam.pth";
    MedLamModel model(std::make_unique<const MedLamWeights>(open_checkpoint(path), path),
                      compile_in(precision));
    return model.run(patch, -1, {}).at(0).to_host();
  };
  const Tensor wanted = run_in(DType::kF32), found = run_in(DType::kF16);
  REQUIRE(found.elements() == 6);
  for (int a = 0; a < 6; ++a) CHECK(std::abs(found.floats()[a] - wanted.floats()[a]) < 2e-2f);
  const Tensor coarse = run_in(DType::kBF16);
  CHECK(std::equal(found.floats(), found.floats() + 6, coarse.floats()));
}

}  // namespace
}  // namespace medlsam
