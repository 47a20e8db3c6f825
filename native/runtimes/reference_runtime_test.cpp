// A runtime made here in a few lines, which interprets graphs by their definition, runs MedLAM and SAM: a new
// runtime needs nothing but runtimes/runtime.hpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "checkpoints/checkpoint.hpp"
#include "networks/medlam_model.hpp"
#include "networks/sam_model.hpp"
#include "runtimes/runtime.hpp"
#include "testing/graph_reference.hpp"

namespace medlsam {
namespace {

DoubleTensor to_double(const float* values, const Shape& shape) {
  return {shape, {values, values + shape_elements(shape)}};
}

class ReferenceNetwork : public Network {
 public:
  ReferenceNetwork(const Graph& graph, const ParameterMap& parameters) : graph_(graph) {
    for (const NamedValue& parameter : graph.parameters()) {
      const float* values = parameter_values(graph, parameter, parameters).data();
      parameters_[parameter.name] = to_double(values, graph.shape(parameter.value));
    }
  }

  std::vector<Tensor> run(std::span<const Tensor> inputs, const Task& task) override {
    task.check();
    std::vector<DoubleTensor> values;
    for (const Tensor& input : inputs) values.push_back(to_double(input.floats(), input.shape()));
    std::vector<Tensor> outputs;
    for (const DoubleTensor& output : evaluate_graph(graph_, parameters_, values))
      outputs.push_back(Tensor::on_host({output.values.begin(), output.values.end()}, output.shape));
    return outputs;
  }

 private:
  Graph graph_;
  std::map<std::string, DoubleTensor> parameters_;
};

class ReferenceRuntime : public Runtime {
 public:
  std::string name() const override { return "reference"; }
  std::string version() const override { return "1"; }
  std::vector<Device> devices() const override { return {{}}; }
  Placement place(const Placement& wanted) const override { return {{}, DType::kF32, wanted.threads}; }
  std::unique_ptr<Network> compile(const Graph& graph, const ParameterMap& parameters,
                                   const Placement&) const override {
    return std::make_unique<ReferenceNetwork>(graph, parameters);
  }
};

Compile on_reference() {
  register_runtime("reference", [](const std::string&) { return std::make_shared<ReferenceRuntime>(); });
  const auto runtime = open_runtime("reference", "");
  return compile_on(runtime, runtime->place({}));
}

// The largest difference from a stored answer.
float difference(const Tensor& found, const TensorView& wanted) {
  REQUIRE(found.shape() == wanted.shape);
  std::vector<float> values(wanted.elements());
  to_float32(wanted, values);
  float worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    worst = std::max(worst, std::abs(found.floats()[i] - values[i]));
  return worst;
}

Tensor tensor_of(const TensorView& view) {
  return Tensor::on_host(reinterpret_cast<const float*>(view.bytes.data()), view.shape);
}

}  // namespace

TEST_CASE("a runtime of a hundred lines runs MedLAM") {
  const std::string folder = CONFORMANCE_DIR "/medlam/";
  const Checkpoint answers = open_checkpoint(folder + "forward.safetensors");
  const Checkpoint checkpoint = open_checkpoint(folder + "medlam.pth");
  MedLamModel model(std::make_unique<const MedLamWeights>(checkpoint, "medlam.pth"), on_reference());
  const auto found = model.run(tensor_of(answers.tensors.at("x")), 0, {});
  CHECK(difference(found.at(0), answers.tensors.at("position")) < 1e-4f);
  CHECK(difference(found.at(1), answers.tensors.at("feature0")) < 1e-3f);
}

TEST_CASE("a runtime of a hundred lines runs SAM") {
  const std::string folder = CONFORMANCE_DIR "/sam/";
  const Checkpoint answers = open_checkpoint(folder + "forward.safetensors");
  const Checkpoint checkpoint = open_checkpoint(folder + "sam_tiny.pth");
  SamModel model(std::make_unique<const SamWeights>(checkpoint, "sam_tiny.pth"), on_reference());
  const auto pixels = answers.tensors.at("resized_u8").bytes.first(256 * 256);
  std::vector<float> slice;
  for (const std::byte pixel : pixels) slice.push_back(static_cast<float>(pixel));
  const Tensor embedding = model.encode(Tensor::on_host(std::move(slice), {1, 1, 256, 256}), {});
  CHECK(difference(embedding, answers.tensors.at("0.embedding")) < 1e-4f);

  const auto* corners = reinterpret_cast<const double*>(answers.tensors.at("boxes_xyxy").bytes.data());
  std::vector<SamPrompt> boxes(4);
  for (std::size_t i = 0; i < 16; ++i) {
    if (i % 4 == 0) boxes[i / 4].box.emplace();
    (*boxes[i / 4].box)[i % 4] = static_cast<float>(corners[i]);
  }
  const SamMasks one = model.decode(embedding, boxes, nullptr, false, {});
  CHECK(difference(one.logits, answers.tensors.at("0.logits")) < 1e-3f);
  CHECK(difference(one.ious, answers.tensors.at("0.iou")) < 1e-4f);
  const SamMasks several = model.decode(embedding, boxes, nullptr, true, {});
  CHECK(difference(several.logits, answers.tensors.at("0.logits_multimask")) < 1e-3f);
}

TEST_CASE("a runtime that nobody registered is refused with the names of those that are") {
  (void)on_reference();
  CHECK_THROWS_WITH_AS((void)open_runtime("none", ""),
                       doctest::Contains("must be one of reference, not 'none'"), Error);
}

}  // namespace medlsam
