// Single steps of the way into and out of SAM.
#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "base/parallel.hpp"
#include "segmentation/masks/decode.hpp"
#include "segmentation/slices/resize.hpp"
#include "segmentation/slices/window.hpp"

namespace medlsam::addon {
namespace {

Napi::Value to_js_bytes(Napi::Env env, std::vector<std::uint8_t>&& bytes) {
  const std::size_t count = bytes.size();
  return Napi::Uint8Array::New(env, count, to_array_buffer(env, std::move(bytes)), 0);
}

struct Slices {
  SliceLayout layout;
  std::vector<std::uint8_t> pixels;
};

Napi::Value window_slices(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  return run_task(
      info, info[1],
      [volume = open_handle<Volume>(call.Get("volume")),
       conventions = to_conventions(call.Get("conventions"))](const Task& task) {
        Slices slices{slice_layout(volume->affine, volume->shape), {}};
        const Window window = slice_window(*volume, conventions, task);
        const auto pixels = static_cast<std::size_t>(slices.layout.pixels());
        slices.pixels.resize(static_cast<std::size_t>(slices.layout.count) * pixels);
        parallel_for(task, slices.layout.count, [&](std::size_t z, std::size_t) {
          window_slice(*volume, slices.layout, static_cast<std::int64_t>(z), window,
                       std::span(slices.pixels).subspan(z * pixels, pixels));
        });
        return slices;
      },
      [](Napi::Env env, Slices&& slices) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("shape",
                   to_js(env, Index3{slices.layout.count, slices.layout.height, slices.layout.width}));
        result.Set("data", to_js_bytes(env, std::move(slices.pixels)));
        return result;
      });
}

Napi::Value resize_slice(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  const auto slice = expect_typed_array(call.Get("slice"), DType::kU8).As<Napi::Uint8Array>();
  return run_task(info, info[1],
                  [data = slice.Data(), count = slice.ElementLength(),
                   height = call.Get("height").As<Napi::Number>().Int64Value(),
                   width = call.Get("width").As<Napi::Number>().Int64Value(),
                   edge = call.Get("edge").As<Napi::Number>().Int64Value()](const Task&) {
                    SliceResizer resizer(height, width, edge);
                    std::vector<std::uint8_t> out(static_cast<std::size_t>(edge * edge));
                    resizer.resize({data, count}, out);
                    return out;
                  },
                  to_js_bytes, {slice});
}

Napi::Value decode_mask(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  const auto logits = expect_typed_array(call.Get("logits"), DType::kF32).As<Napi::Float32Array>();
  return run_task(
      info, info[1],
      [data = logits.Data(), count = logits.ElementLength(),
       edge = call.Get("edge").As<Napi::Number>().Int64Value(),
       height = call.Get("height").As<Napi::Number>().Int64Value(),
       width = call.Get("width").As<Napi::Number>().Int64Value()](const Task&) {
        std::vector<float> probabilities(static_cast<std::size_t>(height * width));
        MaskDecoder(edge / 4, edge, height, width).decode({data, count}, probabilities);
        return probabilities;
      },
      [](Napi::Env env, std::vector<float>&& probabilities) -> Napi::Value {
        const std::size_t count = probabilities.size();
        return Napi::Float32Array::New(env, count, to_array_buffer(env, std::move(probabilities)), 0);
      },
      {logits});
}

}  // namespace

void bind_slice_steps(Napi::Env env, Napi::Object exports) {
  bind<window_slices>(env, exports, "windowSlices");
  bind<resize_slice>(env, exports, "resizeSlice");
  bind<decode_mask>(env, exports, "decodeMask");
}

}  // namespace medlsam::addon
