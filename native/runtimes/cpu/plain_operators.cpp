#include "runtimes/cpu/plain_operators.hpp"

#include <utility>

#include "base/error.hpp"

namespace medlsam::cpu {
namespace {

// Without a default: a new operation is not compiled until it is here.
PlainOperation operation_of(Op op) {
  switch (op) {
    case Op::kConvolution:
      return {plan_convolution};
    case Op::kInstanceNormRelu:
      return {plan_instance_norm_relu, true};
    case Op::kMaxPool:
      return {plan_max_pool};
    case Op::kUpsample:
      return {plan_upsample};
    case Op::kConcat:
      return {plan_concat};
    case Op::kFlatten:
    case Op::kDropout:
    case Op::kReshape:
      return {nullptr, false, view_all};
    case Op::kLinear:
      return {plan_linear};
    case Op::kMatMulTransposed:
      return {plan_matmul_transposed};
    case Op::kLayerNorm:
      return {plan_layer_norm, true};
    case Op::kRelu:
      return {plan_relu, true};
    case Op::kGelu:
      return {plan_gelu, true};
    case Op::kAdd:
      return {plan_add, true};
    case Op::kTranspose:
      return {plan_transpose};
    case Op::kSlice:
      return {plan_slice, false, view_slice};
    case Op::kAttention:
      return {plan_attention};
    case Op::kWindowAttention:
      return {plan_window_attention};
  }
  throw Error(ErrorCode::kInternal, "There is no such operation.");
}

class PlainOperator : public Operator {
 public:
  PlainOperator(const Node& node, Precision precision)
      : Operator(node.inputs, {node.result}),
        node_(node),
        operation_(operation_of(node.op)),
        precision_(precision) {}

  bool may_overwrite(std::size_t) const override { return operation_.overwrites_inputs; }
  std::optional<std::size_t> view(const OperatorShapes& shapes) const override {
    return operation_.view == nullptr ? std::nullopt : operation_.view(node_, shapes);
  }
  Step plan(const OperatorShapes& shapes, unsigned threads) const override {
    return operation_.plan(node_, shapes, {threads, precision_});
  }

 private:
  const Node node_;
  const PlainOperation operation_;
  const Precision precision_;
};

}  // namespace

std::unique_ptr<const Operator> plain_operator(const Node& node, Precision precision) {
  return std::make_unique<const PlainOperator>(node, precision);
}

}  // namespace medlsam::cpu
