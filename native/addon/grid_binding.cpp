#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "localization/grid/gpu_grid.hpp"
#include "localization/grid/grid_map.hpp"

namespace medlsam::addon {
namespace {

Napi::Value make_grid(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  return run_task(
      info, info[1],
      [volume = open_handle<Volume>(call.Get("volume")),
       conventions = to_conventions(call.Get("conventions")),
       normalized = call.Get("normalized").As<Napi::Boolean>().Value(),
       device = Device::parse(call.Get("device").As<Napi::String>().Utf8Value())](const Task& task) {
        return make_grid_on(device, *volume, conventions, normalized, task);
      },
      [](Napi::Env env, Grid&& grid) {
        const std::size_t bytes = grid.voxels() * sizeof(float);
        return make_handle(env, std::make_shared<SurveyedGrid>(std::move(grid)), bytes);
      });
}

Napi::Value grid_info(const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
  result.Set("shape", to_js(info.Env(), open_handle<SurveyedGrid>(info[0])->grid().shape));
  return result;
}

Napi::Value grid_to_stored(const Napi::CallbackInfo& info) {
  const auto stored = to_stored(open_handle<SurveyedGrid>(info[0])->grid(), to_numbers3(info[1]));
  return to_js(info.Env(), std::span<const double>(stored));
}

Napi::Value grid_from_physical(const Napi::CallbackInfo& info) {
  const auto point = from_physical(open_handle<SurveyedGrid>(info[0])->grid(), to_numbers3(info[1]));
  return to_js(info.Env(), std::span<const double>(point));
}

Napi::Value grid_values(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1], [scan = open_handle<SurveyedGrid>(info[0])](const Task&) { return scan->grid().values; },
      [](Napi::Env env, std::vector<float>&& values) -> Napi::Value {
        const std::size_t count = values.size();
        return Napi::Float32Array::New(env, count, to_array_buffer(env, std::move(values)), 0);
      });
}

}  // namespace

void bind_grids(Napi::Env env, Napi::Object exports) {
  bind<make_grid>(env, exports, "makeGrid");
  bind<grid_info>(env, exports, "gridInfo");
  bind<grid_to_stored>(env, exports, "gridToStored");
  bind<grid_from_physical>(env, exports, "gridFromPhysical");
  bind<grid_values>(env, exports, "gridValues");
}

}  // namespace medlsam::addon
