#include "torch/aten/aten_network.hpp"

#include <mutex>

#include "networks/medlam.hpp"
#include "networks/sam_decoder.hpp"
#include "networks/sam_encoder.hpp"

namespace medlsam::torch {
namespace {

template <class Weights, class Forward>
class NetworkOf : public AtenNetwork {
 public:
  NetworkOf(const Checkpoint& checkpoint, const at::TensorOptions& options, Forward forward)
      : weights_(checkpoint, "the loaded checkpoint"), options_(options), forward_(std::move(forward)) {}

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, const Check& check) override {
    const c10::InferenceMode inference;
    // The first run fills the map of tensors, so runs take turns; each uses all threads anyway.
    const std::lock_guard lock(mutex_);
    allow_tf32(false);
    AtenOps ops(tensors_, options_, check);
    std::vector<at::Tensor> values;
    for (const at::Tensor& input : inputs) values.push_back(input.to(options_));
    values = forward_(ops, weights_, values);
    for (at::Tensor& value : values) value = value.to(at::kCPU, at::kFloat).contiguous();
    return values;
  }

 private:
  Weights weights_;
  at::TensorOptions options_;
  Forward forward_;
  WeightMap tensors_;
  std::mutex mutex_;
};

template <class Weights, class Forward>
std::unique_ptr<AtenNetwork> make_network(const Checkpoint& weights, const at::TensorOptions& options,
                                          Forward forward) {
  return std::make_unique<NetworkOf<Weights, Forward>>(weights, options, std::move(forward));
}

// The same inputs give the same bytes; fused attention adds its gradients in any order.
void make_cuda_repeatable() {
  at::Context& context = at::globalContext();
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  context.setSDPUseFlash(false);
  context.setSDPUseMemEfficient(false);
  context.setSDPUseCuDNN(false);
}

}  // namespace

at::TensorOptions tensor_options(const std::string& device, at::ScalarType precision) {
  at::Device parsed(at::kCPU);
  try {
    parsed = at::Device(device);
  } catch (const c10::Error&) {
    throw Error(ErrorCode::kBadArgument, "'" + device + "' is no device. Give cpu, cuda or cuda:N.");
  }
  if (!parsed.is_cpu() && !parsed.is_cuda())
    throw Error(ErrorCode::kBadArgument,
                "Device '" + device + "' is not supported. Give cpu, cuda or cuda:N.");
  const std::size_t devices = at::getNumGPUs();
  if (parsed.is_cuda() && std::max<int>(parsed.index(), 0) >= static_cast<int>(devices)) {
    throw Error(ErrorCode::kRuntimeUnavailable, "Device " + device + " is not there: this libtorch sees " +
                                                    std::to_string(devices) +
                                                    " CUDA devices. Run on the cpu, or build the plugin with "
                                                    "a libtorch for CUDA (`npm run build:torch`).");
  }
  if (parsed.is_cuda()) make_cuda_repeatable();
  return at::TensorOptions().device(parsed).dtype(precision);
}

void allow_tf32(bool allowed) {
  at::globalContext().setAllowTF32CuDNN(allowed);
}

std::unique_ptr<AtenNetwork> make_medlam(const Checkpoint& weights, int deepest,
                                         const at::TensorOptions& options) {
  return make_network<MedLamWeights>(
      weights, options,
      [deepest](AtenOps& ops, const MedLamWeights& medlam, const std::vector<at::Tensor>& inputs) {
        return MedLamNetwork(ops, medlam)(inputs.at(0), deepest);
      });
}

std::unique_ptr<AtenNetwork> make_sam(const Checkpoint& weights, SamPart part,
                                      const at::TensorOptions& options) {
  return make_network<SamWeights>(weights, options,
                                  [part](AtenOps& ops, const SamWeights& sam,
                                         const std::vector<at::Tensor>& inputs) -> std::vector<at::Tensor> {
                                    if (part == SamPart::kEncoder)
                                      return {SamEncoder(ops, sam)(inputs.at(0))};
                                    SamDecoder decoder(ops, sam);
                                    if (part == SamPart::kMaskPrompt)
                                      return {decoder.mask_prompt(inputs.at(0))};
                                    return decoder(inputs.at(0), inputs.at(1), inputs.at(2),
                                                   part == SamPart::kMultimaskDecoder);
                                  });
}

}  // namespace medlsam::torch
