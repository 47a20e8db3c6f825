// Patches, similarity, slices and masks of scans on the GPU that their networks compute on.
#pragma once

#include <memory>

#include "cuda/plugin_api.hpp"
#include "localization/patch_source.hpp"
#include "segmentation/slice_source.hpp"

namespace medlsam::cuda {

// The grid goes up once; patches stay there, and of features only peaks come back. Networks that leave their
// features on the host are searched there. Throws as DeviceScan does.
std::unique_ptr<PatchSource> open_gpu_patches(const MedlsamCudaTable& table, const Grid& grid, Device gpu);

// The scan goes up once; pictures stay there, and of logits only masks come back. Logits on the host become
// masks there. Throws as DeviceScan does.
std::unique_ptr<SliceSource> open_gpu_slices(const MedlsamCudaTable& table, const SlicedScan& scan,
                                             Device gpu, const Task& task);

// Makes medlsam::open_patches and open_slices use these for networks on a GPU, and the host where the plugin
// cannot use it. The table is a loaded plugin's.
void register_gpu_sources(const MedlsamCudaTable& table);

}  // namespace medlsam::cuda
