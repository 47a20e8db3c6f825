// A compiled graph for inputs of known shapes: its steps in order, and where in memory every value lies while
// it is needed.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "networks/graph.hpp"
#include "runtimes/cpu/compilation.hpp"
#include "runtimes/cpu/operator.hpp"

namespace medlsam::cpu {

// Memory that holds one value after another, or a step's scratch.
struct Buffer {
  enum class Where { kInput, kParameter, kArena, kOutput };
  Where where = Where::kArena;
  std::size_t index = 0;                 // of the graph's input, or of the block of outputs
  const std::byte* parameter = nullptr;  // of kParameter
  std::size_t bytes = 0;
  std::size_t first = 0, last = 0;  // steps that use it
  std::size_t offset = 0;           // in the arena
};

// Some of a buffer.
struct Place {
  std::size_t buffer = 0, offset = 0;
};

struct PlannedStep {
  Step step;
  std::vector<Place> inputs, results;
  std::size_t scratch = 0;  // its buffer
};

struct PlannedOutput {
  Place place;
  Shape shape;
};

struct Plan {
  std::vector<Buffer> buffers;
  std::vector<PlannedStep> steps;
  std::vector<PlannedOutput> outputs;
  std::vector<std::size_t> output_bytes;  // of every block of outputs
  std::size_t arena_bytes = 0;
};

// What a plan is made from. All of it outlives the plan.
struct Compiled {
  const Graph& graph;
  std::span<const std::unique_ptr<const Operator>> operators;
  std::span<const float* const> parameters;  // of every value; null for those that are none
};

// `inputs` fit the graph's. Throws kInternal where a result's shape does not.
Plan make_plan(const Compiled& compiled, std::span<const Shape> inputs, unsigned threads);

// Moves buffers of the arena into blocks of outputs that have no other use while the buffer is needed: an
// output lies in its block from its own first step on. A block grows by an eighth at most for it.
void place_in_outputs(std::span<Buffer> buffers, std::span<std::size_t> output_bytes);

// Gives every buffer of the arena its offset, so that buffers in use at once do not overlap; returns the
// arena's size. The largest come first, each at the lowest offset that is free.
std::size_t place_in_arena(std::span<Buffer> buffers);

}  // namespace medlsam::cpu
