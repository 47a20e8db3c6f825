#include <algorithm>

#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "base/atomic_file.hpp"
#include "dicom_masks/frames.hpp"
#include "dicom_masks/organ_contours.hpp"
#include "dicom_masks/paint_labels.hpp"
#include "segmentation/masks/assemble.hpp"

namespace medlsam::addon {
namespace {

// The addon's PlaneStackOptions.
struct StackOptions {
  std::array<int, 3> axes{};
  std::array<bool, 3> reversed{};
  std::vector<std::int32_t> slices;
};

StackOptions to_stack_options(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  StackOptions options;
  const auto axes = object.Get("axes").As<Napi::Array>();
  const auto reversed = object.Get("reversed").As<Napi::Array>();
  for (std::uint32_t i = 0; i < 3; ++i) {
    options.axes[i] = axes.Get(i).As<Napi::Number>().Int32Value();
    options.reversed[i] = reversed.Get(i).As<Napi::Boolean>().Value();
  }
  options.slices = to_int32s(object.Get("slices"));
  return options;
}

PlaneStack stack_of(const ScanMasks& masks, const StackOptions& options) {
  return plane_stack(masks.shape, options.axes, options.reversed, options.slices);
}

// A flat (x, y, z) triple at `at`.
Point3 point_at(const std::vector<double>& numbers, std::size_t at) {
  return {numbers.at(at), numbers.at(at + 1), numbers.at(at + 2)};
}

// The addon's PlaneFrames: `origins` flat triples, `column` and `row` one each.
std::vector<PlaneFrame> to_plane_frames(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  const auto numbers = [&](const char* name) {
    return to_vector(expect_typed_array(object.Get(name), DType::kF64).As<Napi::Float64Array>());
  };
  const auto origins = numbers("origins"), column = numbers("column"), row = numbers("row");
  std::vector<PlaneFrame> frames;
  for (std::size_t i = 0; i + 3 <= origins.size(); i += 3)
    frames.push_back({point_at(origins, i), point_at(column, 0), point_at(row, 0)});
  return frames;
}

AnnotatedGrid to_annotated_grid(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  AnnotatedGrid grid;
  grid.shape = to_index3(object.Get("shape"));
  const auto affine = object.Get("affine").As<Napi::Array>();
  for (std::uint32_t i = 0; i < 16; ++i) grid.affine[i] = affine.Get(i).As<Napi::Number>().DoubleValue();
  grid.images = to_int32s(object.Get("images"));
  return grid;
}

template <class Label>
std::vector<Label> assembled(const ScanMasks& masks, std::span<const LabelledMask> chosen, const Task& task) {
  const SliceLayout& layout = masks.layout;
  std::vector<Label> voxels(static_cast<std::size_t>(layout.count * layout.pixels()));
  assemble<Label>(chosen, layout, voxels, task);
  return voxels;
}

std::vector<std::uint8_t> organ_voxels(const ScanMasks& masks, std::int32_t organ, const Task& task) {
  const LabelledMask mask{&masks.organs.at(organ), 1};
  return assembled<std::uint8_t>(masks, {&mask, 1}, task);
}

Napi::Value organ_frames(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[3],
      [masks = open_handle<ScanMasks>(info[0]), organs = to_int32s(info[1]),
       options = to_stack_options(info[2])](const Task& task) {
        const PlaneStack stack = stack_of(*masks, options);
        OrganFrameWriter writer(stack);
        for (const std::int32_t organ : organs) writer.add(organ, organ_voxels(*masks, organ, task), task);
        return writer.finish();
      },
      [](Napi::Env env, OrganFrames&& frames) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("organs", to_typed_array(env, frames.organs));
        result.Set("planes", to_typed_array(env, frames.planes));
        result.Set("overlap", frames.overlap);
        result.Set("bits", to_array_buffer(env, std::move(frames.bits)));
        return result;
      });
}

template <class Label>
LabelFrames label_frames_of(const ScanMasks& masks, std::span<const LabelledMask> chosen,
                            const StackOptions& options, const Task& task) {
  return label_frames<Label>(stack_of(masks, options), assembled<Label>(masks, chosen, task), task);
}

Napi::Value labelled_frames(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[4],
      [masks = open_handle<ScanMasks>(info[0]), organs = to_int32s(info[1]), labels = to_int32s(info[2]),
       options = to_stack_options(info[3])](const Task& task) {
        std::vector<LabelledMask> chosen;
        for (std::size_t i = 0; i < organs.size(); ++i)
          chosen.push_back({&masks->organs.at(organs[i]), static_cast<std::uint16_t>(labels.at(i))});
        const bool wide = std::any_of(labels.begin(), labels.end(), [](auto label) { return label > 255; });
        return wide ? label_frames_of<std::uint16_t>(*masks, chosen, options, task)
                    : label_frames_of<std::uint8_t>(*masks, chosen, options, task);
      },
      [](Napi::Env env, LabelFrames&& frames) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("planes", to_typed_array(env, frames.planes));
        result.Set("labels", to_typed_array(env, frames.labels));
        result.Set("pixels", to_array_buffer(env, std::move(frames.pixels)));
        return result;
      });
}

