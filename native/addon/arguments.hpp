// Reading plain data out of JavaScript values and back. lib/ has validated them; what is still wrong is a bug
// there and becomes a TypeError.
#pragma once

#include <napi.h>

#include <array>
#include <string>
#include <vector>

#include "base/conventions.hpp"
#include "base/tensor.hpp"
#include "volumes/volume.hpp"
#include "volumes/voxel_box.hpp"

namespace medlsam::addon {

Index3 to_index3(const Napi::Value& value);  // [z, y, x]
std::array<double, 3> to_numbers3(const Napi::Value& value);
Conventions to_conventions(const Napi::Value& value);            // "exact" | "reference"
std::vector<Index3> to_points(const Napi::Value& int32_array);   // flat (z, y, x) triples
std::vector<VoxelBox> to_boxes(const Napi::Value& int32_array);  // flat (min z, y, x, max z, y, x)
std::vector<std::int32_t> to_int32s(const Napi::Value& int32_array);
VoxelBox to_box(const Napi::Value& value);  // { min, max }

template <class T>
std::vector<T> to_vector(const Napi::TypedArrayOf<T>& array) {
  return std::vector<T>(array.Data(), array.Data() + array.ElementLength());
}

// A typed array's element type and bytes in place.
struct VoxelBytes {
  DType dtype;
  std::span<const std::byte> bytes;
};
VoxelBytes to_voxel_bytes(const Napi::TypedArray& array);

// Float32Array for kF32 and so on.
Napi::TypedArray expect_typed_array(const Napi::Value& value, DType dtype);

Napi::Array to_js(Napi::Env env, const Index3& value);
Napi::Array to_js(Napi::Env env, std::span<const double> values);
Napi::Int32Array to_js_points(Napi::Env env, std::span<const Index3> points);
Napi::Object to_js(Napi::Env env, const VoxelBox& box);  // { min, max }
// A network's output where the runtime put it, without a copy: a Float32Array.
Napi::Value to_js(Napi::Env env, const Tensor& tensor);
Napi::Object to_js(Napi::Env env, const std::map<std::string, std::string>& strings);
std::map<std::string, std::string> to_strings(const Napi::Value& object);

template <class T>
Napi::TypedArrayOf<T> to_typed_array(Napi::Env env, const std::vector<T>& values) {
  auto array = Napi::TypedArrayOf<T>::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

}  // namespace medlsam::addon
