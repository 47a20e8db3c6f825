#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "networks/network.hpp"
#include "runtimes/cpu/memory.hpp"
#include "runtimes/cpu/operator.hpp"
#include "runtimes/cpu/plan.hpp"

namespace medlsam::cpu {

// A graph made runnable. It keeps the plans of the shapes that it met last, an arena for each of the calls
// that run at once, and as many sets of outputs as those calls give back.
class CpuNetwork : public Network {
 public:
  // Throws kInternal for parameters that do not fit the graph.
  CpuNetwork(const Graph& graph, const ParameterMap& parameters, Precision precision = Precision::kFloat32);

  std::vector<Tensor> run(std::span<const Tensor> inputs, const Task& task) override;

  std::size_t idle_arenas() const { return arenas_.idle(); }

 private:
  struct Known {
    std::vector<Shape> shapes;
    unsigned threads;
    std::shared_ptr<const Plan> plan;
  };

  std::shared_ptr<const Plan> plan_for(std::vector<Shape> shapes, unsigned threads);
  // Counts the call among those that run, and takes an arena that is large enough for every plan so far.
  Block begin(const Plan& plan);
  void end(Block arena);

  Graph graph_;
  std::vector<const float*> parameters_;  // of every value
  std::vector<std::unique_ptr<const Operator>> operators_;

  std::mutex mutex_;
  std::list<Known> plans_;  // the one used last comes first
  std::size_t running_ = 0, arena_bytes_ = 0;
  // Calls at once: the most in the last kWindow calls, and so far in the present ones.
  std::size_t most_ = 1, most_now_ = 1, calls_ = 0;
  BlockPool arenas_;
  const std::shared_ptr<BlockPool> outputs_ = std::make_shared<BlockPool>();
};

}  // namespace medlsam::cpu
