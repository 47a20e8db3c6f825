// References from JavaScript to native objects: type-tagged, so that a volume passed where a grid belongs is
// a TypeError and not a crash.
#pragma once

#include <napi.h>

#include <memory>

#include "base/cancellation.hpp"
#include "checkpoints/checkpoint.hpp"
#include "localization/grid/labels.hpp"
#include "localization/survey.hpp"
#include "localization/templates/templates.hpp"
#include "networks/medlam_model.hpp"
#include "networks/sam_model.hpp"
#include "runtimes/torch/trainer.hpp"
#include "segmentation/masks/scan_masks.hpp"
#include "segmentation/slicewise.hpp"
#include "volumes/volume.hpp"

namespace medlsam::addon {

struct OpenedCheckpoint {
  std::string path;
  Checkpoint checkpoint;
};

// Every handle kind of lib/addon/contract: its type, its name in messages, and its tag, an arbitrary
// constant.
#define MEDLSAM_HANDLE_KINDS(KIND)          \
  KIND(Volume, "volume", 1)                 \
  KIND(SurveyedGrid, "grid", 2)             \
  KIND(LabelGrid, "label grid", 3)          \
  KIND(OpenedCheckpoint, "checkpoint", 4)   \
  KIND(MedLamModel, "medlam", 5)            \
  KIND(Templates, "templates", 6)           \
  KIND(Cancellation, "cancel", 7)           \
  KIND(SamModel, "SAM", 8)                  \
  KIND(ScanMasks, "masks", 9)               \
  KIND(torch::PluginTrainer, "trainer", 10) \
  KIND(SlicePlan, "slice plan", 11)

template <class T>
struct HandleKind;
#define MEDLSAM_HANDLE_KIND(Type, text, tag)                                \
  template <>                                                               \
  struct HandleKind<Type> {                                                 \
    static constexpr const char* kName = text;                              \
    static constexpr napi_type_tag kTag = {0x6d65646c73616d00ULL + tag, 1}; \
  };
MEDLSAM_HANDLE_KINDS(MEDLSAM_HANDLE_KIND)
#undef MEDLSAM_HANDLE_KIND

// Content of a handle's JavaScript object. `value` is null once released; running tasks hold their own
// reference.
struct Box {
  std::shared_ptr<void> value;
  std::int64_t external_bytes = 0;  // told to the garbage collector, which sees only a tiny object otherwise
};

Napi::Value make_handle(Napi::Env env, std::shared_ptr<void> value, const napi_type_tag& tag,
                        std::int64_t external_bytes);
std::shared_ptr<void> open_handle(const Napi::Value& value, const napi_type_tag& tag, const char* name);

template <class T>
Napi::Value make_handle(Napi::Env env, std::shared_ptr<T> value, std::size_t external_bytes = 0) {
  return make_handle(env, std::static_pointer_cast<void>(std::move(value)), HandleKind<T>::kTag,
                     static_cast<std::int64_t>(external_bytes));
}

Napi::Value volume_handle(Napi::Env env, Volume&& volume);

// Throws a TypeError for anything but a live handle of this kind.
template <class T>
std::shared_ptr<T> open_handle(const Napi::Value& value) {
  return std::static_pointer_cast<T>(open_handle(value, HandleKind<T>::kTag, HandleKind<T>::kName));
}

// release(handle): frees the native object as soon as no running task uses it.
Napi::Value release(const Napi::CallbackInfo& info);

}  // namespace medlsam::addon
