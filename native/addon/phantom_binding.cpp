#include <iterator>
#include <memory>
#include <string>

#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "phantom/organs.hpp"
#include "phantom/phantom.hpp"

namespace medlsam::addon {
namespace {

// Regions, arms and phases are numbers here, their enumerators' values; lib/phantom/regions.ts names them.
phantom::ScanOptions to_options(const Napi::Object& object) {
  phantom::ScanOptions options;
  if (object.Get("region").IsNumber()) {
    const auto region = object.Get("region").As<Napi::Number>().Uint32Value();
    if (region > static_cast<std::uint32_t>(phantom::Region::kHead)) {
      throw Napi::TypeError::New(object.Env(), "There is no region " + std::to_string(region) + '.');
    }
    options.region = static_cast<phantom::Region>(region);
  }
  if (object.Get("spacing").IsArray()) options.spacing = to_numbers3(object.Get("spacing"));
  options.axes = object.Get("axes").As<Napi::String>();
  const auto realism = object.Get("realism").As<Napi::Array>();
  bool* const parts[] = {&options.realism.pose, &options.realism.tissue, &options.realism.scanner};
  for (std::uint32_t i = 0; i < std::size(parts); ++i) *parts[i] = realism.Get(i).ToBoolean();
  return options;
}

Napi::Object to_js(Napi::Env env, const phantom::Subject& subject, const phantom::Scan& scan) {
  auto about = Napi::Object::New(env);
  about.Set("sex", subject.female ? "female" : "male");
  about.Set("stature", subject.stature);
  about.Set("region", static_cast<int>(scan.region));
  about.Set("arms", static_cast<int>(subject.arms));
  about.Set("contrast", static_cast<int>(subject.phase));
  auto missing = Napi::Array::New(env);
  for (std::size_t organ = 1; organ < phantom::kOrganEnd; ++organ) {
    if (subject.present[organ]) continue;
    missing.Set(missing.Length(), std::string(phantom::kOrganNames[organ]));
  }
  about.Set("missing", missing);
  return about;
}

Napi::Value make_phantom(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [seed = info[0].As<Napi::Number>().Uint32Value(), options = to_options(info[1].As<Napi::Object>())](
          const Task& task) { return phantom::make_phantom(seed, options, task); },
      [](Napi::Env env, phantom::Phantom&& made) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("about", to_js(env, made.subject, made.scan));
        result.Set("image", volume_handle(env, std::move(made.image)));
        result.Set("labels", volume_handle(env, std::move(made.labels)));
        return result;
      });
}

// Names in the order of the labels 1, 2, ….
Napi::Value phantom_organs(const Napi::CallbackInfo& info) {
  auto names = Napi::Array::New(info.Env());
  for (std::uint32_t label = 1; label < phantom::kOrganEnd; ++label) {
    names.Set(label - 1, std::string(phantom::kOrganNames[label]));
  }
  return names;
}

}  // namespace

void bind_phantoms(Napi::Env env, Napi::Object exports) {
  bind<make_phantom>(env, exports, "makePhantom");
  bind<phantom_organs>(env, exports, "phantomOrgans");
}

}  // namespace medlsam::addon
