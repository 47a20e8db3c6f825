#include "training/initial_weights.hpp"

#include <cmath>
#include <deque>
#include <string>
#include <vector>

#include "networks/medlam_weights.hpp"
#include "training/random.hpp"

namespace medlsam::training {

Checkpoint initial_weights(std::int64_t width, std::int64_t patch, std::uint64_t seed) {
  constexpr std::uint64_t kStream = 0x77656967687473;  // "weights"
  Random random({seed, kStream});
  auto storage = std::make_shared<std::deque<std::vector<float>>>();
  Checkpoint checkpoint;
  double bound = 1;
  for (const auto& [name, shape] : medlam_tensors(width, patch)) {
    // A bias follows its weight, and has the same bound.
    std::int64_t elements = 1;
    for (const std::int64_t extent : shape) elements *= extent;
    if (shape.size() > 1) bound = 1 / std::sqrt(static_cast<double>(elements / shape[0]));
    auto& values = storage->emplace_back(static_cast<std::size_t>(elements));
    for (float& value : values) value = random.uniform(static_cast<float>(-bound), static_cast<float>(bound));
    checkpoint.tensors[name] = {DType::kF32, shape, std::as_bytes(std::span(values))};
  }
  checkpoint.storage = storage;
  return checkpoint;
}

}  // namespace medlsam::training
