#include <algorithm>

#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "volumes/dicom/frames.hpp"

namespace medlsam::addon {
namespace {

// Bytes of a typed array in place, also of one on a SharedArrayBuffer, which Napi::ArrayBuffer refuses.
std::span<const std::byte> bytes_of(const Napi::Value& array) {
  napi_typedarray_type type{};
  std::size_t length = 0;
  void* data = nullptr;
  const napi_status status =
      napi_get_typedarray_info(array.Env(), array, &type, &length, &data, nullptr, nullptr);
  if (status != napi_ok) throw Napi::TypeError::New(array.Env(), "Expected a typed array.");
  return {static_cast<const std::byte*>(data), array.As<Napi::TypedArray>().ByteLength()};
}

double number(const Napi::Value& value) {
  return value.As<Napi::Number>().DoubleValue();
}

FrameCodec to_codec(const Napi::Value& value) {
  const std::string name = value.As<Napi::String>();
  if (name == "native") return FrameCodec::kNative;
  if (name == "bigEndian") return FrameCodec::kBigEndian;
  if (name == "rle") return FrameCodec::kRle;
  if (name == "jpegLossless") return FrameCodec::kJpegLossless;
  throw Napi::TypeError::New(value.Env(), "Unknown codec " + name + '.');
}

DicomFrame to_frame(const Napi::Object& slice) {
  DicomFrame frame;
  frame.name = slice.Get("name").As<Napi::String>();
  frame.codec = to_codec(slice.Get("codec"));
  if (slice.Get("path").IsString()) {
    frame.path = slice.Get("path").As<Napi::String>();
  } else {
    frame.bytes = bytes_of(slice.Get("bytes"));
  }
  const auto fragments = slice.Get("fragments").As<Napi::Array>();
  for (std::uint32_t i = 0; i + 1 < fragments.Length(); i += 2) {
    frame.fragments.push_back({static_cast<std::uint64_t>(number(fragments.Get(i))),
                               static_cast<std::uint64_t>(number(fragments.Get(i + 1)))});
  }
  frame.bits_allocated = slice.Get("bitsAllocated").As<Napi::Number>();
  frame.bits_stored = slice.Get("bitsStored").As<Napi::Number>();
  const unsigned bits = frame.bits_allocated;
  if ((bits != 8 && bits != 16 && bits != 32) || frame.bits_stored < 1 || frame.bits_stored > bits) {
    throw Napi::TypeError::New(slice.Env(), "Bits must be 1 to bitsAllocated, which is 8, 16 or 32.");
  }
  if (slice.Get("padding").IsArray()) {
    const auto padding = slice.Get("padding").As<Napi::Array>();
    frame.padding = {static_cast<std::int64_t>(number(padding.Get(0U))),
                     static_cast<std::int64_t>(number(padding.Get(1U)))};
  }
  frame.slope = number(slice.Get("slope"));
  frame.intercept = number(slice.Get("intercept"));
  return frame;
}

Napi::Value volume_from_frames(const Napi::CallbackInfo& info) {
  const auto call = info[0].As<Napi::Object>();
  DicomFrames frames;
  frames.size = {call.Get("rows").As<Napi::Number>().Uint32Value(),
                 call.Get("columns").As<Napi::Number>().Uint32Value()};
  frames.is_signed = call.Get("signed").As<Napi::Boolean>();
  const auto affine = call.Get("affine").As<Napi::Array>();
  for (std::uint32_t i = 0; i < 16; ++i) frames.affine[i] = number(affine.Get(i));
  const auto slices = call.Get("slices").As<Napi::Array>();
  for (std::uint32_t i = 0; i < slices.Length(); ++i) {
    frames.frames.push_back(to_frame(slices.Get(i).As<Napi::Object>()));
  }
  constexpr std::size_t kMost = 65535;  // Rows and Columns are of 16 bits
  if (std::min(frames.size.rows, frames.size.columns) < 1 ||
      std::max(frames.size.rows, frames.size.columns) > kMost || frames.frames.empty()) {
    throw Napi::TypeError::New(info.Env(), "A volume needs slices of 1 to 65535 rows and columns.");
  }
  return run_task(
      info, info[1],
      [frames = std::move(frames)](const Task& task) { return medlsam::volume_from_frames(frames, task); },
      volume_handle, {call});
}

}  // namespace

void bind_dicom(Napi::Env env, Napi::Object exports) {
  bind<volume_from_frames>(env, exports, "volumeFromFrames");
}

}  // namespace medlsam::addon
