#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "metrics/compare.hpp"
#include "metrics/overlap.hpp"

namespace medlsam::addon {
namespace {

// The voxels of one organ in one map: { voxels, box }, box null for none.
Napi::Object extent(Napi::Env env, std::uint64_t voxels, const std::optional<VoxelBox>& box) {
  auto result = Napi::Object::New(env);
  result.Set("voxels", static_cast<double>(voxels));
  result.Set("box", box ? Napi::Value(to_js(env, *box)) : env.Null());
  return result;
}

Napi::Value count_labels(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1],
      [volume = open_handle<Volume>(info[0])](const Task& task) {
        return medlsam::count_labels(*volume, task);
      },
      [](Napi::Env env, std::vector<LabelCount>&& counts) -> Napi::Value {
        auto result = Napi::Array::New(env, counts.size());
        for (std::uint32_t i = 0; i < counts.size(); ++i) {
          Napi::Object entry = extent(env, counts[i].voxels, counts[i].box);
          entry.Set("label", counts[i].label);
          result.Set(i, entry);
        }
        return result;
      });
}

Napi::Value compare_labels(const Napi::CallbackInfo& info) {
  std::vector<LabelPair> labels;
  const auto flat = to_int32s(info[2]);
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2) labels.push_back({flat[i], flat[i + 1]});
  return run_task(
      info, info[4],
      [prediction = open_handle<Volume>(info[0]), truth = open_handle<Volume>(info[1]), labels,
       tolerance = info[3].As<Napi::Number>().DoubleValue()](const Task& task) {
        return medlsam::compare_labels(*prediction, *truth, labels, tolerance, task);
      },
      [](Napi::Env env, std::vector<OrganComparison>&& organs) -> Napi::Value {
        auto result = Napi::Array::New(env, organs.size());
        for (std::uint32_t i = 0; i < organs.size(); ++i) {
          const OrganComparison& organ = organs[i];
          auto entry = Napi::Object::New(env);
          entry.Set("prediction", extent(env, organ.prediction_voxels, organ.prediction_box));
          entry.Set("truth", extent(env, organ.truth_voxels, organ.truth_box));
          entry.Set("dice", organ.dice);
          entry.Set("hausdorff", organ.distances.hausdorff);
          entry.Set("hausdorff95", organ.distances.hausdorff95);
          entry.Set("averageDistance", organ.distances.average);
          entry.Set("surfaceDice", organ.surface_dice);
          result.Set(i, entry);
        }
        return result;
      });
}

Napi::Value box_overlap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const VoxelBox a = to_box(info[0]), b = to_box(info[1]);
  try {
    auto result = Napi::Object::New(env);
    result.Set("iou", box_iou(a, b));
    result.Set("wallDistance", wall_distance(a, b, to_numbers3(info[2])));
    return result;
  } catch (const Error& error) {
    throw to_js_error(env, error);
  }
}

}  // namespace

void bind_metrics(Napi::Env env, Napi::Object exports) {
  bind<count_labels>(env, exports, "countLabels");
  bind<compare_labels>(env, exports, "compareLabels");
  bind<box_overlap>(env, exports, "boxOverlap");
}

}  // namespace medlsam::addon
