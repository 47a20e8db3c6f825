#include "localization/grid/gpu_grid.hpp"

#include <mutex>
#include <utility>

namespace medlsam {
namespace {

std::mutex registry_mutex;
MakeGpuGrid make_gpu_grid;

}  // namespace

void register_gpu_grids(MakeGpuGrid make) {
  const std::lock_guard lock(registry_mutex);
  make_gpu_grid = std::move(make);
}

Grid make_grid_on(Device device, const Volume& volume, Conventions conventions, bool normalized,
                  const Task& task) {
  MakeGpuGrid make;
  {
    const std::lock_guard lock(registry_mutex);
    make = make_gpu_grid;
  }
  if (!device.is_cpu() && make) {
    if (auto grid = make(volume, conventions, normalized, device, task)) return *std::move(grid);
  }
  return make_grid(volume, conventions, normalized, task);
}

}  // namespace medlsam
