// Running a kernel's body (block.hpp) over blocks.
#pragma once

#include "base/error.hpp"
#include "kernels/cuda/block.hpp"
#include "kernels/cuda/memory.hpp"

#ifdef __CUDACC__
#include "kernels/cuda/checks.hpp"
#endif

namespace medlsam::cuda {

#ifdef __CUDACC__

template <class Body>
__global__ void __launch_bounds__(Body::kThreads) run_body(const __grid_constant__ Body body) {
  DeviceBlock block;
  body(block);
}

template <class Body>
void launch(Stream stream, const Launch& launch, const Body& body) {
  if (launch.x == 0 || launch.y == 0 || launch.z == 0) return;
  constexpr std::size_t kWithoutAsking = 48 * 1024;
  if (launch.shared_bytes > kWithoutAsking) {
    check(cudaFuncSetAttribute(run_body<Body>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(launch.shared_bytes)),
          "reserving shared memory");
  }
  const dim3 blocks(static_cast<unsigned>(launch.x), static_cast<unsigned>(launch.y),
                    static_cast<unsigned>(launch.z));
  run_body<Body><<<blocks, Body::kThreads, launch.shared_bytes, static_cast<cudaStream_t>(stream)>>>(body);
  check(cudaGetLastError(), "starting a kernel");
}

#else

// Does the copies that were queued before (memory_host.cpp).
void finish_queued();

// Refuses what a GPU would refuse.
template <class Body>
void launch(Stream, const Launch& launch, const Body& body) {
  constexpr std::int64_t kMostX = 0x7fffffff, kMostYz = 65535;
  const bool fits = launch.x <= kMostX && launch.y <= kMostYz && launch.z <= kMostYz &&
                    Body::kThreads <= 1024 && Body::kThreads % kWarp == 0 &&
                    launch.shared_bytes <= device_properties(0).shared_bytes;
  if (!fits) throw Error(ErrorCode::kInternal, "A kernel was started with more than a GPU can run.");
  finish_queued();
  in_host_order(launch.x * launch.y * launch.z, [&](std::int64_t i) {
    HostBlock block(i % launch.x, i / launch.x % launch.y, i / launch.x / launch.y, launch, Body::kThreads);
    body(block);
  });
}

#endif

}  // namespace medlsam::cuda
