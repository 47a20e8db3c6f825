// SAM on a runtime against the conformance answers (sam/forward).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "checkpoints/checkpoint.hpp"
#include "networks/sam_model.hpp"
#include "testing/runtime_under_test.hpp"
#include "testing/test_device.hpp"

namespace medlsam {
namespace {

const std::string kFolder = CONFORMANCE_DIR "/sam/";
const SamGeometry kStated = {3, 7, {1, 3}};  // as sam_tiny.json says

const Checkpoint& answers() {
  static const Checkpoint file = open_checkpoint(kFolder + "forward.safetensors");
  return file;
}

template <class Value>
std::vector<Value> stored(const std::string& name) {
  const TensorView& tensor = answers().tensors.at(name);
  std::vector<Value> values(tensor.elements());
  REQUIRE(tensor.bytes.size() == values.size() * sizeof(Value));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

// The largest difference from the answer; the shapes must be equal.
float difference(const Tensor& found, const std::string& name) {
  CHECK(found.shape() == answers().tensors.at(name).shape);
  const auto wanted = stored<float>(name);
  REQUIRE(found.elements() == wanted.size());
  const Tensor host = found.to_host();
  const float* values = host.floats();
  float worst = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const float error = std::abs(values[i] - wanted[i]);
    worst = error <= worst ? worst : error;  // a NaN is worst of all
  }
  return worst;
}

constexpr float kTolerance = 1e-3f;

SamModel& model() {
  static SamModel loaded = [] {
    const std::string path = kFolder + "sam_tiny.pth";
    return SamModel(std::make_unique<const SamWeights>(open_checkpoint(path), path, &kStated),
                    compile_on(runtime_under_test(), {Device::parse(test_device()).first(), DType::kF32, 2}));
  }();
  return loaded;
}

Tensor embedding(int slice) {
  const Checkpoint& file = answers();
  const TensorView& tensor = file.tensors.at(std::to_string(slice) + ".embedding");
  return Tensor::on_host(reinterpret_cast<const float*>(tensor.bytes.data()), tensor.shape);
}

std::vector<SamPrompt> boxes() {
  const auto values = stored<double>("boxes_xyxy");
  std::vector<SamPrompt> prompts(values.size() / 4);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 4 == 0) prompts[i / 4].box.emplace();
    (*prompts[i / 4].box)[i % 4] = static_cast<float>(values[i]);
  }
  return prompts;
}

void check_message(const std::function<void()>& act, ErrorCode code, const std::string& part) {
  try {
    act();
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == code);
    CHECK_MESSAGE(std::string(error.what()).find(part) != std::string::npos, error.what());
  }
}

// sam_tiny with one tensor changed.
Checkpoint changed(const std::function<void(std::map<std::string, TensorView>&)>& change) {
  Checkpoint checkpoint = open_checkpoint(kFolder + "sam_tiny.pth");
  change(checkpoint.tensors);
  return checkpoint;
}

}  // namespace

TEST_CASE("SAM reads its sizes from the tensors") {
  const SamWeights& weights = model().weights();
  CHECK(weights.image_size() == 256);
  CHECK(weights.patch() == 16);
  CHECK(weights.depth() == 4);
  CHECK(weights.heads() == 3);
  CHECK(weights.channels() == 32);
  CHECK(weights.window(0) == 7);
  CHECK(weights.window(1) == 0);
  CHECK(weights.window(2) == 7);
  CHECK(weights.window(3) == 0);
}

TEST_CASE("SAM embeds slices, alone and in a batch") {
  const auto pixels = stored<std::uint8_t>("resized_u8");
  const std::vector<float> slices(pixels.begin(), pixels.end());
  const Tensor batch = model().encode(Tensor::on_host(slices.data(), {3, 1, 256, 256}), {});
  CHECK(batch.shape() == std::vector<std::int64_t>{3, 32, 16, 16});
  for (int i = 0; i < 3; ++i) {
    const std::string name = std::to_string(i) + ".embedding";
    CHECK(difference(batch.slice(i, i + 1), name) < kTolerance);
    const Tensor alone = model().encode(Tensor::on_host(slices.data() + i * 256 * 256, {1, 1, 256, 256}), {});
    CHECK(difference(alone, name) < kTolerance);
  }
}

TEST_CASE("SAM masks every box of a slice in one batch") {
  for (int i = 0; i < 3; ++i) {
    const std::string slice = std::to_string(i);
    const SamMasks one = model().decode(embedding(i), boxes(), nullptr, false, {});
    CHECK(difference(one.logits, slice + ".logits") < kTolerance);
    CHECK(difference(one.ious, slice + ".iou") < kTolerance);
    const SamMasks several = model().decode(embedding(i), boxes(), nullptr, true, {});
    if (i == 0) CHECK(difference(several.logits, slice + ".logits_multimask") < kTolerance);
    CHECK(difference(several.ious, slice + ".iou_multimask") < kTolerance);
  }
}

