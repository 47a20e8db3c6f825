// A loaded MedLAM, ready to run in as much depth as each question needs.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "networks/medlam.hpp"
#include "networks/network.hpp"
#include "networks/row_batches.hpp"

namespace medlsam {

class MedLamModel {
 public:
  MedLamModel(std::unique_ptr<const MedLamWeights> weights, Compile compile)
      : weights_(std::move(weights)), compile_(std::move(compile)) {}

  const MedLamWeights& weights() const { return *weights_; }

  // patches: (n, 1, p, p, p), values of the grid → (n, 3) positions and (n, 4B, e, e, e) features of scales
  // 0 … deepest, e = p/4, p/2, p. Each depth is compiled when it is first asked for and shares the weights.
  std::vector<Tensor> run(const Tensor& patches, int deepest, const Task& task) {
    return network(deepest).run(std::span(&patches, 1), task);
  }

  // The device that its networks compute on.
  Device device() { return network(-1).device(); }

  // How many patches are worth running at once. One fills all cores of a CPU by itself, and takes 100 MB of
  // activations in the encoder and 500 MB in the whole network at width 24; it does not fill a GPU.
  RowBatches& patches_at_once(int deepest) {
    if (device().is_cpu()) return on_cpu_;
    return deepest < 0 ? encoder_on_gpu_ : whole_on_gpu_;
  }

 private:
  Network& network(int deepest) {
    std::lock_guard lock(mutex_);
    auto& slot = networks_.at(static_cast<std::size_t>(deepest + 1));
    if (!slot) slot = compile_(medlam_graph(*weights_, deepest), weights_->all());
    return *slot;
  }

  RowBatches on_cpu_{1}, encoder_on_gpu_{32}, whole_on_gpu_{8};
  std::unique_ptr<const MedLamWeights> weights_;
  Compile compile_;
  std::mutex mutex_;
  std::array<std::unique_ptr<Network>, 4> networks_;
};

}  // namespace medlsam
