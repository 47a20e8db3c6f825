// A block of threads, as a kernel's body sees it, on a GPU and on the host.
//
// A body is a structure with its arguments, `kThreads`, and
//   template <class Block> MEDLSAM_KERNEL void operator()(Block& block) const
// which is a sequence of phases: block.each(work) calls work(thread) for every thread, and no phase begins
// before all threads have left the last. On a GPU that is a barrier, on the host a loop, so that indexing and
// arithmetic are tested without a GPU, under the sanitizers too. Within a phase a thread must not read what
// another one writes; tests run threads forward and backward to find that. What a thread keeps from phase to
// phase is in PerThread, what a warp keeps in PerWarp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#ifdef __CUDACC__
#define MEDLSAM_KERNEL __device__ __forceinline__
#define MEDLSAM_HD __host__ __device__ __forceinline__
#define MEDLSAM_UNROLL _Pragma("unroll")
#else
#define MEDLSAM_KERNEL inline
#define MEDLSAM_HD inline
#define MEDLSAM_UNROLL
#endif

namespace medlsam::cuda {

inline constexpr int kWarp = 32;

// Blocks along three axes, and bytes of shared memory for each.
struct Launch {
  std::int64_t x = 1, y = 1, z = 1;
  std::size_t shared_bytes = 0;
};

// Blocks of `each` items that cover `count`.
MEDLSAM_HD std::int64_t blocks_for(std::int64_t count, std::int64_t each) {
  return (count + each - 1) / each;
}

#ifdef __CUDACC__

class DeviceBlock {
 public:
  template <class T>
  class PerThread {
   public:
    __device__ explicit PerThread(const DeviceBlock&) {}
    __device__ __forceinline__ T& operator[](int) { return value_; }

   private:
    T value_;
  };
  template <class T>
  using PerWarp = PerThread<T>;

  __device__ __forceinline__ int x() const { return static_cast<int>(blockIdx.x); }
  __device__ __forceinline__ int y() const { return static_cast<int>(blockIdx.y); }
  __device__ __forceinline__ int z() const { return static_cast<int>(blockIdx.z); }
  __device__ __forceinline__ int blocks_x() const { return static_cast<int>(gridDim.x); }
  __device__ __forceinline__ int blocks_y() const { return static_cast<int>(gridDim.y); }
  __device__ __forceinline__ int threads() const { return static_cast<int>(blockDim.x); }

  template <class T>
  __device__ __forceinline__ T* shared() const {
    extern __shared__ __align__(128) unsigned char medlsam_shared[];
    return reinterpret_cast<T*>(medlsam_shared);
  }

  template <class Work>
  __device__ __forceinline__ void each(Work&& work) {
    work(static_cast<int>(threadIdx.x));
    __syncthreads();
  }
  template <class Work>
  __device__ __forceinline__ void each_without_barrier(Work&& work) {
    work(static_cast<int>(threadIdx.x));
  }
  template <class Work>
  __device__ __forceinline__ void warps(Work&& work) {
    work(static_cast<int>(threadIdx.x) / kWarp);
    __syncthreads();
  }
  template <class Work>
  __device__ __forceinline__ void warps_without_barrier(Work&& work) {
    work(static_cast<int>(threadIdx.x) / kWarp);
  }
};

#else

// The order in which the host runs blocks and their threads: a right body gives the same in both. Tests set
// it, here or by MEDLSAM_HOST_ORDER=backward.
inline bool& host_runs_backward() {
  static bool backward = std::getenv("MEDLSAM_HOST_ORDER") != nullptr;
  return backward;
}

template <class Work>
void in_host_order(std::int64_t count, Work&& work) {
  const bool backward = host_runs_backward();
  for (std::int64_t i = 0; i < count; ++i) work(backward ? count - 1 - i : i);
}

class HostBlock {
 public:
  // Values not yet written are all ones: NaN, if they are floats.
  HostBlock(std::int64_t x, std::int64_t y, std::int64_t z, const Launch& launch, int threads)
      : x_(static_cast<int>(x)),
        y_(static_cast<int>(y)),
        z_(static_cast<int>(z)),
        blocks_x_(static_cast<int>(launch.x)),
        blocks_y_(static_cast<int>(launch.y)),
        threads_(threads),
        shared_(blocks_for(static_cast<std::int64_t>(launch.shared_bytes), sizeof(Line)), Line::unwritten()) {
  }

  template <class T>
  class PerThread {
   public:
    explicit PerThread(const HostBlock& block) : values_(block.threads()) {}
    T& operator[](int thread) { return values_[thread]; }

   private:
    std::vector<T> values_;
  };
  template <class T>
  class PerWarp {
   public:
    explicit PerWarp(const HostBlock& block) : values_(block.threads() / kWarp) {}
    T& operator[](int warp) { return values_[warp]; }

   private:
    std::vector<T> values_;
  };

  int x() const { return x_; }
  int y() const { return y_; }
  int z() const { return z_; }
  int blocks_x() const { return blocks_x_; }
  int blocks_y() const { return blocks_y_; }
  int threads() const { return threads_; }

  template <class T>
  T* shared() {
    return reinterpret_cast<T*>(shared_.data());
  }

  template <class Work>
  void each(Work&& work) {
    in_host_order(threads_, [&](std::int64_t thread) { work(static_cast<int>(thread)); });
  }
  template <class Work>
  void each_without_barrier(Work&& work) {
    each(work);
  }
  // Once for each warp: inside, only matrix.hpp's functions, which a warp's threads call together.
  template <class Work>
  void warps(Work&& work) {
    in_host_order(threads_ / kWarp, [&](std::int64_t warp) { work(static_cast<int>(warp)); });
  }
  template <class Work>
  void warps_without_barrier(Work&& work) {
    warps(work);
  }

 private:
  // As aligned as shared memory needs to be, and as fine as the sanitizer's bounds get.
  struct alignas(16) Line {
    std::uint32_t words[4];
    static Line unwritten() { return {{~0U, ~0U, ~0U, ~0U}}; }
  };

  int x_, y_, z_, blocks_x_, blocks_y_, threads_;
  std::vector<Line> shared_;
};

#endif

}  // namespace medlsam::cuda
