#include <variant>

#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "volumes/nifti/extensions.hpp"
#include "volumes/nifti/nifti.hpp"
#include "volumes/orientation.hpp"
#include "volumes/read.hpp"
#include "volumes/rectified.hpp"
#include "volumes/resample_slices.hpp"
#include "volumes/thin.hpp"
#include "volumes/values.hpp"

namespace medlsam::addon {
namespace {

template <class Text>
Napi::Array to_strings(Napi::Env env, const std::vector<Text>& texts) {
  auto array = Napi::Array::New(env, texts.size());
  for (std::uint32_t i = 0; i < texts.size(); ++i) array.Set(i, std::string(texts[i]));
  return array;
}

Napi::Value read_volume_file(const Napi::CallbackInfo& info) {
  ReadOptions options;
  if (info[1].IsNumber()) options.nan = info[1].As<Napi::Number>().DoubleValue();
  return run_task(
      info, info[2],
      [path = info[0].As<Napi::String>().Utf8Value(), options](const Task& task) {
        return read_volume(path, options, task);
      },
      volume_handle);
}

Napi::Value list_volume_formats(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto formats = volume_formats();
  auto result = Napi::Array::New(env, formats.size());
  for (std::uint32_t i = 0; i < formats.size(); ++i) {
    auto format = Napi::Object::New(env);
    format.Set("name", std::string(formats[i].name));
    format.Set("extensions", to_strings(env, formats[i].extensions));
    result.Set(i, format);
  }
  return result;
}

Napi::Value volume_from_array(const Napi::CallbackInfo& info) {
  const auto array = info[0].As<Napi::TypedArray>();
  const auto voxels = to_voxel_bytes(array);
  Volume volume;
  volume.shape = to_index3(info[1]);
  volume.dtype = voxels.dtype;
  const auto affine = info[2].As<Napi::Array>();
  for (std::uint32_t i = 0; i < 16; ++i) volume.affine[i] = affine.Get(i).As<Napi::Number>().DoubleValue();
  return run_task(info, info[3],
                  [volume, bytes = voxels.bytes](const Task&) {
                    Volume filled = volume;
                    las_orientation(filled.affine);
                    filled.data.assign(bytes.begin(), bytes.end());
                    return filled;
                  },
                  volume_handle, {array});
}

Napi::Value volume_info(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto volume = open_handle<Volume>(info[0]);
  const auto mm = spacing(volume->affine);
  auto result = Napi::Object::New(env);
  result.Set("shape", to_js(env, volume->shape));
  result.Set("dtype", dtype_name(volume->dtype));
  result.Set("slope", volume->slope);
  result.Set("intercept", volume->intercept);
  result.Set("affine", to_js(env, std::span<const double>(volume->affine)));
  result.Set("spacing", to_js(env, std::span<const double>(mm)));
  result.Set("axes", axis_codes(volume->affine));
  result.Set("warnings", to_strings(env, volume->warnings));
  const std::string xml = label_xml(*volume);
  if (!xml.empty()) result.Set("labelXml", Napi::String::New(env, xml));
  return result;
}

// Stored bytes, or scaled values.
using VolumeValues = std::variant<std::vector<std::byte>, std::vector<float>>;

Napi::Value volume_data(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [volume = open_handle<Volume>(info[0]),
       scaled = info[1].As<Napi::Boolean>().Value()](const Task& task) {
        return scaled ? VolumeValues(scaled_values(*volume, task)) : VolumeValues(volume->data);
      },
      [](Napi::Env env, VolumeValues&& values) -> Napi::Value {
        return std::visit([&](auto&& held) { return to_array_buffer(env, std::move(held)); },
                          std::move(values));
      });
}

Napi::Value thin_volume(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [volume = open_handle<Volume>(info[0]), step = to_index3(info[1])](const Task& task) {
        return thinned(*volume, step, task);
      },
      volume_handle);
}

Napi::Value rectify_volume(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1],
      [volume = open_handle<Volume>(info[0])](const Task& task) {
        const auto rectification = rectification_of(*volume, 0);
        return rectification ? rectified(*volume, *rectification, task) : Volume(*volume);
      },
      volume_handle);
}

Napi::Value resample_slices(const Napi::CallbackInfo& info) {
  const auto call = info[1].As<Napi::Object>();
  const auto lower = call.Get("lower").As<Napi::Array>(), weight = call.Get("weight").As<Napi::Array>();
  std::vector<SliceBlend> blends(lower.Length());
  for (std::uint32_t z = 0; z < blends.size(); ++z) {
    blends[z] = {lower.Get(z).As<Napi::Number>().Int64Value(),
                 weight.Get(z).As<Napi::Number>().DoubleValue()};
  }
  const auto numbers = call.Get("affine").As<Napi::Array>();
  Affine affine;
  for (std::uint32_t i = 0; i < 16; ++i) affine[i] = numbers.Get(i).As<Napi::Number>().DoubleValue();
  return run_task(
      info, info[2],
      [volume = open_handle<Volume>(info[0]), blends, affine](const Task& task) {
        return resampled_slices(*volume, blends, affine, task);
      },
      volume_handle);
}

// data null: the volume itself, stored values and all.
Napi::Value write_volume(const Napi::CallbackInfo& info) {
  const auto geometry = open_handle<Volume>(info[1]);
  NiftiOutput output;
  output.shape = geometry->shape;
  output.label_xml = info[3].As<Napi::String>().Utf8Value();
  auto keep = Napi::Object::New(info.Env());
  if (info[2].IsNull()) {
    output.dtype = geometry->dtype;
    output.data = geometry->data;
    output.slope = geometry->slope;
    output.intercept = geometry->intercept;
  } else {
    keep = info[2].As<Napi::Object>();
    const auto voxels = to_voxel_bytes(info[2].As<Napi::TypedArray>());
    output.dtype = voxels.dtype;
    output.data = voxels.bytes;
  }
  return run_task(
      info, info[4],
      [path = info[0].As<Napi::String>().Utf8Value(), geometry, output](const Task& task) {
        write_nifti(path, *geometry, output, task);
        return true;
      },
      [](Napi::Env env, bool) { return env.Undefined(); }, {keep});
}

}  // namespace

void bind_volumes(Napi::Env env, Napi::Object exports) {
  bind<read_volume_file>(env, exports, "readVolume");
  bind<list_volume_formats>(env, exports, "volumeFormats");
  bind<volume_from_array>(env, exports, "volumeFromArray");
  bind<volume_info>(env, exports, "volumeInfo");
  bind<volume_data>(env, exports, "volumeData");
  bind<thin_volume>(env, exports, "thinVolume");
  bind<rectify_volume>(env, exports, "rectifyVolume");
  bind<resample_slices>(env, exports, "resampleSlices");
  bind<write_volume>(env, exports, "writeVolume");
}

}  // namespace medlsam::addon
