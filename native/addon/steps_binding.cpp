// Single steps of the algorithm on plain arrays.
#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "localization/grid/spline.hpp"
#include "localization/similarity/similarity.hpp"
#include "volumes/values.hpp"

namespace medlsam::addon {
namespace {

template <class T>
Napi::Object to_js_shaped(Napi::Env env, Shaped<T>&& shaped) {
  auto result = Napi::Object::New(env);
  const std::size_t count = shaped.values.size();
  result.Set("shape", to_js(env, shaped.shape));
  result.Set("data",
             Napi::TypedArrayOf<T>::New(env, count, to_array_buffer(env, std::move(shaped.values)), 0));
  return result;
}

// An array in LAS order as a volume; made on the computing thread, from a buffer that is kept meanwhile.
struct PlainArray {
  VoxelBytes voxels;
  Index3 shape;

  PlainArray(const Napi::Value& data, const Napi::Value& extents)
      : voxels(to_voxel_bytes(data.As<Napi::TypedArray>())), shape(to_index3(extents)) {
    const auto elements = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]);
    if (elements * dtype_size(voxels.dtype) != voxels.bytes.size()) {
      throw Napi::TypeError::New(data.Env(), "The shape does not fit the data.");
    }
  }

  Volume volume() const {
    Volume result;
    result.shape = shape;
    result.dtype = voxels.dtype;
    result.data.assign(voxels.bytes.begin(), voxels.bytes.end());
    return result;
  }
};

Napi::Value resample_spline(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  const auto data = call.Get("data").As<Napi::Object>();
  return run_task(
      info, info[1],
      [array = PlainArray(data, call.Get("shape")), zoom = to_numbers3(call.Get("zoom"))](const Task& task) {
        return medlsam::resample_spline(array.volume(), zoom, task);
      },
      [](Napi::Env env, Shaped<double>&& out) -> Napi::Value { return to_js_shaped(env, std::move(out)); },
      {data});
}

Napi::Value resample_labels(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  const auto data = call.Get("data").As<Napi::Object>();
  return run_task(
      info, info[1],
      [array = PlainArray(data, call.Get("shape")), zoom = to_numbers3(call.Get("zoom"))](const Task& task) {
        LabelGrid grid = medlsam::resample_labels(array.volume(), zoom, task);
        return Shaped<std::uint16_t>{grid.shape, std::move(grid.labels)};
      },
      [](Napi::Env env, Shaped<std::uint16_t>&& out) -> Napi::Value {
        return to_js_shaped(env, std::move(out));
      },
      {data});
}

Napi::Value map_hu(const Napi::CallbackInfo& info) {
  const auto hu = expect_typed_array(info[0], DType::kF64).As<Napi::Float64Array>();
  return run_task(
      info, info[1],
      [data = hu.Data(), count = hu.ElementLength()](const Task&) {
        return medlsam::map_hu(std::span<const double>(data, count));
      },
      [](Napi::Env env, std::vector<float>&& mapped) -> Napi::Value {
        const std::size_t count = mapped.size();
        return Napi::Float32Array::New(env, count, to_array_buffer(env, std::move(mapped)), 0);
      },
      {hu});
}

struct LasVolume {
  Shaped<double> values;
  Affine las_to_stored;
};

Napi::Value to_las(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1],
      [volume = open_handle<Volume>(info[0])](const Task&) {
        return LasVolume{las_values(*volume), las_orientation(volume->affine).las_to_stored(volume->shape)};
      },
      [](Napi::Env env, LasVolume&& out) -> Napi::Value {
        auto result = to_js_shaped(env, std::move(out.values));
        result.Set("lasToStored", to_js(env, std::span<const double>(out.las_to_stored)));
        return result;
      });
}

Napi::Value similarity_map(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  const auto features = call.Get("features").As<Napi::Array>(),
             kernels = call.Get("kernels").As<Napi::Array>();
  const int patch = call.Get("patch").As<Napi::Number>().Int32Value();
  std::vector<SimilarityScale> scales;
  std::vector<Napi::Object> buffers;
  for (std::uint32_t k = 0; k < kScales; ++k) {
    if (!features.Get(k).IsTypedArray() || !kernels.Get(k).IsTypedArray()) continue;
    const auto feature = expect_typed_array(features.Get(k), DType::kF32).As<Napi::Float32Array>();
    const auto kernel = expect_typed_array(kernels.Get(k), DType::kF32).As<Napi::Float32Array>();
    buffers.push_back(feature);
    buffers.push_back(kernel);
    scales.push_back({feature.Data(), {kernel.Data()}, patch >> (2 - k), kKernelSize[k]});
  }
  return run_task(
      info, info[1],
      [scales, channels = call.Get("channels").As<Napi::Number>().Int32Value(), patch](const Task& task) {
        std::vector<float> map(static_cast<std::size_t>(patch) * patch * patch);
        SimilarityScratch scratch;
        similarity_maps(scales, channels, patch, map, scratch, task);
        return map;
      },
      [](Napi::Env env, std::vector<float>&& map) -> Napi::Value {
        const std::size_t count = map.size();
        return Napi::Float32Array::New(env, count, to_array_buffer(env, std::move(map)), 0);
      },
      buffers);
}

}  // namespace

void bind_steps(Napi::Env env, Napi::Object exports) {
  bind<resample_spline>(env, exports, "resampleSpline");
  bind<resample_labels>(env, exports, "resampleLabels");
  bind<map_hu>(env, exports, "mapHu");
  bind<to_las>(env, exports, "toLas");
  bind<similarity_map>(env, exports, "similarityMap");
}

}  // namespace medlsam::addon
