#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "localization/annotations/points.hpp"

namespace medlsam::addon {
namespace {

Napi::Value label_grid_handle(Napi::Env env, LabelGrid&& grid) {
  const std::size_t bytes = grid.labels.size() * sizeof(std::uint16_t);
  return make_handle(env, std::make_shared<LabelGrid>(std::move(grid)), bytes);
}

Napi::Value make_grid(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[3],
      [volume = open_handle<Volume>(info[0]), conventions = to_conventions(info[1]),
       normalized = info[2].As<Napi::Boolean>().Value()](const Task& task) {
        return medlsam::make_grid(*volume, conventions, normalized, task);
      },
      [](Napi::Env env, Grid&& grid) {
        const std::size_t bytes = grid.voxels() * sizeof(float);
        return make_handle(env, std::make_shared<Grid>(std::move(grid)), bytes);
      });
}

Napi::Value grid_info(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto grid = open_handle<Grid>(info[0]);
  auto result = Napi::Object::New(env);
  result.Set("shape", to_js(env, grid->shape));
  result.Set("lasShape", to_js(env, grid->las_shape));
  result.Set("zoom", to_js(env, std::span<const double>(grid->zoom)));
  const Affine matrix = grid->orientation.las_to_stored(grid->stored_shape);
  result.Set("lasToStored", to_js(env, std::span<const double>(matrix)));
  return result;
}

Napi::Value grid_values(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1], [grid = open_handle<Grid>(info[0])](const Task&) { return grid->values; },
      [](Napi::Env env, std::vector<float>&& values) -> Napi::Value {
        const std::size_t count = values.size();
        return Napi::Float32Array::New(env, count, to_array_buffer(env, std::move(values)), 0);
      });
}

Napi::Value sample_grid(const Napi::CallbackInfo& info) {
  const auto grid = open_handle<Grid>(info[0]);
  std::vector<float> values;
  for (const Index3& point : to_points(info[1])) values.push_back(grid->at(point));
  return to_typed_array(info.Env(), values);
}

Napi::Value make_label_grid(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [volume = open_handle<Volume>(info[0]), conventions = to_conventions(info[1])](const Task& task) {
        return medlsam::make_label_grid(*volume, conventions, kGridPadding, task);
      },
      label_grid_handle);
}

Napi::Value label_grid_from_array(const Napi::CallbackInfo& info) {
  const auto array = expect_typed_array(info[0], DType::kU16).As<Napi::Uint16Array>();
  return run_task(
      info, info[2],
      [shape = to_index3(info[1]), data = array.Data(), count = array.ElementLength()](const Task&) {
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

// parts[i] = 0 asks for the whole organ's six points.
Napi::Value annotation_points(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[4],
      [grid = open_handle<LabelGrid>(info[0]), labels = to_int32s(info[1]), parts = to_int32s(info[2]),
       conventions = to_conventions(info[3])](const Task& task) {
        const auto extents = medlsam::label_extents(*grid, task);
        std::vector<Index3> points;
        for (std::size_t i = 0; i < labels.size(); ++i) {
          task.check();
          const auto extent = std::find_if(extents.begin(), extents.end(), [&](const LabelExtent& entry) {
            return entry.label == labels[i];
          });
          if (extent == extents.end()) {
            throw Error(ErrorCode::kBadAnnotation,
                        "Label " + std::to_string(labels[i]) + " has no voxel on the 3 mm grid.");
          }
          if (parts[i] == 0) {
            const auto whole = whole_points(*grid, *extent);
            points.insert(points.end(), whole.begin(), whole.end());
          } else {
            for (const auto& part : part_points(*grid, *extent, parts[i], conventions)) {
              points.insert(points.end(), part.begin(), part.end());
            }
          }
        }
        return points;
      },
      [](Napi::Env env, std::vector<Index3>&& points) { return to_js_points(env, points); });
}

}  // namespace

void bind_grids(Napi::Env env, Napi::Object exports) {
  bind<make_grid>(env, exports, "makeGrid");
  bind<grid_info>(env, exports, "gridInfo");
  bind<grid_values>(env, exports, "gridValues");
  bind<sample_grid>(env, exports, "sampleGrid");
  bind<make_label_grid>(env, exports, "makeLabelGrid");
  bind<label_grid_from_array>(env, exports, "labelGridFromArray");
  bind<label_grid_values>(env, exports, "labelGridValues");
  bind<label_extents>(env, exports, "labelExtents");
  bind<annotation_points>(env, exports, "annotationPoints");
}

}  // namespace medlsam::addon
