#include <optional>

#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "localization/localize.hpp"

namespace medlsam::addon {
namespace {

std::optional<double> to_optional(const Napi::Value& value) {
  if (value.IsNull()) return std::nullopt;
  return value.As<Napi::Number>().DoubleValue();
}

Napi::Value to_js(Napi::Env env, const std::optional<double>& value) {
  return value ? Napi::Number::New(env, *value) : env.Null();
}

LocalizeOptions to_localize_options(const Napi::Object& call) {
  LocalizeOptions options;
  const auto organs = call.Get("organs").As<Napi::Array>();
  for (std::uint32_t i = 0; i < organs.Length(); ++i) {
    const auto organ = organs.Get(i).As<Napi::Object>();
    options.organs.push_back({to_int32s(organ.Get("points")), to_optional(organ.Get("agreement"))});
  }
  options.scales.fill(false);
  const auto scales = call.Get("scales").As<Napi::Array>();
  for (std::uint32_t i = 0; i < scales.Length(); ++i)
    options.scales.at(scales.Get(i).As<Napi::Number>().Uint32Value()) = true;
  options.query_centers = to_points(call.Get("queryCenters"));
  options.seed = call.Get("seed").As<Napi::Number>().Uint32Value();
  options.survey = call.Get("survey").As<Napi::Boolean>().Value();
  options.lattice = call.Get("lattice").As<Napi::Number>().Int32Value();
  options.min_score = to_optional(call.Get("minScore"));
  options.min_evidence = to_optional(call.Get("minEvidence"));
  return options;
}

Napi::Object to_js(Napi::Env env, const FoundOrgan& organ) {
  auto parts = Napi::Array::New(env, organ.parts.size());
  for (std::uint32_t i = 0; i < organ.parts.size(); ++i) parts.Set(i, addon::to_js(env, organ.parts[i]));
  auto result = Napi::Object::New(env);
  result.Set("present", organ.present);
  result.Set("score", to_js(env, organ.score));
  result.Set("margin", organ.margin);
  result.Set("box", addon::to_js(env, organ.box));
  result.Set("parts", parts);
  return result;
}

Napi::Value localize(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  return run_task(
      info, info[1],
      [medlam = open_handle<MedLamModel>(call.Get("medlam")),
       scan = open_handle<SurveyedGrid>(call.Get("grid")),
       templates = open_handle<Templates>(call.Get("templates")), options = to_localize_options(call)](
          const Task& task) { return medlsam::localize(medlam, *scan, *templates, options, task); },
      [](Napi::Env env, Localization&& found) -> Napi::Value {
        auto organs = Napi::Array::New(env, found.organs.size());
        for (std::uint32_t i = 0; i < found.organs.size(); ++i) organs.Set(i, to_js(env, found.organs[i]));
        auto result = Napi::Object::New(env);
        result.Set("organs", organs);
        result.Set("patches", static_cast<double>(found.patches));
        result.Set("networkSeconds", found.network_seconds);
        result.Set("similaritySeconds", found.similarity_seconds);
        return result;
      });
}

}  // namespace

void bind_localization(Napi::Env env, Napi::Object exports) {
  bind<localize>(env, exports, "localize");
}

}  // namespace medlsam::addon
