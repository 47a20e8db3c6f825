#include "networks/medlam.hpp"

#include <string>

namespace medlsam {
namespace {

class Recorder {
 public:
  explicit Recorder(const MedLamWeights& weights) : weights_(weights) {}

  Graph record(int deepest) {
    const std::int64_t p = weights_.patch();
    std::vector<Value> skips;
    Value x = graph_.input("patch", {kAnyExtent, 1, p, p, p});
    for (int level = 0; level < 5; ++level) {
      if (level > 0) x = graph_.max_pool(x, 2);
      x = unit(unit(x, level, 1), level, 2);
      skips.push_back(x);
    }
    x = graph_.dropout(x);
    const Value hidden = fully_connected(fully_connected(graph_.flatten(x), 1), 2);
    graph_.output(fully_connected(hidden, 3));
    // The decoder's first stage (units 5) leads to the scales, one more stage for each.
    for (int stage = 0; deepest >= 0 && stage <= deepest + 1; ++stage) {
      x = graph_.concat(graph_.upsample(x, 2), skips[3 - stage], 1);
      x = unit(unit(x, 5 + stage, 1), 5 + stage, 2);
      if (stage > 0) graph_.output(x);
    }
    return std::move(graph_);
  }

 private:
  Value parameter(const std::string& name) { return graph_.parameter(name, weights_.at(name).shape); }

  Value unit(Value x, int k, int j) {
    const std::string name = "conv" + std::to_string(k) + "_" + std::to_string(j) + ".model.conv1_1.Conv";
    const Value weight = parameter(name + ".weight"), bias = parameter(name + ".bias");
    return graph_.instance_norm_relu(graph_.convolution(x, weight, bias, 1), kEpsilon);
  }

  Value fully_connected(Value x, int index) {
    const std::string name = "fc" + std::to_string(index);
    const Value weight = parameter(name + ".weight"), bias = parameter(name + ".bias");
    return graph_.linear(x, weight, bias);
  }

  static constexpr float kEpsilon = 1e-5f;

  Graph graph_;
  const MedLamWeights& weights_;
};

}  // namespace

Graph medlam_graph(const MedLamWeights& weights, int deepest) {
  return Recorder(weights).record(deepest);
}

}  // namespace medlsam
