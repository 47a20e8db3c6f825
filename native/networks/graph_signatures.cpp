#include "networks/graph_signatures.hpp"

#include <array>
#include <string_view>
#include <vector>

namespace medlsam {
namespace {

// Inputs and attributes of an operation. Lists of one integer are marked by their length, others have any.
struct Signature {
  const char* name;
  std::size_t least_inputs, most_inputs;
  std::vector<std::string_view> lists, integers, reals;
};

const std::array<Signature, kOps>& signatures() {
  static const std::array<Signature, kOps> table = {{
      {"convolution", 2, 3, {"padding"}, {}, {}},
      {"instance_norm_relu", 1, 1, {}, {}, {"epsilon"}},
      {"max_pool", 1, 1, {}, {"size"}, {}},
      {"upsample", 1, 1, {}, {"factor"}, {}},
      {"concat", 2, 2, {}, {"axis"}, {}},
      {"flatten", 1, 1, {}, {}, {}},
      {"dropout", 1, 1, {}, {}, {}},
      {"linear", 2, 3, {}, {}, {}},
      {"matmul_transposed", 2, 2, {}, {}, {}},
      {"layer_norm", 3, 3, {}, {}, {"epsilon"}},
      {"relu", 1, 1, {}, {}, {}},
      {"gelu", 1, 1, {}, {}, {}},
      {"add", 2, 2, {}, {}, {}},
      {"reshape", 1, 1, {"shape"}, {}, {}},
      {"transpose", 1, 1, {"axes"}, {}, {}},
      {"slice", 1, 1, {}, {"axis", "begin", "end"}, {}},
      {"attention", 3, 3, {}, {"heads"}, {}},
      {"window_attention", 4, 4, {}, {"heads", "window"}, {}},
  }};
  return table;
}

}  // namespace

const char* op_name(Op op) {
  return signatures().at(static_cast<std::size_t>(op)).name;
}

void check_signature(Op op, std::size_t inputs, const Attributes& attributes) {
  const Signature& signature = signatures().at(static_cast<std::size_t>(op));
  expect(inputs >= signature.least_inputs && inputs <= signature.most_inputs,
         "the number of inputs is wrong");
  const std::size_t integers = signature.lists.size() + signature.integers.size();
  expect(attributes.integers.size() == integers && attributes.reals.size() == signature.reals.size(),
         "the number of attributes is wrong");
  for (const std::string_view name : signature.lists) (void)attributes.list(name);
  for (const std::string_view name : signature.integers)
    expect(attributes.list(name).size() == 1, "an attribute is not one integer");
  for (const std::string_view name : signature.reals) (void)attributes.real(name);
}

}  // namespace medlsam
