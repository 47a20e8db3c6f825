// The GPUs that the plugin can use, or one line that says why there is none.
#pragma once

#include "kernels/cuda/memory.hpp"

namespace medlsam::cuda {

// Throws kRuntimeUnavailable where `found` has a problem.
void require_devices(const DeviceCount& found);

// Throws kRuntimeUnavailable for a number that is not there.
void require_number(int device, const DeviceCount& found);

// Throws kRuntimeUnavailable for a GPU too old, or one that the plugin was not compiled for.
void require_capability(int device, const DeviceProperties& properties, bool has_code);

// All of these, asked of the machine.
DeviceProperties require_device(int device);

}  // namespace medlsam::cuda