TEST_CASE("SAM is prompted by points and by masks") {
  const auto xy = stored<float>("points.xy");
  const auto labels = stored<std::int32_t>("points.label");
  SamPrompt points;
  for (std::size_t i = 0; i < labels.size(); ++i)
    points.points.push_back({xy[2 * i], xy[2 * i + 1], labels[i] == 1});
  const SamMasks by_points = model().decode(embedding(0), {points}, nullptr, true, {});
  CHECK(difference(by_points.logits, "points.logits") < kTolerance);
  CHECK(difference(by_points.ious, "points.iou") < kTolerance);

  const auto mask = stored<float>("mask_prompt.input");
  const Tensor given = Tensor::on_host(mask.data(), {1, 1, 64, 64});
  const SamMasks by_mask = model().decode(embedding(0), {boxes().front()}, &given, false, {});
  CHECK(difference(by_mask.logits, "mask_prompt.logits") < kTolerance);
}

TEST_CASE("a mask prompt of its own for each box of a batch") {
  const auto mask = stored<float>("mask_prompt.input");
  std::vector<float> twice(2 * mask.size(), -3.0f);
  std::copy(mask.begin(), mask.end(), twice.begin() + static_cast<std::ptrdiff_t>(mask.size()));
  const Tensor given = Tensor::on_host(twice.data(), {2, 1, 64, 64});
  const SamMasks masks = model().decode(embedding(0), {boxes().back(), boxes().front()}, &given, false, {});
  CHECK(difference(masks.logits.slice(1, 2), "mask_prompt.logits") < kTolerance);
}

TEST_CASE("several threads share one SAM") {
  std::vector<float> worst(4);
  SamModel& shared = model();
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < worst.size(); ++i) {
      threads.emplace_back([&worst, &shared, i] {
        const int slice = static_cast<int>(i % 3);
        const SamMasks masks = shared.decode(embedding(slice), boxes(), nullptr, false, {});
        worst[i] = difference(masks.logits, std::to_string(slice) + ".logits");
      });
    }
  }
  for (const float error : worst) CHECK(error < kTolerance);
}

TEST_CASE("more boxes than run at once are masked in their order") {
  const std::vector<SamPrompt> some = boxes();
  std::vector<SamPrompt> many;
  for (std::size_t i = 0; i < 18; ++i) many.push_back(some[i % some.size()]);
  const SamMasks masks = model().decode(embedding(1), many, nullptr, false, {});
  CHECK(masks.ious.shape() == std::vector<std::int64_t>{18, 1});
  for (int first = 0; first < 16; first += 4) {
    CHECK(difference(masks.logits.slice(first, first + 4), "1.logits") < kTolerance);
    CHECK(difference(masks.ious.slice(first, first + 4), "1.iou") < kTolerance);
  }
}

TEST_CASE("SAM stops when cancelled") {
  Task task;
  task.cancelled = std::make_shared<Cancellation>(true);
  check_message([&] { (void)model().decode(embedding(0), boxes(), nullptr, false, task); },
                ErrorCode::kAborted, "aborted");
}

TEST_CASE("SAM refuses prompts and arrays that do not fit") {
  SamPrompt point;
  point.points.push_back({1, 2, true});
  check_message([&] { (void)model().decode(embedding(0), {}, nullptr, false, {}); }, ErrorCode::kBadArgument,
                "no prompt");
  check_message([&] { (void)model().decode(embedding(0), {SamPrompt{}}, nullptr, false, {}); },
                ErrorCode::kBadArgument, "a box or at least one point");
  SamPrompt three = point;
  three.points.resize(3, {3, 4, false});
  check_message(
      [&] {
        (void)model().decode(embedding(0), {point, three}, nullptr, false, {});
      },
      ErrorCode::kBadArgument, "same number of points");
  const std::vector<float> small(64 * 64);
  check_message(
      [&] {
        (void)model().encode(Tensor::on_host(small.data(), {1, 1, 64, 64}), {});
      },
      ErrorCode::kBadArgument, "wanted [1, 1, 256, 256]");
}

