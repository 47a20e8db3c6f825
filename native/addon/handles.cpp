#include "addon/handles.hpp"

#include <string>
#include <utility>

#include "base/executor.hpp"

namespace medlsam::addon {
namespace {

// Giving 100 MB back to the system takes tens of milliseconds, too long for the JavaScript thread.
constexpr std::int64_t kFreedElsewhere = 1 << 20;

#define MEDLSAM_HANDLE_TAG(Type, text, tag) HandleKind<Type>::kTag,
constexpr napi_type_tag kTags[] = {MEDLSAM_HANDLE_KINDS(MEDLSAM_HANDLE_TAG)};
#undef MEDLSAM_HANDLE_TAG

void empty(Napi::Env env, Box& box) {
  if (!box.value) return;
  // Held once more, so that the memory goes where this is emptied and not where the last copy of the work is
  // dropped.
  const auto value = std::make_shared<std::shared_ptr<void>>(std::move(box.value));
  // Where all threads are busy it is freed here: memory that waited for them would add up.
  const bool elsewhere =
      box.external_bytes >= kFreedElsewhere && executor().offer([value] { value->reset(); });
  if (!elsewhere) value->reset();
  Napi::MemoryManagement::AdjustExternalMemory(env, -box.external_bytes);
}

void finalize(napi_env env, void* data, void*) {
  Box* box = static_cast<Box*>(data);
  empty(env, *box);
  delete box;
}

Box* unwrap(const Napi::Value& value) {
  void* data = nullptr;
  if (!value.IsObject() || napi_unwrap(value.Env(), value, &data) != napi_ok) return nullptr;
  return static_cast<Box*>(data);
}

}  // namespace

Napi::Value make_handle(Napi::Env env, std::shared_ptr<void> value, const napi_type_tag& tag,
                        std::int64_t external_bytes) {
  Napi::Object object = Napi::Object::New(env);
  auto box = std::make_unique<Box>(Box{std::move(value), external_bytes});
  NAPI_THROW_IF_FAILED(env, napi_type_tag_object(env, object, &tag), env.Undefined());
  NAPI_THROW_IF_FAILED(env, napi_wrap(env, object, box.get(), finalize, nullptr, nullptr), env.Undefined());
  box.release();
  Napi::MemoryManagement::AdjustExternalMemory(env, external_bytes);
  return object;
}

Napi::Value volume_handle(Napi::Env env, Volume&& volume) {
  const std::size_t bytes = volume.data.size();
  return make_handle(env, std::make_shared<Volume>(std::move(volume)), bytes);
}

std::shared_ptr<void> open_handle(const Napi::Value& value, const napi_type_tag& tag, const char* name) {
  bool matches = false;
  if (!value.IsObject() || napi_check_object_type_tag(value.Env(), value, &tag, &matches) != napi_ok ||
      !matches) {
    throw Napi::TypeError::New(value.Env(), std::string("Not a ") + name + " handle.");
  }
  Box* box = unwrap(value);
  if (box == nullptr || !box->value) {
    throw Napi::TypeError::New(value.Env(), std::string("This ") + name + " was closed already.");
  }
  return box->value;
}

Napi::Value release(const Napi::CallbackInfo& info) {
  // Only objects this addon tagged were wrapped by it; others are left alone.
  for (const napi_type_tag& tag : kTags) {
    bool matches = false;
    if (info[0].IsObject() && napi_check_object_type_tag(info.Env(), info[0], &tag, &matches) == napi_ok &&
        matches) {
      if (Box* box = unwrap(info[0])) empty(info.Env(), *box);
      return info.Env().Undefined();
    }
  }
  throw Napi::TypeError::New(info.Env(), "Not a handle.");
}

}  // namespace medlsam::addon
