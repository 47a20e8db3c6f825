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

std::vector<std::string> to_string_list(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < array.Length(); ++i)
    texts.push_back(array.Get(i).As<Napi::String>().Utf8Value());
  return texts;
}

// What the options of all networks have.
template <class Options>
Options to_common_options(const Napi::Object& object) {
  const auto number = [&](const char* name) { return object.Get(name).As<Napi::Number>(); };
  Options options;
  options.scans = to_string_list(object.Get("scans"));
  options.validation_scans = to_string_list(object.Get("validationScans"));
  options.width = number("width").Int64Value();
  options.patch = number("patch").Int64Value();
  options.batch = number("batch").Int64Value();
  options.micro_batch = number("microBatch").Int64Value();
  options.epoch_steps = number("epochSteps").Int64Value();
  options.from = object.Get("from").As<Napi::String>().Utf8Value();
  options.seed = static_cast<std::uint64_t>(number("seed").Int64Value());
  options.learning_rate = number("learningRate").DoubleValue();
  options.device = object.Get("device").As<Napi::String>().Utf8Value();
  options.precision = to_precision(object.Get("precision").As<Napi::String>().Utf8Value());
  options.loaders = number("loaders").Int32Value();
  return options;
}

torch::PluginTrainerOptions to_trainer_options(const Napi::Object& object) {
  auto options = to_common_options<torch::PluginTrainerOptions>(object);
  options.foreground = object.Get("foreground").As<Napi::Number>().DoubleValue();
  options.uam_steps = object.Get("uamSteps").As<Napi::Number>().Int64Value();
  const auto peers = object.Get("peers").As<Napi::Object>();
  options.rank = peers.Get("rank").As<Napi::Number>().Int32Value();
  options.processes = peers.Get("count").As<Napi::Number>().Int32Value();
  options.meeting_file = peers.Get("file").As<Napi::String>().Utf8Value();
  options.meeting_host = peers.Get("host").As<Napi::String>().Utf8Value();
  options.meeting_port = static_cast<std::uint16_t>(peers.Get("port").As<Napi::Number>().Uint32Value());
  return options;
}

torch::PluginSamTrainerOptions to_sam_trainer_options(const Napi::Object& object) {
  const auto number = [&](const char* name) { return object.Get(name).As<Napi::Number>().Int64Value(); };
  auto options = to_common_options<torch::PluginSamTrainerOptions>(object);
  options.image_size = number("imageSize");
  options.depth = number("depth");
  options.heads = number("heads");
  options.mlp = number("mlp");
  options.window = number("window");
  options.global_blocks = to_int32s(object.Get("globalBlocks"));
  options.channels = number("channels");
  options.decoder_mlp = number("decoderMlp");
  options.encoder = object.Get("encoder").As<Napi::Boolean>().Value();
  options.prompts = number("prompts");
  options.epochs = number("epochs");
  options.jitter = object.Get("jitter").As<Napi::Number>().DoubleValue();
  return options;
}

template <auto to_options>
Napi::Value create_trainer(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [plugin = info[0].As<Napi::String>().Utf8Value(), options = to_options(info[1].As<Napi::Object>())](
          const Task&) { return std::make_shared<PluginTrainer>(torch::load(plugin), options); },
      [](Napi::Env env, std::shared_ptr<PluginTrainer>&& trainer) -> Napi::Value {
        return make_handle(env, std::move(trainer));
      });
}

Napi::Object step_to_js(Napi::Env env, const MedlsamTrainerStep& step) {
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
      [](Napi::Env env, std::vector<MedlsamTrainerStep>&& steps) -> Napi::Value {
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
      [](Napi::Env env, double figure) -> Napi::Value { return Napi::Number::New(env, figure); });
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
  bind<create_trainer<to_trainer_options>>(env, exports, "createTrainer");
  bind<create_trainer<to_sam_trainer_options>>(env, exports, "createSamTrainer");
  bind<train_steps>(env, exports, "trainSteps");
  bind<validate_trainer>(env, exports, "validateTrainer");
  bind<with_path<&PluginTrainer::save>>(env, exports, "saveTrainer");
  bind<with_path<&PluginTrainer::load>>(env, exports, "loadTrainer");
  bind<with_path<&PluginTrainer::export_model>>(env, exports, "exportTrainer");
  bind<trainer_steps>(env, exports, "trainerSteps");
}

}  // namespace medlsam::addon
