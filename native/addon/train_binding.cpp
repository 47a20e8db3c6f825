#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/runtime.hpp"
#include "addon/task_runner.hpp"
#include "runtimes/torch/trainer.hpp"
#include "training_data/annotated_scan.hpp"
#include "training_data/grid_scan.hpp"

namespace medlsam::addon {
namespace {

using torch::PluginTrainer;

Napi::Value undefined(Napi::Env env, bool) {
  return env.Undefined();
}

Napi::Value write_training_scan(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [grid = open_handle<SurveyedGrid>(info[0]),
       path = info[1].As<Napi::String>().Utf8Value()](const Task&) {
        training::write_scan(path, grid->grid());
        return true;
      },
      undefined);
}

Napi::Value write_annotated_scan(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[3],
      [image = open_handle<Volume>(info[0]), labels = open_handle<Volume>(info[1]),
       path = info[2].As<Napi::String>().Utf8Value()](const Task& task) {
        training::write_annotated_scan(path, *image, *labels, task);
        return true;
      },
      undefined);
}

Napi::Value create_trainer(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [plugin = info[0].As<Napi::String>().Utf8Value(), document = info[1].As<Napi::String>().Utf8Value()](
          const Task&) { return std::make_shared<PluginTrainer>(torch::load(plugin), document); },
      [](Napi::Env env, std::shared_ptr<PluginTrainer>&& trainer) -> Napi::Value {
        return make_handle(env, std::move(trainer));
      });
}

Napi::Object step_to_js(Napi::Env env, const torch::TrainerStep& step) {
  auto object = Napi::Object::New(env);
  object.Set("step", static_cast<double>(step.step));
  object.Set("losses", to_js(env, std::span<const double>(step.losses)));
  object.Set("gradient", step.gradient);
  object.Set("learningRate", step.learning_rate);
  object.Set("waitSeconds", step.wait_seconds);
  object.Set("seconds", step.seconds);
  return object;
}

Napi::Value train_steps(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [trainer = open_handle<PluginTrainer>(info[0]), steps = info[1].As<Napi::Number>().Int64Value()](
          const Task& task) { return trainer->run(steps, task); },
      [](Napi::Env env, std::vector<torch::TrainerStep>&& steps) -> Napi::Value {
        auto array = Napi::Array::New(env, steps.size());
        for (std::uint32_t i = 0; i < steps.size(); ++i) array.Set(i, step_to_js(env, steps[i]));
        return array;
      });
}

Napi::Value validate_trainer(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [trainer = open_handle<PluginTrainer>(info[0]), count = info[1].As<Napi::Number>().Int64Value()](
          const Task& task) { return trainer->validate(count, task); },
      [](Napi::Env env, torch::TrainerValidation&& validation) -> Napi::Value {
        auto object = Napi::Object::New(env);
        object.Set("figure", validation.figure);
        auto labels = Napi::Object::New(env);
        for (const auto& [label, figure] : validation.labels) labels.Set(std::to_string(label), figure);
        object.Set("labels", labels);
        return object;
      });
}

// A function of the trainer and a path.
template <void (PluginTrainer::*function)(const std::string&)>
Napi::Value with_path(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [trainer = open_handle<PluginTrainer>(info[0]),
       path = info[1].As<Napi::String>().Utf8Value()](const Task&) {
        (trainer.get()->*function)(path);
        return true;
      },
      undefined);
}

Napi::Value trainer_steps(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(open_handle<PluginTrainer>(info[0])->steps()));
}

}  // namespace

void bind_training(Napi::Env env, Napi::Object exports) {
  bind<write_training_scan>(env, exports, "writeTrainingScan");
  bind<write_annotated_scan>(env, exports, "writeAnnotatedScan");
  bind<create_trainer>(env, exports, "createTrainer");
  bind<train_steps>(env, exports, "trainSteps");
  bind<validate_trainer>(env, exports, "validateTrainer");
  bind<with_path<&PluginTrainer::save>>(env, exports, "saveTrainer");
  bind<with_path<&PluginTrainer::load>>(env, exports, "loadTrainer");
  bind<with_path<&PluginTrainer::export_model>>(env, exports, "exportTrainer");
  bind<trainer_steps>(env, exports, "trainerSteps");
}

}  // namespace medlsam::addon
