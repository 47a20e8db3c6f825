// The seam of the CPU runtime between a graph and what computes it. One or more nodes become an Operator when
// the graph is compiled: weights are packed, shapes may be open. An Operator becomes a Step when the shapes
// are known, and a step runs on memory that the plan (plan.hpp) gives it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "base/tensor.hpp"
#include "networks/graph.hpp"

namespace medlsam::cpu {

// How a value lies in memory where that is not row-major float32. One object for each way, which outlives the
// networks: two values lie alike if they have the same object.
class Layout {
 public:
  virtual ~Layout() = default;
  virtual std::size_t bytes(const Shape& shape) const = 0;
  // Both are loops over the executor; memory of either is 64-byte aligned.
  virtual void to_row_major(const std::byte* from, const Shape& shape, float* to, const Task& task) const = 0;
  virtual void from_row_major(const float* from, const Shape& shape, std::byte* to,
                              const Task& task) const = 0;
};

// Shapes of what an operator reads and makes, in the order of its inputs and results.
struct OperatorShapes {
  std::vector<Shape> inputs, results;
};

// Memory of a step during a run. Inputs are aligned to four bytes, what the plan has placed (results,
// scratch, and inputs in a layout) to 64. A result that took an input's memory has its address.
struct Operands {
  std::span<const std::byte* const> inputs;
  std::span<std::byte* const> results;
  std::byte* scratch = nullptr;

  const float* input(std::size_t index) const { return reinterpret_cast<const float*>(inputs[index]); }
  float* result(std::size_t index = 0) const { return reinterpret_cast<float*>(results[index]); }
};

struct Step {
  // May be called by several threads at once, with operands of their own. Loops are parallel_for's over
  // `task`, and the bytes of the results do not depend on its threads.
  std::function<void(const Operands& operands, const Task& task)> run;
  std::size_t scratch = 0;  // bytes, for all threads of the task
};

class Operator {
 public:
  // Values that are read, parameters that were not packed among them, and values that others may read.
  Operator(std::vector<Value> inputs, std::vector<Value> results)
      : inputs_(std::move(inputs)), results_(std::move(results)) {}
  virtual ~Operator() = default;

  const std::vector<Value>& inputs() const { return inputs_; }
  const std::vector<Value>& results() const { return results_; }

  // How an input is read and a result is made; null: row-major. The plan converts where the two differ.
  virtual const Layout* input_layout(std::size_t) const { return nullptr; }
  virtual const Layout* result_layout(std::size_t) const { return nullptr; }

  // Whether the first result may take this input's memory, if nothing else reads the input and both have the
  // same number of bytes.
  virtual bool may_overwrite(std::size_t) const { return false; }
  // Where in the first input's memory, in bytes, the only result lies already: then there is no step. Both
  // are row-major.
  virtual std::optional<std::size_t> view(const OperatorShapes&) const { return std::nullopt; }

  // `threads`: of the tasks that the step runs in. The step may refer to this operator.
  virtual Step plan(const OperatorShapes& shapes, unsigned threads) const = 0;

 private:
  std::vector<Value> inputs_, results_;
};

}  // namespace medlsam::cpu
