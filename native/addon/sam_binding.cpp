#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/runtime.hpp"
#include "addon/task_runner.hpp"
#include "segmentation/slicewise.hpp"

namespace medlsam::addon {
namespace {

struct Loaded {
  std::shared_ptr<SamModel> model;
  std::string digest;
  Placement placement;
};

// {heads, window, globalBlocks} or null.
std::optional<SamGeometry> to_geometry(const Napi::Value& value) {
  if (!value.IsObject()) return std::nullopt;
  const auto object = value.As<Napi::Object>();
  return SamGeometry{object.Get("heads").As<Napi::Number>().Int32Value(),
                     object.Get("window").As<Napi::Number>().Int32Value(),
                     to_int32s(object.Get("globalBlocks"))};
}

Napi::Value load_sam(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[3],
      [opened = open_handle<OpenedCheckpoint>(info[0]), stated = to_geometry(info[1]),
       runtime = to_runtime_choice(info[2])](const Task& task) {
        auto weights =
            std::make_unique<const SamWeights>(opened->checkpoint, opened->path, stated ? &*stated : nullptr);
        Located located = locate(runtime, task.threads);
        std::string digest = weights->digest();
        return Loaded{std::make_shared<SamModel>(std::move(weights), std::move(located.compile)),
                      std::move(digest), located.placement};
      },
      [](Napi::Env env, Loaded&& loaded) -> Napi::Value {
        const SamWeights& weights = loaded.model->weights();
        auto result = Napi::Object::New(env);
        result.Set("imageSize", weights.image_size());
        result.Set("grid", weights.grid());
        result.Set("width", weights.width());
        result.Set("depth", weights.depth());
        result.Set("heads", weights.heads());
        result.Set("channels", weights.channels());
        result.Set("parameters", static_cast<double>(weights.parameters()));
        result.Set("digest", loaded.digest);
        result.Set("device", loaded.placement.device.text());
        result.Set("handle", make_handle(env, loaded.model, weights.parameters() * sizeof(float)));
        return result;
      });
}

Napi::Value sam_encode(const Napi::CallbackInfo& info) {
  const auto slices = expect_typed_array(info[1], DType::kF32).As<Napi::Float32Array>();
  return run_task(
      info, info[2],
      [model = open_handle<SamModel>(info[0]), data = slices.Data(),
       count = slices.ElementLength()](const Task& task) {
        const std::int64_t size = model->weights().image_size();
        return model->encode(
            Tensor::on_host(data, {static_cast<std::int64_t>(count) / (size * size), 1, size, size}), task);
      },
      [](Napi::Env env, Tensor&& embedding) { return to_js(env, embedding); }, {slices});
}

// [{box: Float32Array(4) | null, points: Float32Array (x, y, foreground) …}]
std::vector<SamPrompt> to_prompts(const Napi::Array& array) {
  std::vector<SamPrompt> prompts;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const auto object = array.Get(i).As<Napi::Object>();
    SamPrompt prompt;
    if (!object.Get("box").IsNull()) {
      const auto box = to_vector(expect_typed_array(object.Get("box"), DType::kF32).As<Napi::Float32Array>());
      prompt.box = {box.at(0), box.at(1), box.at(2), box.at(3)};
    }
    const auto points =
        to_vector(expect_typed_array(object.Get("points"), DType::kF32).As<Napi::Float32Array>());
    for (std::size_t p = 0; p + 2 < points.size(); p += 3)
      prompt.points.push_back({points[p], points[p + 1], points[p + 2] != 0});
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

Napi::Value sam_decode(const Napi::CallbackInfo& info) {
  const auto embedding = expect_typed_array(info[1], DType::kF32).As<Napi::Float32Array>();
  std::vector<Napi::Object> buffers = {embedding};
  const float* masks = nullptr;
  if (info[3].IsTypedArray()) {
    const auto given = expect_typed_array(info[3], DType::kF32).As<Napi::Float32Array>();
    buffers.push_back(given);
    masks = given.Data();
  }
  return run_task(
      info, info[5],
      [model = open_handle<SamModel>(info[0]), data = embedding.Data(),
       prompts = to_prompts(info[2].As<Napi::Array>()), masks,
       multimask = info[4].As<Napi::Boolean>().Value()](const Task& task) {
        const std::int64_t grid = model->weights().grid();
        const auto count = static_cast<std::int64_t>(prompts.size());
        const Tensor given = Tensor::on_host(masks, {count, 1, 4 * grid, 4 * grid});
        return model->decode(Tensor::on_host(data, {1, model->weights().channels(), grid, grid}), prompts,
                             masks == nullptr ? nullptr : &given, multimask, task);
      },
      [](Napi::Env env, SamMasks&& found) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("logits", to_js(env, found.logits));
        result.Set("ious", to_js(env, found.ious));
        return result;
      },
      buffers);
}

// [{boxes: Int32Array (min z, y, x, max z, y, x) …, points: Int32Array (z, y, x, foreground) …}]
std::vector<OrganPrompt> to_organ_prompts(const Napi::Array& array) {
  std::vector<OrganPrompt> organs;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const auto object = array.Get(i).As<Napi::Object>();
    OrganPrompt organ;
    organ.parts = to_boxes(object.Get("boxes"));
    const auto points = to_int32s(object.Get("points"));
    for (std::size_t p = 0; p + 3 < points.size(); p += 4)
      organ.points.push_back({{points[p], points[p + 1], points[p + 2]}, points[p + 3] != 0});
    organs.push_back(std::move(organ));
  }
  return organs;
}

