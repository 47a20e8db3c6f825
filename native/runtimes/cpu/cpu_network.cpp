#include "runtimes/cpu/cpu_network.hpp"

#include <algorithm>
#include <utility>

#include "runtimes/cpu/compilation.hpp"

namespace medlsam::cpu {
namespace {

constexpr std::size_t kPlans = 8;  // that are kept: batches of one size, the last one's rest, depths

// Addresses of a plan's buffers in one run.
std::vector<std::byte*> addresses(const Plan& plan, std::span<const Tensor> inputs, std::byte* arena,
                                  std::span<const std::shared_ptr<std::byte>> outputs) {
  std::vector<std::byte*> found;
  for (const Buffer& buffer : plan.buffers) {
    switch (buffer.where) {
      // Steps write to buffers of the plan's own alone.
      case Buffer::Where::kInput:
        found.push_back(reinterpret_cast<std::byte*>(const_cast<float*>(inputs[buffer.index].floats())));
        break;
      case Buffer::Where::kParameter:
        found.push_back(const_cast<std::byte*>(buffer.parameter));
        break;
      case Buffer::Where::kArena:
        found.push_back(arena + buffer.offset);
        break;
      case Buffer::Where::kOutput:
        found.push_back(outputs[buffer.index].get());
        break;
    }
  }
  return found;
}

void run_steps(const Plan& plan, std::span<std::byte* const> buffers, const Task& task) {
  std::vector<const std::byte*> inputs;
  std::vector<std::byte*> results;
  for (const PlannedStep& each : plan.steps) {
    task.check();
    inputs.clear();
    results.clear();
    for (const Place& place : each.inputs) inputs.push_back(buffers[place.buffer] + place.offset);
    for (const Place& place : each.results) results.push_back(buffers[place.buffer] + place.offset);
    each.step.run({inputs, results, buffers[each.scratch]}, task);
  }
}

}  // namespace

CpuNetwork::CpuNetwork(const Graph& graph, const ParameterMap& parameters, Precision precision)
    : graph_(graph) {
  Compilation compilation(graph_, parameters, precision);
  for (std::size_t value = 0; value < graph_.values(); ++value)
    parameters_.push_back(compilation.parameter({static_cast<std::int32_t>(value)}));
  for (const Pass pass : passes()) pass(compilation);
  operators_ = compilation.finish();
}

std::shared_ptr<const Plan> CpuNetwork::plan_for(std::vector<Shape> shapes, unsigned threads) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(plans_.begin(), plans_.end(), [&](const Known& known) {
    return known.threads == threads && known.shapes == shapes;
  });
  if (found != plans_.end()) {
    plans_.splice(plans_.begin(), plans_, found);
  } else {
    const Compiled compiled = {graph_, operators_, parameters_};
    auto plan = std::make_shared<const Plan>(make_plan(compiled, shapes, threads));
    plans_.push_front({std::move(shapes), threads, std::move(plan)});
    if (plans_.size() > kPlans) plans_.pop_back();
  }
  return plans_.front().plan;
}

std::vector<Tensor> CpuNetwork::run(std::span<const Tensor> inputs, const Task& task) {
  task.check();
  std::vector<Shape> shapes;
  std::vector<Tensor> here;
  for (const Tensor& input : inputs) {
    shapes.push_back(input.shape());
    here.push_back(input.to_host());
  }
  graph_.check_inputs(shapes);
  const auto plan = plan_for(std::move(shapes), std::max(1U, task.threads));
  const Arenas::Call arena(arenas(), plan->arena_bytes);
  outputs_->keep(arenas().at_once() * plan->output_bytes.size());
  std::vector<std::shared_ptr<std::byte>> blocks;
  for (const std::size_t bytes : plan->output_bytes) blocks.push_back(shared_block(outputs_, bytes));
  const auto buffers = addresses(*plan, here, arena.data(), blocks);
  run_steps(*plan, buffers, task);
  std::vector<Tensor> outputs;
  for (const PlannedOutput& output : plan->outputs) {
    const Buffer& buffer = plan->buffers[output.place.buffer];
    const auto& block = blocks[buffer.index];
    outputs.push_back(Tensor::on_host(reinterpret_cast<const float*>(block.get()), output.shape, block));
  }
  return outputs;
}

}  // namespace medlsam::cpu
