#pragma once

#include <ATen/ATen.h>

namespace medlsam::training {

// Features (n, c, z, y, x) with every voxel's vector brought to length 1, as (n, voxels, c), differentiable.
at::Tensor unit_features(const at::Tensor& features);

}  // namespace medlsam::training
