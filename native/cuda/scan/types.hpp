// The plugin's numbers and structures for this package's.
#pragma once

#include "base/error.hpp"
#include "base/tensor.hpp"
#include "cuda/plugin_api.hpp"
#include "kernels/axis_operator.hpp"

namespace medlsam::cuda {

inline std::int32_t type_number(DType dtype) {
  if (dtype == DType::kF32) return MEDLSAM_CUDA_FLOAT32;
  if (dtype == DType::kF16) return MEDLSAM_CUDA_FLOAT16;
  if (dtype == DType::kBF16) return MEDLSAM_CUDA_BFLOAT16;
  throw Error(ErrorCode::kInternal,
              std::string("A GPU's tensors are not of type ") + dtype_name(dtype) + '.');
}

// Valid as long as `op` is.
inline MedlsamCudaOperator operator_view(const AxisOperator& op) {
  return {op.first.data(), op.begin.data(), op.weights.data(), op.rows()};
}

}  // namespace medlsam::cuda
