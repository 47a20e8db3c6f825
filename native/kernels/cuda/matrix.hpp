// Products of small matrices by a warp: float16 in, float32 out, on tensor cores from Ampere on. The 32
// threads of a warp call each function together.
#pragma once

#include "kernels/cuda/block.hpp"
#include "kernels/cuda/elements.hpp"

namespace medlsam::cuda {

inline constexpr int kTileRows = 16, kTileColumns = 8, kTileDepth = 16;

#ifdef __CUDACC__

// 16 rows of a matrix, 16 deep.
struct Rows16 {
  std::uint32_t parts[4];
};
// Two tiles of 8 columns, 16 deep.
struct Columns8x2 {
  std::uint32_t parts[4];
};
// 16 rows × 8 columns of a result.
struct Products {
  float values[4];
};

// Four matrices of 8 rows by 16 bytes. Each lane has the address of one row.
MEDLSAM_KERNEL void load_matrices(std::uint32_t (&parts)[4], const Half* row) {
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(parts[0]), "=r"(parts[1]), "=r"(parts[2]), "=r"(parts[3])
               : "r"(address));
}

// `from`: in shared memory, (16 rows, depth), `pitch` elements from row to row, a multiple of 8.
MEDLSAM_KERNEL void load(Rows16& rows, const Half* from, int pitch) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  load_matrices(rows.parts, from + lane % 16 * pitch + lane / 16 * 8);
}

// `from`: in shared memory, (2 · 8 columns, depth).
MEDLSAM_KERNEL void load(Columns8x2& columns, const Half* from, int pitch) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp, matrix = lane / 8;
  load_matrices(columns.parts, from + (lane % 8 + matrix / 2 * 8) * pitch + matrix % 2 * 8);
}

MEDLSAM_KERNEL void clear(Products& products) {
  MEDLSAM_UNROLL
  for (float& value : products.values) value = 0;
}

// Adds rows · columns[tile].
MEDLSAM_KERNEL void add_products(Products& to, const Rows16& rows, const Columns8x2& columns, int tile) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, "
      "%1, %2, %3};"
      : "+f"(to.values[0]), "+f"(to.values[1]), "+f"(to.values[2]), "+f"(to.values[3])
      : "r"(rows.parts[0]), "r"(rows.parts[1]), "r"(rows.parts[2]), "r"(rows.parts[3]),
        "r"(columns.parts[2 * tile]), "r"(columns.parts[2 * tile + 1]));
#else
  __trap();  // never started there: similarity.cpp asks what the device has
#endif
}

// `to`: (16, 8) floats, one row after another.
MEDLSAM_KERNEL void store(float* to, const Products& products) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  float* at = to + lane / 4 * kTileColumns + lane % 4 * 2;
  at[0] = products.values[0];
  at[1] = products.values[1];
  at[8 * kTileColumns] = products.values[2];
  at[8 * kTileColumns + 1] = products.values[3];
}

#else

struct Rows16 {
  float values[kTileRows][kTileDepth];
};
struct Columns8x2 {
  float values[2][kTileColumns][kTileDepth];
};
struct Products {
  float values[kTileRows][kTileColumns];
};

inline void load(Rows16& rows, const Half* from, int pitch) {
  for (int row = 0; row < kTileRows; ++row) {
    for (int k = 0; k < kTileDepth; ++k) rows.values[row][k] = to_float(from[row * pitch + k]);
  }
}

inline void load(Columns8x2& columns, const Half* from, int pitch) {
  for (int column = 0; column < 2 * kTileColumns; ++column) {
    for (int k = 0; k < kTileDepth; ++k)
      columns.values[column / kTileColumns][column % kTileColumns][k] = to_float(from[column * pitch + k]);
  }
}

inline void clear(Products& products) {
  products = {};
}

inline void add_products(Products& to, const Rows16& rows, const Columns8x2& columns, int tile) {
  for (int row = 0; row < kTileRows; ++row) {
    for (int column = 0; column < kTileColumns; ++column) {
      float sum = to.values[row][column];
      for (int k = 0; k < kTileDepth; ++k) sum += rows.values[row][k] * columns.values[tile][column][k];
      to.values[row][column] = sum;
    }
  }
}

inline void store(float* to, const Products& products) {
  for (int row = 0; row < kTileRows; ++row) {
    for (int column = 0; column < kTileColumns; ++column)
      to[row * kTileColumns + column] = products.values[row][column];
  }
}

#endif

}  // namespace medlsam::cuda
