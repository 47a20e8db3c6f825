#include "runtimes/onnxruntime/session.hpp"

#include "networks/medlam.hpp"
#include "networks/sam_decoder.hpp"
#include "networks/sam_encoder.hpp"
#include "runtimes/onnxruntime/empty_model.hpp"
#include "runtimes/onnxruntime/graph_ops.hpp"
#include "runtimes/onnxruntime/operations.hpp"

namespace medlsam::onnx {
namespace {

[[noreturn]] void rethrow(const Ort::Exception& error) {
  throw Error(ErrorCode::kInternal, std::string("ONNX Runtime: ") + error.what());
}

}  // namespace

Session::Session(const Ort::Model& model, std::vector<std::string> inputs, std::vector<std::string> outputs,
                 std::shared_ptr<const void> constants, const Execution& execution)
    : inputs_(std::move(inputs)), outputs_(std::move(outputs)), constants_(std::move(constants)) {
  try {
    Ort::SessionOptions options = session_options(execution);
    options.Add(operations());
    const std::string empty = empty_model();
    session_ = Ort::Session::CreateModelEditorSession(environment(), empty.data(), empty.size(), options);
    session_.FinalizeModelEditorSession(model, options, nullptr);
  } catch (const Ort::Exception& error) {
    rethrow(error);
  }
}

std::vector<Array> Session::run(std::span<const Array> inputs, const Task& task) {
  task.check();
  try {
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    std::vector<Ort::Value> values;
    for (const Array& array : inputs) {
      std::size_t count = 1;
      for (std::int64_t extent : array.shape) count *= static_cast<std::size_t>(extent);
      values.push_back(Ort::Value::CreateTensor<float>(memory, const_cast<float*>(array.data), count,
                                                       array.shape.data(), array.shape.size()));
    }
    std::vector<const char*> input_names, output_names;
    for (const auto& name : inputs_) input_names.push_back(name.c_str());
    for (const auto& name : outputs_) output_names.push_back(name.c_str());

    Ort::RunOptions options;
    std::vector<Ort::Value> results;
    {
      // ONNX Runtime looks at this flag between nodes.
      const OnCancel terminating(task.cancelled, [&options] { options.SetTerminate(); });
      results = session_.Run(options, input_names.data(), values.data(), values.size(), output_names.data(),
                             output_names.size());
    }
    std::vector<Array> outputs;
    for (Ort::Value& result : results) {
      auto owner = std::make_shared<Ort::Value>(std::move(result));
      outputs.push_back(
          {owner->GetTensorData<float>(), owner->GetTensorTypeAndShapeInfo().GetShape(), owner});
    }
    return outputs;
  } catch (const Ort::Exception& error) {
    task.check();  // a terminated run fails because we asked for it
    rethrow(error);
  }
}

MedLamBuilder medlam_builder(const Execution& execution) {
  return [execution](const MedLamWeights& weights, int deepest) -> std::unique_ptr<Network> {
    try {
      GraphOps ops;
      const std::int64_t p = weights.patch();
      const auto patch = ops.input("patch", {-1, 1, p, p, p});
      const auto outputs = MedLamNetwork(ops, weights)(patch, deepest);
      for (std::size_t i = 0; i < outputs.size(); ++i) ops.output(outputs[i], i == 0 ? 2 : 5);
      return ops.build(execution);
    } catch (const Ort::Exception& error) {
      rethrow(error);
    }
  };
}

SamBuilder sam_builder(const Execution& execution) {
  return [execution](const SamWeights& weights, SamPart part) -> std::unique_ptr<Network> {
    try {
      GraphOps ops;
      const std::int64_t s = weights.image_size(), grid = weights.grid(), channels = weights.channels();
      if (part == SamPart::kEncoder) {
        ops.output(SamEncoder(ops, weights)(ops.input("slices", {-1, 1, s, s})), 4);
      } else if (part == SamPart::kMaskPrompt) {
        ops.output(SamDecoder(ops, weights).mask_prompt(ops.input("masks", {-1, 1, 4 * grid, 4 * grid})), 4);
      } else {
        const auto embedding = ops.input("embedding", {1, channels, grid, grid});
        const auto tokens = ops.input("tokens", {-1, -1, channels});
        const auto dense = ops.input("dense", {-1, channels, -1, -1});
        const auto outputs =
            SamDecoder(ops, weights)(embedding, tokens, dense, part == SamPart::kMultimaskDecoder);
        ops.output(outputs[0], 4);
        ops.output(outputs[1], 2);
      }
      return ops.build(execution);
    } catch (const Ort::Exception& error) {
      rethrow(error);
    }
  };
}

}  // namespace medlsam::onnx
