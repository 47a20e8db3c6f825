#include "addon/arguments.hpp"

#include <cmath>

namespace medlsam::addon {

std::array<double, 3> to_numbers3(const Napi::Value& value) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() != 3) {
    throw Napi::TypeError::New(value.Env(), "Expected an array of three numbers.");
  }
  const auto array = value.As<Napi::Array>();
  std::array<double, 3> numbers;
  for (std::uint32_t i = 0; i < 3; ++i) numbers[i] = array.Get(i).As<Napi::Number>().DoubleValue();
  return numbers;
}

Index3 to_index3(const Napi::Value& value) {
  const auto numbers = to_numbers3(value);
  Index3 index;
  for (int a = 0; a < 3; ++a) index[a] = std::llround(numbers[a]);
  return index;
}

Conventions to_conventions(const Napi::Value& value) {
  const std::string text = value.As<Napi::String>();
  if (text == "exact") return Conventions::kExact;
  if (text == "reference") return Conventions::kReference;
  throw Napi::TypeError::New(value.Env(), "Conventions are \"exact\" or \"reference\".");
}

std::vector<std::int32_t> to_int32s(const Napi::Value& value) {
  return to_vector(expect_typed_array(value, DType::kI32).As<Napi::Int32Array>());
}

std::vector<Index3> to_points(const Napi::Value& value) {
  const auto flat = to_int32s(value);
  if (flat.size() % 3 != 0) throw Napi::TypeError::New(value.Env(), "Points are triples.");
  std::vector<Index3> points(flat.size() / 3);
  for (std::size_t i = 0; i < flat.size(); ++i) points[i / 3][i % 3] = flat[i];
  return points;
}

std::vector<VoxelBox> to_boxes(const Napi::Value& value) {
  const auto bounds = to_points(value);
  if (bounds.size() % 2 != 0) throw Napi::TypeError::New(value.Env(), "Boxes are pairs of points.");
  std::vector<VoxelBox> boxes;
  for (std::size_t i = 0; i < bounds.size(); i += 2) boxes.push_back({bounds[i], bounds[i + 1]});
  return boxes;
}

VoxelBytes to_voxel_bytes(const Napi::TypedArray& array) {
  DType dtype = DType::kU8;
  switch (array.TypedArrayType()) {
    case napi_int8_array:
      dtype = DType::kI8;
      break;
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      dtype = DType::kU8;
      break;
    case napi_int16_array:
      dtype = DType::kI16;
      break;
    case napi_uint16_array:
      dtype = DType::kU16;
      break;
    case napi_int32_array:
      dtype = DType::kI32;
      break;
    case napi_uint32_array:
      dtype = DType::kU32;
      break;
    case napi_float32_array:
      dtype = DType::kF32;
      break;
    case napi_float64_array:
      dtype = DType::kF64;
      break;
    case napi_bigint64_array:
      dtype = DType::kI64;
      break;
    case napi_biguint64_array:
      dtype = DType::kU64;
      break;
    default:
      throw Napi::TypeError::New(array.Env(), "Voxels cannot have this element type.");
  }
  const auto* data = static_cast<const std::byte*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  return {dtype, {data, array.ByteLength()}};
}

Napi::TypedArray expect_typed_array(const Napi::Value& value, DType dtype) {
  if (!value.IsTypedArray() || to_voxel_bytes(value.As<Napi::TypedArray>()).dtype != dtype) {
    throw Napi::TypeError::New(value.Env(),
                               std::string("Expected a typed array of ") + dtype_name(dtype) + '.');
  }
  return value.As<Napi::TypedArray>();
}

Napi::Array to_js(Napi::Env env, std::span<const double> values) {
  auto array = Napi::Array::New(env, values.size());
  for (std::uint32_t i = 0; i < values.size(); ++i) array.Set(i, values[i]);
  return array;
}

Napi::Array to_js(Napi::Env env, const Index3& value) {
  const std::array<double, 3> numbers = {static_cast<double>(value[0]), static_cast<double>(value[1]),
                                         static_cast<double>(value[2])};
  return to_js(env, std::span<const double>(numbers));
}

Napi::Int32Array to_js_points(Napi::Env env, std::span<const Index3> points) {
  auto array = Napi::Int32Array::New(env, 3 * points.size());
  for (std::size_t i = 0; i < array.ElementLength(); ++i) {
    array[i] = static_cast<std::int32_t>(points[i / 3][i % 3]);
  }
  return array;
}

Napi::Value to_js(Napi::Env env, const Tensor& tensor) {
  auto* owner = new Tensor(tensor.to_host());
  const auto buffer = Napi::ArrayBuffer::New(
      env, const_cast<float*>(owner->floats()), owner->elements() * sizeof(float),
      [](Napi::Env, void*, Tensor* kept) { delete kept; }, owner);
  return Napi::Float32Array::New(env, owner->elements(), buffer, 0);
}

Napi::Object to_js(Napi::Env env, const std::map<std::string, std::string>& strings) {
  auto object = Napi::Object::New(env);
  for (const auto& [key, value] : strings) object.Set(key, Napi::String::New(env, value));
  return object;
}

std::map<std::string, std::string> to_strings(const Napi::Value& value) {
  std::map<std::string, std::string> strings;
  const auto object = value.As<Napi::Object>();
  const auto keys = object.GetPropertyNames();
  for (std::uint32_t i = 0; i < keys.Length(); ++i) {
    const std::string key = keys.Get(i).As<Napi::String>();
    strings[key] = object.Get(key).As<Napi::String>().Utf8Value();
  }
  return strings;
}

VoxelBox to_box(const Napi::Value& value) {
  const auto box = value.As<Napi::Object>();
  return {to_index3(box.Get("min")), to_index3(box.Get("max"))};
}

Napi::Object to_js(Napi::Env env, const VoxelBox& box) {
  auto result = Napi::Object::New(env);
  result.Set("min", to_js(env, box.min));
  result.Set("max", to_js(env, box.max));
  return result;
}

}  // namespace medlsam::addon
