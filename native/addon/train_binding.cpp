#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/runtime.hpp"
#include "addon/task_runner.hpp"
#include "runtimes/torch/plugin_trainer.hpp"
#include "training/scan.hpp"

namespace medlsam::addon {
namespace {

using torch::PluginTrainer;

Napi::Value undefined(Napi::Env env, bool) {
  return env.Undefined();
}

Napi::Value write_training_scan(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [grid = open_handle<Grid>(info[0]), path = info[1].As<Napi::String>().Utf8Value()](const Task&) {
        training::write_scan(path, *grid);
        return true;
      },
      undefined);
}

std::vector<std::string> to_string_list(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < array.Length(); ++i)
    texts.push_back(array.Get(i).As<Napi::String>().Utf8Value());
  return texts;
}

torch::PluginTrainerOptions to_trainer_options(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  const auto number = [&](const char* name) { return object.Get(name).As<Napi::Number>(); };
  torch::PluginTrainerOptions options;
  options.scans = to_string_list(object.Get("scans"));
  options.validation_scans = to_string_list(object.Get("validationScans"));
  options.width = number("width").Int64Value();
  options.patch = number("patch").Int64Value();
  options.batch = number("batch").Int64Value();
  options.epoch_steps = number("epochSteps").Int64Value();
  options.from = object.Get("from").As<Napi::String>().Utf8Value();
  options.uam_steps = number("uamSteps").Int64Value();
  options.seed = static_cast<std::uint64_t>(number("seed").Int64Value());
  options.learning_rate = number("learningRate").DoubleValue();
  options.device = object.Get("device").As<Napi::String>().Utf8Value();
  options.precision = to_precision(object.Get("precision").As<Napi::String>().Utf8Value());
  return options;
}

Napi::Value create_trainer(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [plugin = info[0].As<Napi::String>().Utf8Value(), options = to_trainer_options(info[1])](const Task&) {
        return std::make_shared<PluginTrainer>(torch::load(plugin), options);
      },
      [](Napi::Env env, std::shared_ptr<PluginTrainer>&& trainer) -> Napi::Value {
        return make_handle(env, std::move(trainer));
      });
}

Napi::Object to_js(Napi::Env env, const MedlsamTrainerStep& step) {
  auto object = Napi::Object::New(env);
  object.Set("step", static_cast<double>(step.step));
  object.Set("uam", step.uam);
  object.Set("mss", step.mss);
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
      [](Napi::Env env, std::vector<MedlsamTrainerStep>&& steps) -> Napi::Value {
        auto array = Napi::Array::New(env, steps.size());
        for (std::uint32_t i = 0; i < steps.size(); ++i) array.Set(i, to_js(env, steps[i]));
        return array;
      });
}

Napi::Value validate_trainer(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [trainer = open_handle<PluginTrainer>(info[0]), pairs = info[1].As<Napi::Number>().Int64Value()](
          const Task& task) { return trainer->validate(pairs, task); },
      [](Napi::Env env, double millimetres) -> Napi::Value { return Napi::Number::New(env, millimetres); });
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
  bind<create_trainer>(env, exports, "createTrainer");
  bind<train_steps>(env, exports, "trainSteps");
  bind<validate_trainer>(env, exports, "validateTrainer");
  bind<with_path<&PluginTrainer::save>>(env, exports, "saveTrainer");
  bind<with_path<&PluginTrainer::load>>(env, exports, "loadTrainer");
  bind<with_path<&PluginTrainer::export_model>>(env, exports, "exportTrainer");
  bind<trainer_steps>(env, exports, "trainerSteps");
}

}  // namespace medlsam::addon