Napi::Value contours_of_organ(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[5],
      [masks = open_handle<ScanMasks>(info[0]), organ = info[1].As<Napi::Number>().Int32Value(),
       options = to_stack_options(info[2]), frames = to_plane_frames(info[3]),
       holes = info[4].As<Napi::Boolean>().Value() ? Holes::kNested : Holes::kKeyholes](const Task& task) {
        return organ_contours(stack_of(*masks, options), organ_voxels(*masks, organ, task), frames, holes,
                              task);
      },
      [](Napi::Env env, OrganContours&& contours) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("planes", to_typed_array(env, contours.planes));
        result.Set("points", to_typed_array(env, contours.points));
        result.Set("lengths", to_typed_array(env, contours.lengths));
        result.Set("text", to_array_buffer(env, std::move(contours.text)));
        return result;
      });
}

Napi::Value volume_handle(Napi::Env env, Volume&& volume) {
  const std::size_t bytes = volume.data.size();
  return make_handle(env, std::make_shared<Volume>(std::move(volume)), bytes);
}

// Flat (frame, value, label, image) of each part.
Napi::Value frame_labels(const Napi::CallbackInfo& info) {
  const auto array = info[0].As<Napi::TypedArray>();
  std::vector<FramePart> frames;
  std::vector<AnnotationPart> parts;
  const auto numbers = to_int32s(info[2]);
  for (std::size_t i = 0; i + 4 <= numbers.size(); i += 4) {
    frames.push_back({numbers[i], numbers[i + 1]});
    parts.push_back({numbers[i + 2], numbers[i + 3]});
  }
  return run_task(info, info[4],
                  [pixels = FramePixels{to_voxel_bytes(array).bytes, info[1].As<Napi::Number>().Int32Value()},
                   frames = std::move(frames), parts = std::move(parts), grid = to_annotated_grid(info[3])](
                      const Task& task) { return labels_of_frames(pixels, frames, parts, grid, task); },
                  volume_handle, {array});
}

// Flat (offset, length, label, image) of each contour.
Napi::Value contour_labels(const Napi::CallbackInfo& info) {
  const auto array = info[0].As<Napi::TypedArray>();
  std::vector<ContourPart> contours;
  std::vector<AnnotationPart> parts;
  const auto numbers = to_int32s(info[1]);
  for (std::size_t i = 0; i + 4 <= numbers.size(); i += 4) {
    contours.push_back({numbers[i], numbers[i + 1]});
    parts.push_back({numbers[i + 2], numbers[i + 3]});
  }
  return run_task(
      info, info[4],
      [text = to_voxel_bytes(array).bytes, contours = std::move(contours), parts = std::move(parts),
       frames = to_plane_frames(info[2]), grid = to_annotated_grid(info[3])](const Task& task) {
        return labels_of_contours({reinterpret_cast<const char*>(text.data()), text.size()}, contours, parts,
                                  frames, grid, task);
      },
      volume_handle, {array});
}

Napi::Value write_bytes(const Napi::CallbackInfo& info) {
  const auto chunks = info[1].As<Napi::Array>();
  std::vector<Napi::Object> kept;
  std::vector<std::span<const std::byte>> parts;
  for (std::uint32_t i = 0; i < chunks.Length(); ++i) {
    const auto chunk = chunks.Get(i).As<Napi::TypedArray>();
    parts.push_back(to_voxel_bytes(chunk).bytes);
    kept.push_back(chunk);
  }
  return run_task(
      info, info[2],
      [path = info[0].As<Napi::String>().Utf8Value(), parts = std::move(parts)](const Task& task) {
        AtomicFile file(path);
        for (const auto& part : parts) {
          task.check();
          file.write(part);
        }
        file.commit();
        return true;
      },
      [](Napi::Env env, bool) { return env.Undefined(); }, kept);
}

}  // namespace

void bind_dicom_masks(Napi::Env env, Napi::Object exports) {
  bind<organ_frames>(env, exports, "organFrames");
  bind<labelled_frames>(env, exports, "labelFrames");
  bind<contours_of_organ>(env, exports, "organContours");
  bind<frame_labels>(env, exports, "frameLabels");
  bind<contour_labels>(env, exports, "contourLabels");
  bind<write_bytes>(env, exports, "writeBytes");
}

}  // namespace medlsam::addon
