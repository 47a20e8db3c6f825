#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/runtime.hpp"
#include "addon/task_runner.hpp"

namespace medlsam::addon {
namespace {

struct Loaded {
  std::shared_ptr<MedLamModel> model;
  std::string digest;
  Placement placement;
};

Napi::Value load_medlam(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [opened = open_handle<OpenedCheckpoint>(info[0]),
       runtime = to_runtime_choice(info[1])](const Task& task) {
        auto weights = std::make_unique<const MedLamWeights>(opened->checkpoint, opened->path);
        Located located = locate(runtime, task.threads);
        std::string digest = weights->digest();
        return Loaded{std::make_shared<MedLamModel>(std::move(weights), std::move(located.compile)),
                      std::move(digest), located.placement};
      },
      [](Napi::Env env, Loaded&& loaded) -> Napi::Value {
        const MedLamWeights& weights = loaded.model->weights();
        auto result = Napi::Object::New(env);
        result.Set("width", weights.width());
        result.Set("patch", weights.patch());
        result.Set("parameters", static_cast<double>(weights.parameters()));
        result.Set("digest", loaded.digest);
        result.Set("device", loaded.placement.device.text());
        result.Set("handle", make_handle(env, loaded.model, weights.parameters() * sizeof(float)));
        return result;
      });
}

Napi::Value medlam_forward(const Napi::CallbackInfo& info) {
  const auto patches = expect_typed_array(info[1], DType::kF32).As<Napi::Float32Array>();
  return run_task(
      info, info[3],
      [model = open_handle<MedLamModel>(info[0]), data = patches.Data(), count = patches.ElementLength(),
       deepest = info[2].As<Napi::Number>().Int32Value()](const Task& task) {
        const std::int64_t p = model->weights().patch();
        return run_rows(Tensor::on_host(data, {static_cast<std::int64_t>(count) / (p * p * p), 1, p, p, p}),
                        [&](const Tensor& some) { return model->run(some, deepest, task); });
      },
      [](Napi::Env env, std::vector<Tensor>&& outputs) -> Napi::Value {
        auto features = Napi::Array::New(env);
        for (std::uint32_t i = 1; i < outputs.size(); ++i) features.Set(i - 1, to_js(env, outputs[i]));
        auto result = Napi::Object::New(env);
        result.Set("positions", to_js(env, outputs[0]));
        result.Set("features", features);
        return result;
      },
      {patches});
}

}  // namespace

void bind_medlam(Napi::Env env, Napi::Object exports) {
  bind<load_medlam>(env, exports, "loadMedLam");
  bind<medlam_forward>(env, exports, "medlamForward");
}

}  // namespace medlsam::addon
