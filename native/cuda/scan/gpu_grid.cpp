#include "cuda/scan/gpu_grid.hpp"

namespace medlsam::cuda {

Grid make_gpu_grid(const MedlsamCudaTable& table, const Volume& volume, Conventions conventions,
                   bool normalized, Device gpu, const Task& task) {
  const Device definite = gpu.first();
  const auto scan = std::make_shared<DeviceScan>(table, definite.index);
  scan->load(volume, task);
  Grid grid = scan->make_grid(conventions, normalized, task);
  grid.values.resize(static_cast<std::size_t>(grid.shape[0] * grid.shape[1] * grid.shape[2]));
  scan->read(scan->grid_values(), std::as_writable_bytes(std::span(grid.values)));
  scan->keep_grid();
  grid.on_gpu = std::make_shared<GpuGrid>(definite, scan);
  return grid;
}

}  // namespace medlsam::cuda
