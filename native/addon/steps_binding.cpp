// Single steps of the algorithm on plain arrays.
#include <algorithm>

#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "localization/grid/spline.hpp"
#include "localization/similarity/similarity.hpp"

namespace medlsam::addon {
namespace {

template <class T>
struct Shaped {
  Index3 shape;
  std::vector<T> values;
};

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
  return run_task(
      info, info[3],
      [array = PlainArray(info[0], info[1]), zoom = to_numbers3(info[2])](const Task& task) {
        const Volume volume = array.volume();
        Shaped<double> out;
        for (int a = 0; a < 3; ++a) out.shape[a] = resampled_length(volume.shape[a], zoom[a]);
        const auto zxy = resample_spline_zxy(volume, out.shape, task);
        const auto [nz, ny, nx] = out.shape;
        for (std::int64_t z = 0; z < nz; ++z) {
          for (std::int64_t y = 0; y < ny; ++y) {
            for (std::int64_t x = 0; x < nx; ++x) out.values.push_back(zxy[(z * nx + x) * ny + y]);
          }
        }
        return out;
      },
      [](Napi::Env env, Shaped<double>&& out) -> Napi::Value { return to_js_shaped(env, std::move(out)); },
      {info[0].As<Napi::Object>()});
}

Napi::Value resample_labels(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[3],
      [array = PlainArray(info[0], info[1]), zoom = to_numbers3(info[2])](const Task& task) {
        LabelGrid grid = medlsam::resample_labels(array.volume(), zoom, task);
        return Shaped<std::uint16_t>{grid.shape, std::move(grid.labels)};
      },
      [](Napi::Env env, Shaped<std::uint16_t>&& out) -> Napi::Value {
        return to_js_shaped(env, std::move(out));
      },
      {info[0].As<Napi::Object>()});
}

Napi::Value map_hu(const Napi::CallbackInfo& info) {
  const auto hu = expect_typed_array(info[0], DType::kF64).As<Napi::Float64Array>();
  return run_task(
      info, info[1],
      [data = hu.Data(), count = hu.ElementLength()](const Task&) {
        std::vector<float> mapped(count);
        std::transform(data, data + count, mapped.begin(), medlsam::map_hu);
        return mapped;
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
        const Orientation orientation = las_orientation(volume->affine);
        LasVolume out{{orientation.las_shape(volume->shape), {}}, orientation.las_to_stored(volume->shape)};
        with_stored_values(*volume, [&](const auto* stored) {
          Index3 las, index;
          for (las[0] = 0; las[0] < out.values.shape[0]; ++las[0]) {
            for (las[1] = 0; las[1] < out.values.shape[1]; ++las[1]) {
              for (las[2] = 0; las[2] < out.values.shape[2]; ++las[2]) {
                for (int a = 0; a < 3; ++a) {
                  index[orientation.stored_axis[a]] =
                      orientation.flipped[a] ? out.values.shape[a] - 1 - las[a] : las[a];
                }
                const auto at = (index[0] * volume->shape[1] + index[1]) * volume->shape[2] + index[2];
                out.values.values.push_back(static_cast<double>(stored[at]) * volume->slope +
                                            volume->intercept);
              }
            }
          }
        });
        return out;
      },
      [](Napi::Env env, LasVolume&& out) -> Napi::Value {
        auto result = to_js_shaped(env, std::move(out.values));
        result.Set("lasToStored", to_js(env, std::span<const double>(out.las_to_stored)));
        return result;
      });
}

Napi::Value similarity_map(const Napi::CallbackInfo& info) {
  const auto features = info[0].As<Napi::Array>(), kernels = info[1].As<Napi::Array>();
  const int patch = info[3].As<Napi::Number>().Int32Value();
  std::vector<SimilarityScale> scales;
  std::vector<Napi::Object> buffers;
  for (std::uint32_t k = 0; k < kScales; ++k) {
    if (!features.Get(k).IsTypedArray() || !kernels.Get(k).IsTypedArray()) continue;
    const auto feature = expect_typed_array(features.Get(k), DType::kF32).As<Napi::Float32Array>();
    const auto kernel = expect_typed_array(kernels.Get(k), DType::kF32).As<Napi::Float32Array>();
    buffers.push_back(feature);
    buffers.push_back(kernel);
    scales.push_back({feature.Data(), kernel.Data(), patch >> (2 - k), kKernelSize[k]});
  }
  return run_task(
      info, info[4],
      [scales, channels = info[2].As<Napi::Number>().Int32Value(), patch](const Task& task) {
        std::vector<float> map(static_cast<std::size_t>(patch) * patch * patch);
        medlsam::similarity_map(scales, channels, patch, map, task);
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
