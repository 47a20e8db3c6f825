// Label maps on the grid, and the annotation points of their organs.
#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "localization/annotations/label_boxes.hpp"
#include "localization/annotations/physical_points.hpp"
#include "localization/annotations/points.hpp"

namespace medlsam::addon {
namespace {

Napi::Value label_grid_handle(Napi::Env env, LabelGrid&& grid) {
  const std::size_t bytes = grid.labels.size() * sizeof(std::uint16_t);
  return make_handle(env, std::make_shared<LabelGrid>(std::move(grid)), bytes);
}

Napi::Value make_label_grid(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  return run_task(
      info, info[1],
      [volume = open_handle<Volume>(call.Get("volume")),
       conventions = to_conventions(call.Get("conventions"))](const Task& task) {
        return medlsam::make_label_grid(*volume, conventions, kGridPadding, task);
      },
      label_grid_handle);
}

Napi::Value label_grid_from_array(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  const auto array = expect_typed_array(call.Get("data"), DType::kU16).As<Napi::Uint16Array>();
  return run_task(info, info[1],
                  [shape = to_index3(call.Get("shape")), data = array.Data(),
                   count = array.ElementLength()](const Task&) {
                    return LabelGrid{shape, std::vector<std::uint16_t>(data, data + count)};
                  },
                  label_grid_handle, {array});
}

Napi::Value label_grid_values(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1], [grid = open_handle<LabelGrid>(info[0])](const Task&) { return *grid; },
      [](Napi::Env env, LabelGrid&& grid) -> Napi::Value {
        auto result = Napi::Object::New(env);
        const std::size_t count = grid.labels.size();
        result.Set("shape", to_js(env, grid.shape));
        result.Set("data",
                   Napi::Uint16Array::New(env, count, to_array_buffer(env, std::move(grid.labels)), 0));
        return result;
      });
}

Napi::Value label_extents(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1],
      [grid = open_handle<LabelGrid>(info[0])](const Task& task) {
        return medlsam::label_extents(*grid, task);
      },
      [](Napi::Env env, std::vector<LabelExtent>&& extents) -> Napi::Value {
        auto list = Napi::Array::New(env, extents.size());
        for (std::uint32_t i = 0; i < extents.size(); ++i) {
          auto entry = Napi::Object::New(env);
          entry.Set("label", extents[i].label);
          entry.Set("min", to_js(env, extents[i].min));
          entry.Set("max", to_js(env, extents[i].max));
          list.Set(i, entry);
        }
        return list;
      });
}

std::vector<LabelledOrgan> to_labelled_organs(const Napi::Value& value) {
  const auto list = value.As<Napi::Array>();
  std::vector<LabelledOrgan> organs(list.Length());
  for (std::uint32_t i = 0; i < organs.size(); ++i) {
    const auto organ = list.Get(i).As<Napi::Object>();
    organs[i].label = organ.Get("label").As<Napi::Number>().Int32Value();
    organs[i].parts = organ.Get("parts").As<Napi::Number>().Int32Value();
    organs[i].cut = organ.Get("cut").As<Napi::Boolean>().Value();
  }
  return organs;
}

Napi::Value annotation_points(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  return run_task(
      info, info[1],
      [grid = open_handle<LabelGrid>(call.Get("grid")), organs = to_labelled_organs(call.Get("organs")),
       conventions = to_conventions(call.Get("conventions"))](const Task& task) {
        return medlsam::annotation_points(*grid, organs, conventions, task);
      },
      [](Napi::Env env, std::vector<Index3>&& points) { return to_js_points(env, points); });
}

Napi::Value label_boxes(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  std::vector<LabelCut> cuts;
  const auto flat = to_int32s(call.Get("cuts"));
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2) cuts.push_back({flat[i], flat[i + 1]});
  return run_task(
      info, info[1],
      [volume = open_handle<Volume>(call.Get("volume")), cuts](const Task& task) {
        return medlsam::label_boxes(*volume, cuts, task);
      },
      [](Napi::Env env, std::vector<LabelBoxes>&& organs) -> Napi::Value {
        auto list = Napi::Array::New(env, organs.size());
        for (std::uint32_t i = 0; i < organs.size(); ++i) {
          auto entry = Napi::Object::New(env);
          entry.Set("label", organs[i].label);
          entry.Set("box", to_js(env, organs[i].box));
          auto parts = Napi::Array::New(env, organs[i].parts.size());
          for (std::uint32_t k = 0; k < organs[i].parts.size(); ++k)
            parts.Set(k, to_js(env, organs[i].parts[k]));
          entry.Set("parts", parts);
          list.Set(i, entry);
        }
        return list;
      });
}

std::vector<PhysicalPoints> to_physical_organs(const Napi::Value& value) {
  const auto list = value.As<Napi::Array>();
  std::vector<PhysicalPoints> organs(list.Length());
  for (std::uint32_t i = 0; i < organs.size(); ++i) {
    const auto organ = list.Get(i).As<Napi::Object>();
    const auto flat =
        to_vector(expect_typed_array(organ.Get("points"), DType::kF64).As<Napi::Float64Array>());
    organs[i].organ = organ.Get("name").As<Napi::String>();
    organs[i].points.resize(flat.size() / 3);
    for (std::size_t k = 0; k < flat.size(); ++k) organs[i].points[k / 3][k % 3] = flat[k];
  }
  return organs;
}

Napi::Value physical_points(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  return run_task(
      info, info[1],
      [scan = open_handle<SurveyedGrid>(call.Get("grid")),
       organs = to_physical_organs(call.Get("organs"))](const Task&) {
        std::vector<Index3> points;
        for (const PhysicalPoints& organ : organs) {
          const auto on_grid = points_on_grid(organ, scan->grid());
          points.insert(points.end(), on_grid.begin(), on_grid.end());
        }
        return points;
      },
      [](Napi::Env env, std::vector<Index3>&& points) { return to_js_points(env, points); });
}

}  // namespace

void bind_annotations(Napi::Env env, Napi::Object exports) {
  bind<make_label_grid>(env, exports, "makeLabelGrid");
  bind<label_grid_from_array>(env, exports, "labelGridFromArray");
  bind<label_grid_values>(env, exports, "labelGridValues");
  bind<label_extents>(env, exports, "labelExtents");
  bind<label_boxes>(env, exports, "labelBoxes");
  bind<annotation_points>(env, exports, "annotationPoints");
  bind<physical_points>(env, exports, "physicalPoints");
}

}  // namespace medlsam::addon