std::optional<std::vector<std::int64_t>> to_slices(const Napi::Value& value) {
  if (!value.IsTypedArray()) return std::nullopt;
  const auto slices = to_int32s(value);
  return std::vector<std::int64_t>(slices.begin(), slices.end());
}

Napi::Value plan_sam_slices(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[4],
      [sam = open_handle<SamModel>(info[0]), masks = open_handle<ScanMasks>(info[1]),
       organs = to_organ_prompts(info[2].As<Napi::Array>()), only = to_slices(info[3])](const Task&) {
        return std::make_shared<SlicePlan>(
            plan_slices(organs, masks->layout, sam->weights().image_size(), only ? &*only : nullptr));
      },
      [](Napi::Env env, std::shared_ptr<SlicePlan>&& plan) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("completeAfter", to_typed_array(env, plan->complete_after));
        result.Set("handle", make_handle(env, plan));
        return result;
      });
}

Napi::Value segment(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[6],
      [sam = open_handle<SamModel>(info[0]), volume = open_handle<Volume>(info[1]),
       masks = open_handle<ScanMasks>(info[2]), plan = open_handle<SlicePlan>(info[3]),
       conventions = to_conventions(info[4]),
       levels =
           info[5].As<Napi::Boolean>().Value() ? MaskLevels::kRanks : MaskLevels::kAll](const Task& task) {
        return segment_slices(*sam, *volume, conventions, *plan, *masks, levels, task);
      },
      [](Napi::Env env, SliceWork&& work) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("encoderRuns", static_cast<double>(work.encoder_runs));
        result.Set("prompts", static_cast<double>(work.prompts));
        result.Set("prepareSeconds", work.prepare_seconds);
        result.Set("encodeSeconds", work.encode_seconds);
        result.Set("decodeSeconds", work.decode_seconds);
        return result;
      });
}

}  // namespace

void bind_sam(Napi::Env env, Napi::Object exports) {
  bind<load_sam>(env, exports, "loadSam");
  bind<sam_encode>(env, exports, "samEncode");
  bind<sam_decode>(env, exports, "samDecode");
  bind<plan_sam_slices>(env, exports, "planSlices");
  bind<segment>(env, exports, "segmentSlices");
}

}  // namespace medlsam::addon
