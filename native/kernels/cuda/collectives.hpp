// Reductions over the threads of a block, and copies to its shared memory while threads go on.
#pragma once

#include <cstring>

#include "kernels/cuda/block.hpp"
#include "kernels/cuda/elements.hpp"

namespace medlsam::cuda {

inline constexpr int kCopied = 16;  // bytes of one asynchronous copy

// Combines one value of each thread: the result is in shared[0] after it, in the same order of additions on
// every machine. `shared` has room for a value of each thread; their number is a power of two.
template <class Block, class T, class Combine>
MEDLSAM_KERNEL void reduce(Block& block, typename Block::template PerThread<T>& values, T* shared,
                           Combine combine) {
  block.each([&](int thread) { shared[thread] = values[thread]; });
  for (int half = block.threads() / 2; half > 0; half /= 2) {
    block.each([&](int thread) {
      if (thread < half) shared[thread] = combine(shared[thread], shared[thread + half]);
    });
  }
}

// Copies 16 bytes to shared memory while the thread goes on, from Ampere on; both addresses are multiples of
// 16.
MEDLSAM_KERNEL void copy_async(void* to, const void* from) {
#ifdef __CUDACC__
#if __CUDA_ARCH__ >= 800
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(from) : "memory");
#else
  *static_cast<uint4*>(to) = *static_cast<const uint4*>(from);
#endif
#else
  std::memcpy(to, from, kCopied);
#endif
}

// Ends the copies that the thread has begun. Others see them after the next barrier.
MEDLSAM_KERNEL void copies_arrive() {
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

}  // namespace medlsam::cuda
