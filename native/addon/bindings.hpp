// The functions of lib/addon/contract, by the file that binds them.
#pragma once

#include <napi.h>

namespace medlsam::addon {

void bind_volumes(Napi::Env env, Napi::Object exports);
void bind_dicom(Napi::Env env, Napi::Object exports);
void bind_grids(Napi::Env env, Napi::Object exports);
void bind_annotations(Napi::Env env, Napi::Object exports);
void bind_checkpoints(Napi::Env env, Napi::Object exports);
void bind_medlam(Napi::Env env, Napi::Object exports);
void bind_templates(Napi::Env env, Napi::Object exports);
void bind_localization(Napi::Env env, Napi::Object exports);
void bind_sam(Napi::Env env, Napi::Object exports);
void bind_masks(Napi::Env env, Napi::Object exports);
void bind_dicom_masks(Napi::Env env, Napi::Object exports);
void bind_slice_steps(Napi::Env env, Napi::Object exports);
void bind_cuda(Napi::Env env, Napi::Object exports);
void bind_torch(Napi::Env env, Napi::Object exports);
void bind_training(Napi::Env env, Napi::Object exports);
void bind_steps(Napi::Env env, Napi::Object exports);
void bind_metrics(Napi::Env env, Napi::Object exports);
void bind_phantoms(Napi::Env env, Napi::Object exports);

// Sets exports[name] to a function.
template <auto function>
void bind(Napi::Env env, Napi::Object& exports, const char* name) {
  exports.Set(name, Napi::Function::New<function>(env, name));
}

}  // namespace medlsam::addon
