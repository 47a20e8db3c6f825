#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "checkpoints/convert.hpp"

namespace medlsam::addon {
namespace {

Napi::Value open_checkpoint(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1],
      [path = info[0].As<Napi::String>().Utf8Value()](const Task&) {
        return std::make_shared<OpenedCheckpoint>(OpenedCheckpoint{path, medlsam::open_checkpoint(path)});
      },
      [](Napi::Env env, std::shared_ptr<OpenedCheckpoint>&& opened) -> Napi::Value {
        const Checkpoint& checkpoint = opened->checkpoint;
        auto tensors = Napi::Array::New(env, checkpoint.tensors.size());
        std::uint32_t i = 0;
        for (const auto& [name, tensor] : checkpoint.tensors) {
          auto entry = Napi::Object::New(env);
          const std::vector<double> shape(tensor.shape.begin(), tensor.shape.end());
          entry.Set("name", name);
          entry.Set("dtype", dtype_name(tensor.dtype));
          entry.Set("shape", to_js(env, std::span<const double>(shape)));
          tensors.Set(i++, entry);
        }
        auto result = Napi::Object::New(env);
        result.Set("format", checkpoint.format);
        result.Set("tensors", tensors);
        result.Set("metadata", to_js(env, checkpoint.metadata));
        result.Set("handle", make_handle(env, opened));
        return result;
      });
}

Napi::Value tensor_data(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [opened = open_handle<OpenedCheckpoint>(info[0]),
       name = info[1].As<Napi::String>().Utf8Value()](const Task&) {
        const auto found = opened->checkpoint.tensors.find(name);
        if (found == opened->checkpoint.tensors.end()) {
          throw Error(ErrorCode::kBadArgument, opened->path + " has no tensor '" + name + "'.");
        }
        const TensorView& tensor = found->second;
        const bool half = tensor.dtype == DType::kF16 || tensor.dtype == DType::kBF16;
        if (!half) return std::vector<std::byte>(tensor.bytes.begin(), tensor.bytes.end());
        std::vector<std::byte> bytes(tensor.elements() * sizeof(float));
        to_float32(tensor, {reinterpret_cast<float*>(bytes.data()), tensor.elements()});
        return bytes;
      },
      [](Napi::Env env, std::vector<std::byte>&& bytes) { return to_array_buffer(env, std::move(bytes)); });
}

WeightStorage storage_of(const std::string& name) {
  if (name == "float16") return WeightStorage::kFloat16;
  return name == "int8" ? WeightStorage::kInt8 : WeightStorage::kUnchanged;
}

Napi::Value write_checkpoint(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[4],
      [opened = open_handle<OpenedCheckpoint>(info[0]), path = info[1].As<Napi::String>().Utf8Value(),
       storage = storage_of(info[2].As<Napi::String>().Utf8Value()),
       metadata = to_strings(info[3])](const Task& task) {
        convert_checkpoint(opened->checkpoint, opened->path, path, storage, metadata, task);
        return true;
      },
      [](Napi::Env env, bool) { return env.Undefined(); });
}

}  // namespace

void bind_checkpoints(Napi::Env env, Napi::Object exports) {
  bind<open_checkpoint>(env, exports, "openCheckpoint");
  bind<tensor_data>(env, exports, "tensorData");
  bind<write_checkpoint>(env, exports, "writeCheckpoint");
}

}  // namespace medlsam::addon
