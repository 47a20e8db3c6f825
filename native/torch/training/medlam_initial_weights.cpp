#include "torch/training/medlam_initial_weights.hpp"

#include <cmath>
#include <deque>
#include <string>
#include <vector>

#include "training_data/random.hpp"

namespace medlsam::training {
namespace {

using Storage = std::deque<std::vector<float>>;

std::int64_t elements_of(const std::vector<std::int64_t>& shape) {
  std::int64_t elements = 1;
  for (const std::int64_t extent : shape) elements *= extent;
  return elements;
}

std::vector<float>& add_tensor(Checkpoint& checkpoint, Storage& storage, const NamedShape& tensor) {
  auto& values = storage.emplace_back(static_cast<std::size_t>(elements_of(tensor.shape)));
  checkpoint.tensors[tensor.name] = {DType::kF32, tensor.shape, std::as_bytes(std::span(values))};
  return values;
}

void add_noise(std::vector<float>& values, float share, Random& random) {
  double sum = 0, squares = 0;
  for (const float value : values) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const double count = static_cast<double>(values.size()), mean = sum / count;
  const auto deviation = share * static_cast<float>(std::sqrt(squares / count - mean * mean));
  for (float& value : values) value += deviation * random.normal();
}

}  // namespace

Checkpoint initial_weights(std::int64_t width, std::int64_t patch, std::uint64_t seed) {
  constexpr std::uint64_t kStream = 0x77656967687473;  // "weights"
  Random random({seed, kStream});
  const auto storage = std::make_shared<Storage>();
  Checkpoint checkpoint;
  double bound = 1;
  for (const NamedShape& tensor : medlam_tensors(width, patch)) {
    // A bias follows its weight, and has the same bound.
    const auto& shape = tensor.shape;
    if (shape.size() > 1) bound = 1 / std::sqrt(static_cast<double>(elements_of(shape) / shape[0]));
    for (float& value : add_tensor(checkpoint, *storage, tensor))
      value = random.uniform(static_cast<float>(-bound), static_cast<float>(bound));
  }
  checkpoint.storage = storage;
  return checkpoint;
}

Checkpoint widened_weights(const MedLamWeights& from, std::int64_t factor, std::uint64_t seed, float noise) {
  constexpr std::uint64_t kStream = 0x776964656e;  // "widen"
  Random random({seed, kStream});
  const auto storage = std::make_shared<Storage>();
  Checkpoint checkpoint;
  const std::int64_t bottom_cells = from.patch() / 16 * (from.patch() / 16) * (from.patch() / 16);
  for (const NamedShape& tensor : medlam_tensors(factor * from.width(), from.patch())) {
    const TensorView& source = from.at(tensor.name);
    std::vector<float> old(static_cast<std::size_t>(elements_of(source.shape)));
    to_float32(source, old);
    auto& values = add_tensor(checkpoint, *storage, tensor);
    const std::int64_t outputs = tensor.shape[0], output_copies = outputs / source.shape[0];
    const std::int64_t inner = elements_of(tensor.shape) / outputs;
    const bool is_bias = tensor.shape.size() == 1, is_convolution = tensor.shape.size() == 5;
    const std::int64_t input_copies = is_bias ? 1 : tensor.shape[1] / source.shape[1];
    // fc1 reads every voxel of a channel of level 4 before the next channel.
    const std::int64_t cells = is_convolution ? 27 : tensor.name == "fc1.weight" ? bottom_cells : 1;
    for (std::int64_t o = 0; o < outputs; ++o) {
      for (std::int64_t i = 0; i < inner; ++i) {
        const std::int64_t input = i / cells / input_copies;
        const std::int64_t at = o / output_copies * (inner / input_copies) + input * cells + i % cells;
        values[static_cast<std::size_t>(o * inner + i)] =
            old[static_cast<std::size_t>(at)] / static_cast<float>(input_copies);
      }
    }
    if (is_convolution) add_noise(values, noise, random);
  }
  checkpoint.storage = storage;
  return checkpoint;
}

}  // namespace medlsam::training
