#include "addon/arguments.hpp"
#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/task_runner.hpp"
#include "base/atomic_file.hpp"
#include "preview/preview.hpp"
#include "segmentation/masks/assemble.hpp"
#include "segmentation/masks/components.hpp"
#include "segmentation/slices/layout.hpp"
#include "volumes/nifti/nifti.hpp"

namespace medlsam::addon {
namespace {

Napi::Value create_masks(const Napi::CallbackInfo& info) {
  const auto volume = open_handle<Volume>(info[0]);
  return make_handle(info.Env(), std::make_shared<ScanMasks>(volume->affine, volume->shape,
                                                             info[1].As<Napi::Number>().Uint32Value()));
}

Napi::Value masks_of_labels(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [labels = open_handle<Volume>(info[0]), values = to_int32s(info[1])](const Task& task) {
        auto masks = std::make_shared<ScanMasks>(labels->affine, labels->shape, values.size());
        for (std::size_t i = 0; i < values.size(); ++i)
          masks->organs[i] = mask_of_label(*labels, masks->layout, values[i], task);
        return masks;
      },
      [](Napi::Env env, std::shared_ptr<ScanMasks>&& masks) { return make_handle(env, std::move(masks)); });
}

Napi::Value set_mask(const Napi::CallbackInfo& info) {
  const auto probabilities = expect_typed_array(info[4], DType::kF32).As<Napi::Float32Array>();
  return run_task(
      info, info[5],
      [masks = open_handle<ScanMasks>(info[0]), organ = info[1].As<Napi::Number>().Uint32Value(),
       box = VoxelBox{to_index3(info[2]), to_index3(info[3])}, data = probabilities.Data(),
       count = probabilities.ElementLength()](const Task&) {
        medlsam::set_mask(*masks, organ, box, {data, count});
        return true;
      },
      [](Napi::Env env, bool) { return env.Undefined(); }, {probabilities});
}

Napi::Value filter_mask(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[4],
      [masks = open_handle<ScanMasks>(info[0]), organ = info[1].As<Napi::Number>().Uint32Value(),
       filter =
           ComponentFilter{info[2].As<Napi::Boolean>().Value(),
                           static_cast<std::size_t>(info[3].As<Napi::Number>().Int64Value())}](const Task&) {
        filter_components(masks->organs.at(organ), filter);
        return true;
      },
      [](Napi::Env env, bool) { return env.Undefined(); });
}

Napi::Value mask_statistics(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[3],
      [masks = open_handle<ScanMasks>(info[0]), organ = info[1].As<Napi::Number>().Uint32Value(),
       volume = open_handle<Volume>(info[2])](const Task& task) {
        return medlsam::mask_statistics(*masks, organ, *volume, task);
      },
      [](Napi::Env env, MaskStatistics&& statistics) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("voxels", static_cast<double>(statistics.voxels));
        result.Set("mean", statistics.mean);
        return result;
      });
}

Napi::Value labelled_pixels(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [volume = open_handle<Volume>(info[0]), labels = to_int32s(info[1])](const Task& task) {
        return medlsam::labelled_pixels(*volume, slice_layout(volume->affine, volume->shape), labels, task);
      },
      [](Napi::Env env, std::vector<std::int64_t>&& counts) -> Napi::Value {
        return to_typed_array(env, std::vector<double>(counts.begin(), counts.end()));
      });
}

// organs[i] becomes labels[i].
struct Labels {
  std::vector<std::int32_t> organs, labels;

  bool wide() const {
    return std::any_of(labels.begin(), labels.end(), [](std::int32_t label) { return label > 255; });
  }
};

template <class Label>
std::vector<std::byte> assembled(const ScanMasks& masks, const Labels& labels, const Task& task) {
  std::vector<LabelledMask> chosen;
  for (std::size_t i = 0; i < labels.organs.size(); ++i) {
    chosen.push_back({&masks.organs.at(labels.organs[i]), static_cast<std::uint16_t>(labels.labels.at(i))});
  }
  const SliceLayout& layout = masks.layout;
  std::vector<std::byte> bytes(static_cast<std::size_t>(layout.count * layout.pixels()) * sizeof(Label));
  assemble<Label>(chosen, layout, {reinterpret_cast<Label*>(bytes.data()), bytes.size() / sizeof(Label)},
                  task);
  return bytes;
}

std::vector<std::byte> assembled(const ScanMasks& masks, const Labels& labels, bool wide, const Task& task) {
  return wide ? assembled<std::uint16_t>(masks, labels, task) : assembled<std::uint8_t>(masks, labels, task);
}

Napi::Value mask_values(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[4],
      [masks = open_handle<ScanMasks>(info[0]), labels = Labels{to_int32s(info[1]), to_int32s(info[2])},
       wide = info[3].As<Napi::Boolean>().Value()](const Task& task) {
        return assembled(*masks, labels, wide, task);
      },
      [](Napi::Env env, std::vector<std::byte>&& bytes) { return to_array_buffer(env, std::move(bytes)); });
}

