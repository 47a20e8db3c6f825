#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "networks/network.hpp"
#include "runtimes/cpu/arenas.hpp"
#include "runtimes/cpu/memory.hpp"
#include "runtimes/cpu/operator.hpp"
#include "runtimes/cpu/plan.hpp"

namespace medlsam::cpu {

// A graph made runnable. It keeps the plans of the shapes that it met last, and as many sets of outputs that
// were given back as calls run at once. Its arenas are the process's.
class CpuNetwork : public Network {
 public:
  // Throws kInternal for parameters that do not fit the graph.
  CpuNetwork(const Graph& graph, const ParameterMap& parameters, Precision precision = Precision::kFloat32);

  std::vector<Tensor> run(std::span<const Tensor> inputs, const Task& task) override;
  std::int64_t best_batch() const override { return 2; }

 private:
  struct Known {
    std::vector<Shape> shapes;
    unsigned threads;
    std::shared_ptr<const Plan> plan;
  };

  std::shared_ptr<const Plan> plan_for(std::vector<Shape> shapes, unsigned threads);

  Graph graph_;
  std::vector<const float*> parameters_;  // of every value
  std::vector<std::unique_ptr<const Operator>> operators_;

  std::mutex mutex_;
  std::list<Known> plans_;  // the one used last comes first
  const Arenas::User arenas_{arenas()};
  const std::shared_ptr<BlockPool> outputs_ = std::make_shared<BlockPool>();
};

}  // namespace medlsam::cpu