TEST_CASE("SAM refuses checkpoints that are not SAM's") {
  const std::string medlam = CONFORMANCE_DIR "/medlam/medlam.pth";
  check_message([&] { SamWeights(open_checkpoint(medlam), medlam); }, ErrorCode::kBadCheckpoint,
                "looks like a MedLAM checkpoint");
  const auto refused = [](const std::string& name, const std::function<void(TensorView&)>& change,
                          const std::string& part) {
    check_message([&] { SamWeights(changed([&](auto& tensors) { change(tensors.at(name)); }), "x.pth"); },
                  ErrorCode::kBadCheckpoint, part);
  };
  refused(
      "image_encoder.blocks.2.mlp.lin2.bias", [](TensorView& tensor) { tensor.shape = {47}; },
      "'image_encoder.blocks.2.mlp.lin2.bias' has shape [47], wanted [48]");
  refused(
      "image_encoder.blocks.1.attn.rel_pos_h",
      [](TensorView& tensor) {
        tensor.shape = {30, 16};
      },
      "'image_encoder.blocks.1.attn.rel_pos_h' has shape [30, 16]");
  refused(
      "mask_decoder.mask_tokens.weight", [](TensorView& tensor) { tensor.dtype = DType::kI32; },
      "'mask_decoder.mask_tokens.weight' holds I32");
  check_message(
      [] {
        SamWeights(changed([](auto& tensors) { tensors.erase("prompt_encoder.no_mask_embed.weight"); }),
                   "x.pth");
      },
      ErrorCode::kBadCheckpoint, "'prompt_encoder.no_mask_embed.weight' is missing");
}

TEST_CASE("SAM's metadata say where masks are sampled") {
  const auto stating = [](const std::string& sampling) {
    Checkpoint checkpoint = changed([](auto&) {});
    if (!sampling.empty()) checkpoint.metadata[kMaskSampling] = sampling;
    return checkpoint;
  };
  const SamWeights published(stating(""), "x.pth"), centers(stating("centers"), "x.pth");
  CHECK(published.mask_sampling() == MaskSampling::kCorners);
  CHECK(centers.mask_sampling() == MaskSampling::kCenters);
  CHECK(centers.digest() != published.digest());
  check_message([&] { SamWeights(stating("edges"), "x.pth"); }, ErrorCode::kBadCheckpoint,
                R"("mask_sampling": "edges"; all that is known is "centers")");
}

TEST_CASE("SAM's tensors are found under one prefix of any name") {
  const auto beneath = [](const std::vector<std::string>& prefixes) {
    return changed([&](auto& tensors) {
      for (const auto& [name, view] : std::exchange(tensors, {}))
        for (const std::string& prefix : prefixes) tensors.emplace(prefix + name, view);
    });
  };
  const std::string digest = SamWeights(beneath({""}), "x.pth").digest();
  for (const char* prefix : {"sam.", "net.", "model.encoder."})
    CHECK(SamWeights(beneath({prefix}), "x.pth").digest() == digest);
  check_message(
      [&] {
        SamWeights(beneath({"student.", "teacher."}), "x.pth");
      },
      ErrorCode::kBadCheckpoint,
      "more than one network, 'student' and 'teacher' among them. Save one of them alone.");
}

TEST_CASE("a JSON that contradicts SAM's tensors is refused") {
  const auto refused = [](const SamGeometry& stated, const std::string& part) {
    const std::string path = kFolder + "sam_tiny.pth";
    check_message([&] { SamWeights(open_checkpoint(path), path, &stated); }, ErrorCode::kBadCheckpoint, part);
  };
  refused({4, 7, {1, 3}}, "says heads 4, its tensors 3");
  refused({3, 14, {1, 3}}, "the window of block 0 is 14, its tensors 7");
  refused({3, 7, {1}}, "the window of block 3 is 7, its tensors 16");
  refused({3, 7, {1, 3, 9}}, "that there is a block 9, its tensors 4");
}

TEST_CASE("SAM stored as float16 is SAM") {
  std::vector<std::vector<std::uint16_t>> halves;
  const Checkpoint checkpoint = changed([&](auto& tensors) {
    for (auto& [name, tensor] : tensors) {
      auto& half = halves.emplace_back(tensor.elements());
      std::vector<float> values(tensor.elements());
      to_float32(tensor, values);
      std::transform(values.begin(), values.end(), half.begin(), float_to_half);
      tensor.dtype = DType::kF16;
      tensor.bytes = std::as_bytes(std::span(half));
    }
  });
  const SamWeights weights(checkpoint, "half.pth");
  const float* found = weights.values("image_encoder.blocks.0.attn.qkv.weight");
  const float* wanted = model().weights().values("image_encoder.blocks.0.attn.qkv.weight");
  for (int i = 0; i < 144 * 48; ++i)
    CHECK(std::abs(found[i] - wanted[i]) <= 1e-3f * std::abs(wanted[i]) + 1e-7f);
}

}  // namespace medlsam