// The organ's binary volume as a volume of its own.
Napi::Value mask_volume(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[3],
      [masks = open_handle<ScanMasks>(info[0]), organ = info[1].As<Napi::Number>().Int32Value(),
       geometry = open_handle<Volume>(info[2])](const Task& task) {
        auto volume = std::make_shared<Volume>();
        volume->shape = masks->shape;
        volume->dtype = DType::kU8;
        volume->affine = geometry->affine;
        volume->data = assembled(*masks, {{organ}, {1}}, false, task);
        return volume;
      },
      [](Napi::Env env, std::shared_ptr<Volume>&& volume) {
        const std::size_t bytes = volume->data.size();
        return make_handle(env, std::move(volume), bytes);
      });
}

Napi::Value write_masks(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[7],
      [masks = open_handle<ScanMasks>(info[0]), labels = Labels{to_int32s(info[1]), to_int32s(info[2])},
       path = info[3].As<Napi::String>().Utf8Value(), geometry = open_handle<Volume>(info[4]),
       xml = info[5].As<Napi::String>().Utf8Value(),
       description = info[6].As<Napi::String>().Utf8Value()](const Task& task) {
        const bool wide = labels.wide();
        const auto bytes = assembled(*masks, labels, wide, task);
        NiftiOutput output;
        output.shape = masks->shape;
        output.dtype = wide ? DType::kU16 : DType::kU8;
        output.data = bytes;
        output.label_xml = xml;
        if (!description.empty()) output.description = description;
        write_nifti(path, *geometry, output, task);
        return true;
      },
      [](Napi::Env env, bool) { return env.Undefined(); });
}

// An organ of the masks with its boxes and color, and the label map's organ with a color of its own.
struct Preview {
  std::vector<std::uint32_t> masks;
  std::vector<PreviewOrgan> organs;
};

Preview to_preview(const Napi::Array& array) {
  Preview preview;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const auto object = array.Get(i).As<Napi::Object>();
    PreviewOrgan organ;
    organ.boxes = to_boxes(object.Get("boxes"));
    const auto color = to_vector(expect_typed_array(object.Get("color"), DType::kU8).As<Napi::Uint8Array>());
    organ.color = {color.at(0), color.at(1), color.at(2)};
    organ.name = object.Get("name").As<Napi::String>().Utf8Value();
    preview.masks.push_back(object.Get("organ").As<Napi::Number>().Uint32Value());
    preview.organs.push_back(std::move(organ));
  }
  return preview;
}

// {labels, label} or null: a truth, drawn white over the organs.
struct Truth {
  std::shared_ptr<Volume> labels;
  std::int64_t label = 0;
};

Truth to_truth(const Napi::Value& value) {
  if (!value.IsObject()) return {};
  const auto object = value.As<Napi::Object>();
  return {open_handle<Volume>(object.Get("labels")), object.Get("label").As<Napi::Number>().Int64Value()};
}

// Numbers of planes, 0 axial, 1 coronal, 2 sagittal.
std::vector<PreviewPlane> to_planes(const Napi::Value& value) {
  std::vector<PreviewPlane> planes;
  for (const std::int32_t number : to_vector(expect_typed_array(value, DType::kI32).As<Napi::Int32Array>())) {
    planes.push_back(kPreviewPlanes.at(static_cast<std::size_t>(number)));
  }
  return planes;
}

Napi::Value write_preview(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[7],
      [masks = open_handle<ScanMasks>(info[0]), volume = open_handle<Volume>(info[1]),
       preview = to_preview(info[2].As<Napi::Array>()), truth = to_truth(info[3]),
       planes = to_planes(info[4]), path = info[5].As<Napi::String>().Utf8Value(),
       description = info[6].As<Napi::String>().Utf8Value()](const Task& task) {
        auto shown = preview.organs;
        for (std::size_t i = 0; i < shown.size(); ++i) shown[i].mask = &masks->organs.at(preview.masks[i]);
        OrganMask drawn(masks->layout);
        if (truth.labels) {
          drawn = mask_of_label(*truth.labels, masks->layout, truth.label, task);
          shown.push_back({&drawn, {}, {255, 255, 255}, "truth"});
        }
        const auto png = render_preview(*volume, shown, task, description, planes);
        AtomicFile file(path);
        file.write(png);
        file.commit();
        return true;
      },
      [](Napi::Env env, bool) { return env.Undefined(); });
}

}  // namespace

void bind_masks(Napi::Env env, Napi::Object exports) {
  bind<create_masks>(env, exports, "createMasks");
  bind<masks_of_labels>(env, exports, "masksOfLabels");
  bind<set_mask>(env, exports, "setMask");
  bind<filter_mask>(env, exports, "filterMask");
  bind<mask_statistics>(env, exports, "maskStatistics");
  bind<labelled_pixels>(env, exports, "labelledPixels");
  bind<mask_volume>(env, exports, "maskVolume");
  bind<mask_values>(env, exports, "maskValues");
  bind<write_masks>(env, exports, "writeMasks");
  bind<write_preview>(env, exports, "writePreview");
}

}  // namespace medlsam::addon
