#include "segmentation/slices/layout.hpp"

#include "volumes/orientation.hpp"

namespace medlsam {

SliceLayout slice_layout(const Affine& affine, const Index3& stored_shape) {
  SliceLayout layout;
  layout.axis = las_orientation(affine).stored_axis;
  const Index3 stride = {stored_shape[1] * stored_shape[2], stored_shape[2], 1};
  for (int a = 0; a < 3; ++a) layout.stride[a] = stride[layout.axis[a]];
  layout.count = stored_shape[layout.axis[0]];
  layout.height = stored_shape[layout.axis[1]];
  layout.width = stored_shape[layout.axis[2]];
  return layout;
}

}  // namespace medlsam
