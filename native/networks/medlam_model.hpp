// A loaded MedLAM, ready to run in as much depth as each question needs.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "networks/medlam_weights.hpp"
#include "networks/network.hpp"

namespace medlsam {

// What a runtime offers: MedLAM up to the features of scale `deepest` (−1: position only) as a Network with
// the outputs position, feature 0, … feature `deepest`. The weights outlive the Network.
using MedLamBuilder = std::function<std::unique_ptr<Network>(const MedLamWeights& weights, int deepest)>;

class MedLamModel {
 public:
  MedLamModel(std::unique_ptr<const MedLamWeights> weights, MedLamBuilder builder)
      : weights_(std::move(weights)), builder_(std::move(builder)) {}

  const MedLamWeights& weights() const { return *weights_; }

  // patches: (n, 1, p, p, p), values of the grid → (n, 3) positions and (n, 4B, e, e, e) features of scales
  // 0 … deepest, e = p/4, p/2, p. Each depth is built when it is first asked for and shares the weights.
  std::vector<Array> run(const Array& patches, int deepest, const Task& task) {
    return network(deepest).run(std::span(&patches, 1), task);
  }

 private:
  Network& network(int deepest) {
    std::lock_guard lock(mutex_);
    auto& slot = networks_.at(deepest + 1);
    if (!slot) slot = builder_(*weights_, deepest);
    return *slot;
  }

  std::unique_ptr<const MedLamWeights> weights_;
  MedLamBuilder builder_;
  std::mutex mutex_;
  std::array<std::unique_ptr<Network>, 4> networks_;
};

}  // namespace medlsam
