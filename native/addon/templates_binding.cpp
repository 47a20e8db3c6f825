#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "localization/support.hpp"

namespace medlsam::addon {
namespace {

// Memory of templates that are being filled.
std::size_t bytes_of(const Templates& templates) {
  std::size_t elements = 0;
  for (int k = 0; k < kScales; ++k) elements += templates.kernel_elements(k);
  return templates.points() * elements * sizeof(float);
}

Napi::Value create_templates(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  return run_task(
      info, info[1],
      [medlam = open_handle<MedLamModel>(call.Get("medlam")),
       points = static_cast<std::size_t>(call.Get("points").As<Napi::Number>().Int64Value())](const Task&) {
        return std::make_shared<Templates>(points, medlam->weights().feature_channels());
      },
      [](Napi::Env env, std::shared_ptr<Templates>&& templates) {
        const std::size_t bytes = bytes_of(*templates);
        return make_handle(env, std::move(templates), bytes);
      });
}

Napi::Value join_templates(const Napi::CallbackInfo& info) {
  const auto handles = info[0].As<Napi::Array>();
  std::vector<std::shared_ptr<Templates>> parts;
  for (std::uint32_t i = 0; i < handles.Length(); ++i)
    parts.push_back(open_handle<Templates>(handles.Get(i)));
  return run_task(
      info, info[1],
      [parts = std::move(parts)](const Task&) { return std::shared_ptr<Templates>(Templates::join(parts)); },
      [](Napi::Env env, std::shared_ptr<Templates>&& joined) {
        const std::size_t bytes = bytes_of(*joined);
        return make_handle(env, std::move(joined), bytes);
      });
}

Napi::Value add_support(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  return run_task(
      info, info[1],
      [templates = open_handle<Templates>(call.Get("templates")),
       medlam = open_handle<MedLamModel>(call.Get("medlam")),
       scan = open_handle<SurveyedGrid>(call.Get("grid")), centers = to_points(call.Get("centers")),
       indices = to_int32s(call.Get("indices")),
       survey = call.Get("survey").As<Napi::Boolean>().Value()](const Task& task) {
        medlsam::add_support(*templates, medlam, *scan, {centers, indices, survey}, task);
        return true;
      },
      [](Napi::Env env, bool) { return env.Undefined(); });
}

struct Description {
  std::shared_ptr<Templates> templates;
  std::vector<float> positions, agreement;
};

Description describe(std::shared_ptr<Templates> templates) {
  auto positions = templates->positions();
  auto agreement = templates->agreement();
  return {std::move(templates), std::move(positions), std::move(agreement)};
}

Napi::Object to_js(Napi::Env env, const Description& description) {
  const Templates& templates = *description.templates;
  auto result = Napi::Object::New(env);
  result.Set("points", static_cast<double>(templates.points()));
  result.Set("channels", templates.channels());
  result.Set("kernels", templates.kernel_type() == KernelType::kInt4 ? "int4" : "float16");
  result.Set("positions", to_typed_array(env, description.positions));
  result.Set("supports", to_typed_array(env, templates.supports()));
  result.Set("agreement", to_typed_array(env, description.agreement));
  result.Set("metadata", addon::to_js(env, templates.metadata()));
  return result;
}

Napi::Value describe_templates(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1],
      [templates = open_handle<Templates>(info[0])](const Task&) { return describe(templates); },
      [](Napi::Env env, Description&& description) -> Napi::Value { return to_js(env, description); });
}

Napi::Value write_templates(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  return run_task(
      info, info[1],
      [templates = open_handle<Templates>(call.Get("templates")),
       path = call.Get("path").As<Napi::String>().Utf8Value(), metadata = to_strings(call.Get("metadata")),
       type = call.Get("kernels").As<Napi::String>().Utf8Value() == "int4"
                  ? KernelType::kInt4
                  : KernelType::kFloat16](const Task&) {
        templates->write(path, metadata, type);
        return true;
      },
      [](Napi::Env env, bool) { return env.Undefined(); });
}

Napi::Value open_templates(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1],
      [path = info[0].As<Napi::String>().Utf8Value()](const Task&) {
        return describe(std::shared_ptr<Templates>(Templates::open(path)));
      },
      [](Napi::Env env, Description&& description) -> Napi::Value {
        auto result = to_js(env, description);
        result.Set("handle", make_handle(env, description.templates));
        return result;
      });
}

Napi::Value template_kernels(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  const auto templates = open_handle<Templates>(call.Get("templates"));
  const auto point = static_cast<std::size_t>(call.Get("point").As<Napi::Number>().Int64Value());
  if (point >= templates->points()) throw Napi::RangeError::New(info.Env(), "No such template point.");
  return run_task(
      info, info[1],
      [templates, point](const Task&) {
        std::array<std::vector<float>, kScales> kernels;
        for (int k = 0; k < kScales; ++k) {
          kernels[k].resize(templates->kernel_elements(k));
          templates->kernel(point, k, kernels[k]);
        }
        return kernels;
      },
      [](Napi::Env env, std::array<std::vector<float>, kScales>&& kernels) -> Napi::Value {
        auto result = Napi::Array::New(env, kScales);
        for (std::uint32_t k = 0; k < kScales; ++k) result.Set(k, to_typed_array(env, kernels[k]));
        return result;
      });
}

}  // namespace

void bind_templates(Napi::Env env, Napi::Object exports) {
  bind<create_templates>(env, exports, "createTemplates");
  bind<join_templates>(env, exports, "joinTemplates");
  bind<add_support>(env, exports, "addSupport");
  bind<describe_templates>(env, exports, "describeTemplates");
  bind<write_templates>(env, exports, "writeTemplates");
  bind<open_templates>(env, exports, "openTemplates");
  bind<template_kernels>(env, exports, "templateKernels");
}

}  // namespace medlsam::addon
