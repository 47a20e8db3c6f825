#include "cuda/plugin/shared_volumes.hpp"

#include <doctest/doctest.h>

namespace medlsam::cuda {
namespace {

std::shared_ptr<const LoadedVolume> volume_on(int device) {
  auto volume = std::make_shared<LoadedVolume>();
  volume->device = device;
  return volume;
}

TEST_CASE("shared volumes are found until they are removed or give way") {
  SharedVolumes volumes;
  void* const here = volumes.add(volume_on(0));
  void* const used = volumes.add(volume_on(0));
  void* const elsewhere = volumes.add(volume_on(1));
  const auto by_session = volumes.find(used);
  CHECK(by_session != nullptr);
  // A volume that a session uses stays, and so does another GPU's.
  CHECK(volumes.give_way(0));
  CHECK(!volumes.give_way(0));
  CHECK(volumes.find(here) == nullptr);
  CHECK(volumes.find(used) == by_session);
  CHECK(volumes.find(elsewhere) != nullptr);
  volumes.remove(elsewhere);
  volumes.remove(here);
  CHECK(volumes.find(elsewhere) == nullptr);
  CHECK(!volumes.give_way(1));
}

}  // namespace
}  // namespace medlsam::cuda
