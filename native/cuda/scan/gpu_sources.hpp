// Grids, patches, similarity, slices and masks of scans on the GPU that their networks compute on.
#pragma once

#include <memory>

#include "cuda/plugin_api.hpp"
#include "localization/patch_source.hpp"
#include "segmentation/slice_source.hpp"

namespace medlsam::cuda {

// The grid is there if a GPU made it (gpu_grid.hpp), else it goes up once; patches stay there, and of
// features only peaks come back. Networks that leave their features on the host are searched there. Throws as
// DeviceScan does.
std::unique_ptr<PatchSource> open_gpu_patches(const MedlsamCudaTable& table, const Grid& grid, Device gpu);

// The scan goes up once; pictures stay there, and of logits only masks come back. Logits on the host become
// masks there. Throws as DeviceScan does.
std::unique_ptr<SliceSource> open_gpu_slices(const MedlsamCudaTable& table, const SlicedScan& scan,
                                             Device gpu, const Task& task);

// Makes medlsam::make_grid_on, open_patches and open_slices use GPUs, and the host where the plugin cannot
// use one. The table is a loaded plugin's.
void register_gpu_sources(const MedlsamCudaTable& table);

}  // namespace medlsam::cuda
