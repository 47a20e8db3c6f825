// Templates of chosen points, for tests.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "localization/templates/templates.hpp"

namespace medlsam::test {

// One support each with these positions; its features are constant over a patch of `edge` voxels.
inline Templates templates_of(const std::vector<std::array<float, 3>>& positions, int channels = 4,
                              int edge = 16) {
  Templates templates(positions.size(), channels);
  const std::vector<float> features(static_cast<std::size_t>(channels) * edge * edge * edge, 1.0f);
  for (std::size_t i = 0; i < positions.size(); ++i)
    templates.add(i, positions[i].data(), {features.data(), features.data(), features.data()}, edge);
  return templates;
}

}  // namespace medlsam::test
