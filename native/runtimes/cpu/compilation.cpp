#include "runtimes/cpu/compilation.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "runtimes/cpu/convolution_pass.hpp"
#include "runtimes/cpu/linear_pass.hpp"
#include "runtimes/cpu/plain_operators.hpp"
#include "runtimes/runtime.hpp"

namespace medlsam::cpu {

Compilation::Compilation(const Graph& graph, const ParameterMap& parameters, Precision precision)
    : graph_(graph),
      precision_(precision),
      parameters_(graph.values(), nullptr),
      readers_(graph.values()),
      producers_(graph.values(), graph.nodes().size()),
      claimed_(graph.nodes().size(), false) {
  for (const NamedValue& parameter : graph.parameters())
    parameters_[index_of(parameter.value)] = parameter_values(graph, parameter, parameters).data();
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    producers_[index_of(node.result)] = i;
    for (const Value input : node.inputs) {
      auto& readers = readers_[index_of(input)];
      if (readers.empty() || readers.back() != i) readers.push_back(i);
    }
  }
}

bool Compilation::is_output(Value value) const {
  const auto& outputs = graph_.outputs();
  return std::find(outputs.begin(), outputs.end(), value) != outputs.end();
}

const Node* Compilation::producer(Value value) const {
  const std::size_t node = producers_[index_of(value)];
  return node == graph_.nodes().size() ? nullptr : &graph_.nodes()[node];
}

void Compilation::claim(std::span<const std::size_t> nodes, std::unique_ptr<const Operator> made) {
  for (const std::size_t node : nodes) {
    if (claimed_[node]) throw Error(ErrorCode::kInternal, "A node of a graph was claimed twice.");
    claimed_[node] = true;
  }
  operators_.push_back(std::move(made));
}

std::vector<std::unique_ptr<const Operator>> Compilation::finish() {
  for (std::size_t i = 0; i < claimed_.size(); ++i) {
    const std::size_t node[] = {i};
    if (!claimed_[i]) claim(node, plain_operator(graph_.nodes()[i], precision_));
  }
  // By the first of their results, so that values live no longer than in the graph's own order; an operator
  // of several nodes may still have to wait for what comes later.
  const auto place = [this](const std::unique_ptr<const Operator>& each) {
    std::size_t first = claimed_.size();
    for (const Value result : each->results()) first = std::min(first, producers_[index_of(result)]);
    return first;
  };
  std::stable_sort(operators_.begin(), operators_.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
  std::vector<bool> known(graph_.values(), true);
  for (const Node& node : graph_.nodes()) known[index_of(node.result)] = false;
  std::vector<std::unique_ptr<const Operator>> ordered;
  while (!operators_.empty()) {
    const auto next = std::find_if(operators_.begin(), operators_.end(), [&](const auto& each) {
      return std::all_of(each->inputs().begin(), each->inputs().end(),
                         [&](Value input) { return known[index_of(input)]; });
    });
    if (next == operators_.end())
      throw Error(ErrorCode::kInternal,
                  "Operators of a graph wait for each other, or for a value inside one.");
    for (const Value result : (*next)->results()) known[index_of(result)] = true;
    ordered.push_back(std::move(*next));
    operators_.erase(next);
  }
  return ordered;
}

std::span<const Pass> passes() {
  static constexpr Pass kPasses[] = {claim_convolutions, claim_linear};
  return kPasses;
}

}  // namespace medlsam::cpu
