#include "runtimes/cpu/convolution_pass.hpp"

#include <algorithm>
#include <memory>

#include "runtimes/cpu/convolution_operator.hpp"

namespace medlsam::cpu {
namespace {

bool is_taken(const Compilation& compilation, const Node& node) {
  const Attributes& attributes = node.attributes;
  const auto is = [](std::int64_t wanted) { return [wanted](std::int64_t each) { return each == wanted; }; };
  const Shape& weight = compilation.graph().shape(node.inputs[1]);
  const auto& padding = attributes.list("padding");
  return weight.size() == 5 && std::all_of(weight.begin() + 2, weight.end(), is(3)) &&
         std::all_of(padding.begin(), padding.end(), is(1)) &&
         compilation.parameter(node.inputs[1]) != nullptr &&
         (node.inputs.size() < 3 || compilation.parameter(node.inputs[2]) != nullptr);
}

class Claim {
 public:
  Claim(Compilation& compilation, std::size_t index) : compilation_(compilation), nodes_{index} {
    const Node& node = nodes()[index];
    const Shape& weight = compilation.graph().shape(node.inputs[1]);
    parts_.out = weight[0], parts_.in = weight[1];
    parts_.weights = compilation.parameter(node.inputs[1]);
    if (node.inputs.size() > 2) parts_.bias = compilation.parameter(node.inputs[2]);
    parts_.result = node.result;
    join_before(node.inputs[0]);
    join_after();
  }

  void make() {
    std::sort(nodes_.begin(), nodes_.end());
    nodes_.erase(std::unique(nodes_.begin(), nodes_.end()), nodes_.end());
    compilation_.claim(nodes_, std::make_unique<ConvolutionOperator>(std::move(parts_)));
  }

 private:
  const std::vector<Node>& nodes() const { return compilation_.graph().nodes(); }
  std::size_t index_of(const Node& node) const { return static_cast<std::size_t>(&node - nodes().data()); }
  bool is_free(const Node* node, Op op) const {
    return node != nullptr && node->op == op && !compilation_.is_claimed(index_of(*node));
  }

  // The sources that a value is concatenated from, each maybe upsampled.
  void join_before(Value value) {
    const Node* const node = compilation_.producer(value);
    if (is_free(node, Op::kConcat) && compilation_.is_inner(value) && node->attributes.integer("axis") == 1) {
      nodes_.push_back(index_of(*node));
      for (const Value input : node->inputs) join_before(input);
    } else if (is_free(node, Op::kUpsample) && compilation_.is_inner(value) &&
               node->attributes.integer("factor") == 2) {
      nodes_.push_back(index_of(*node));
      parts_.sources.push_back({before_dropout(node->inputs[0]), true});
    } else {
      parts_.sources.push_back({before_dropout(value), false});
    }
  }

  // Dropout leaves values as they are, and the value before it lies in the layout that is wanted.
  Value before_dropout(Value value) const {
    const Node* const node = compilation_.producer(value);
    return node != nullptr && node->op == Op::kDropout ? before_dropout(node->inputs[0]) : value;
  }

  void join_after() {
    if (compilation_.is_inner(parts_.result)) {
      const std::size_t next = compilation_.readers(parts_.result)[0];
      if (is_free(&nodes()[next], Op::kInstanceNormRelu)) {
        parts_.epsilon = nodes()[next].attributes.real("epsilon");
        parts_.result = nodes()[next].result;
        nodes_.push_back(next);
      }
    }
    // Pooling the values before they are normalized is the same: scales are positive.
    for (const std::size_t reader : compilation_.readers(parts_.result)) {
      const Node& node = nodes()[reader];
      if (parts_.pooled || !is_free(&node, Op::kMaxPool) || node.attributes.integer("size") != 2) continue;
      parts_.pooled = node.result;
      nodes_.push_back(reader);
      parts_.is_read = !compilation_.is_inner(parts_.result);
    }
  }

  Compilation& compilation_;
  std::vector<std::size_t> nodes_;
  ConvolutionParts parts_;
};

}  // namespace

void claim_convolutions(Compilation& compilation) {
  for (std::size_t i = 0; i < compilation.graph().nodes().size(); ++i) {
    const Node& node = compilation.graph().nodes()[i];
    if (node.op == Op::kConvolution && !compilation.is_claimed(i) && is_taken(compilation, node))
      Claim(compilation, i).make();
  }
}

}  // namespace medlsam::cpu
