// Grids that are made on the GPU where a network will look at their patches.
#pragma once

#include <functional>
#include <optional>

#include "base/device.hpp"
#include "localization/grid/grid.hpp"

namespace medlsam {

// A grid with its values on the host and, as grid.on_gpu, on the GPU; nullopt where a GPU cannot make it.
using MakeGpuGrid = std::function<std::optional<Grid>(const Volume& volume, Conventions conventions,
                                                      bool normalized, Device gpu, const Task& task)>;

// Makes make_grid_on use GPUs. What is not registered is done on the host.
void register_gpu_grids(MakeGpuGrid make);

// As make_grid, which it is for the CPU; on a GPU values may differ by 2e-6 of the volume's range.
Grid make_grid_on(Device device, const Volume& volume, Conventions conventions, bool normalized,
                  const Task& task);

}  // namespace medlsam
