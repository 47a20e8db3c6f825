#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "checkpoints/checkpoint.hpp"
#include "networks/sam_model.hpp"
#include "torch/aten/aten_ops.hpp"

namespace medlsam::torch {

// A network whose every run calls ATen. Safe to run from several threads.
class AtenNetwork {
 public:
  virtual ~AtenNetwork() = default;
  // Inputs and outputs are float32 on the CPU, whatever the network computes in.
  virtual std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, const Check& check) = 0;
};

// Where and in what arithmetic; a GPU is set to give the same bytes on every run. Throws kRuntimeUnavailable
// for a device that is not there, kBadArgument for one that is none.
at::TensorOptions tensor_options(const std::string& device, at::ScalarType precision);

// Whether what is computed in float32 from here on may be multiplied in TF32 (10 bits) by cuDNN: for
// training, fifteen times as fast on small networks, whose convolutions have no other fast kernels. Networks
// forbid it.
void allow_tf32(bool allowed);

// `weights` holds the network's tensors under their official names; their memory outlives the network.
std::unique_ptr<AtenNetwork> make_medlam(const Checkpoint& weights, int deepest,
                                         const at::TensorOptions& options);
std::unique_ptr<AtenNetwork> make_sam(const Checkpoint& weights, SamPart part,
                                      const at::TensorOptions& options);

}  // namespace medlsam::torch
