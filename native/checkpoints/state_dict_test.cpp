#include "checkpoints/state_dict.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "checkpoints/torch_file.hpp"
#include "testing/checkpoint_bytes.hpp"

using namespace medlsam;
using namespace medlsam::test;
using doctest::Contains;

namespace {

const std::string kMedlam = CONFORMANCE_DIR "/medlam/";
const std::string kSix = storage("FloatStorage", "0", 6);

Checkpoint parse_archive(const std::string& body, const Files& storages) {
  static std::string kept;
  kept = torch_zip(body, storages);
  return parse_torch(bytes_of(kept), "test");
}

}  // namespace

TEST_CASE("torch: names lose module. only when all have it") {
  const std::string t = tensor(kSix, 0, {6}, {1});
  const Files six = {{"0", std::string(24, '\1')}};
  CHECK(parse_archive(dict(text("module.a") + t + text("module.b") + t), six).tensors.contains("a"));
  CHECK(parse_archive(dict(text("module.a") + t + text("b") + t), six).tensors.contains("module.a"));
  for (const char* key : {"model", "state_dict", "model_state_dict"}) {
    CHECK(parse_archive(dict(text(key) + dict(text("w") + t)), six).tensors.contains("w"));
  }
}

TEST_CASE("torch: an optimizer's state that does not fit is refused, one that is not Adam's passed over") {
  const std::string t = tensor(kSix, 0, {6}, {1});
  const Files six = {{"0", std::string(24, '\1')}};
  const auto archive = [&](const std::string& mean, const std::string& ids) {
    const std::string state = dict(text("step") + "K\5" + text("exp_avg") + mean + text("exp_avg_sq") + t);
    const std::string groups = "](" + dict(text("params") + "](" + ids + "e") + "e";
    return dict(text("state_dict") + dict(text("module.w") + t) + text("optimizer") +
                dict(text("state") + dict("K\7" + state) + text("param_groups") + groups));
  };
  const Checkpoint adam = parse_archive(archive(t, "K\7"), six);
  CHECK(adam.adam.at("w").steps == 5);
  CHECK(adam.adam.at("w").mean.elements() == 6);
  // The state of another parameter; of more parameters than the model has; of momentum alone.
  CHECK(parse_archive(archive(t, "K\6"), six).adam.empty());
  CHECK(parse_archive(archive(t, "K\7K\6"), six).adam.empty());
  CHECK(parse_archive(archive("N", "K\7"), six).adam.empty());
  const auto check_refused = [&](const std::string& body, const char* message) {
    CHECK_THROWS_WITH_AS(parse_archive(body, six), Contains(message), Error);
  };
  check_refused(archive(tensor(kSix, 0, {2, 3}, {3, 1}), "K\7"), "Adam's state of the tensor");
  check_refused(archive(tensor(kSix, 1, {6}, {1}), "K\7"), "leaves its storage");
}

TEST_CASE("torch: Adam's state is its parameters'") {
  const Checkpoint training = open_checkpoint(kMedlam + "medlam_training.tar");
  CHECK(training.adam.size() == 42);
  for (const auto& [name, state] : training.adam) {
    CHECK(state.steps == 1);
    CHECK(state.mean.shape == training.tensors.at(name).shape);
    CHECK(state.variance.shape == training.tensors.at(name).shape);
  }
  CHECK(open_checkpoint(kMedlam + "medlam.pth").adam.empty());
}

TEST_CASE("checkpoints: a network under any one prefix is found, Adam's state with it") {
  const Checkpoint whole = open_checkpoint(kMedlam + "medlam_training.tar");
  const std::string known = "fc1.weight";
  const auto beneath = [&](const std::vector<std::string>& prefixes) {
    Checkpoint moved;
    for (const std::string& prefix : prefixes) {
      for (const auto& [name, view] : whole.tensors) moved.tensors.emplace(prefix + name, view);
      for (const auto& [name, state] : whole.adam) moved.adam.emplace(prefix + name, state);
    }
    moved.tensors.emplace("criterion.weight", whole.tensors.at(known));
    return moved;
  };
  const auto names = [](const auto& map) {
    std::vector<std::string> all;
    for (const auto& [name, value] : map) all.push_back(name);
    return all;
  };
  for (const std::string prefix : {"net.", "sam.", "model.part.1."}) {
    Checkpoint moved = beneath({prefix});
    CHECK(prefixes_of(moved, known) == std::vector{prefix.substr(0, prefix.size() - 1)});
    strip_prefix(moved, known);
    CHECK(names(moved.tensors) == names(whole.tensors));
    CHECK(names(moved.adam) == names(whole.adam));
    CHECK(moved.tensors.at(known).bytes.data() == whole.tensors.at(known).bytes.data());
  }
  // Left as it is: two of them; one without a prefix and one with; none; a name that only ends alike.
  for (const std::vector<std::string>& prefixes :
       {std::vector<std::string>{"a.", "b."}, {"", "b."}, {}, {"x"}}) {
    Checkpoint moved = beneath(prefixes);
    const std::vector<std::string> before = names(moved.tensors);
    strip_prefix(moved, known);
    CHECK(names(moved.tensors) == before);
  }
}
