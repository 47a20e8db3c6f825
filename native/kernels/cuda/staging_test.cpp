// On the host queued copies are done as late as a GPU may do them (memory_host.cpp), so that a buffer that is
// used again too early shows.
#include "kernels/cuda/staging.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

namespace medlsam::cuda {
namespace {

std::vector<std::uint32_t> count_up(std::size_t bytes, std::uint32_t first) {
  std::vector<std::uint32_t> values(bytes / sizeof(std::uint32_t));
  std::iota(values.begin(), values.end(), first);
  return values;
}

TEST_CASE("copies of any length arrive, whether they are staged or not") {
  Staging staging;
  for (const std::size_t bytes : {std::size_t{4}, Staging::kSmall - 4, Staging::kSmall, Staging::kBufferBytes,
                                  Staging::kBufferBytes + 4, 5 * Staging::kBufferBytes - 64}) {
    const auto sent = count_up(bytes, 7);
    DeviceArray<std::uint32_t> device;
    staging.upload(device.at_least(sent.size()), sent.data(), bytes, nullptr);
    std::vector<std::uint32_t> received(sent.size());
    staging.download(received.data(), device.data(), bytes, nullptr);
    CHECK(received == sent);
  }
}

TEST_CASE("what was sent may be changed at once, and the next copy does not disturb the one before") {
  Staging staging;
  constexpr std::size_t kBytes = 3 * Staging::kBufferBytes;
  auto values = count_up(kBytes, 0);
  DeviceArray<std::uint32_t> first, second;
  staging.upload(first.at_least(values.size()), values.data(), kBytes, nullptr);
  std::fill(values.begin(), values.end(), 0U);
  staging.upload(second.at_least(values.size()), values.data(), kBytes, nullptr);
  synchronize(nullptr);
  CHECK(download(first.data(), values.size(), nullptr) == count_up(kBytes, 0));
  CHECK(download(second.data(), values.size(), nullptr) == values);
}

TEST_CASE("copies that are under way when the buffers go are finished") {
  const auto sent = count_up(Staging::kBufferBytes, 3);
  DeviceArray<std::uint32_t> device;
  {
    Staging staging;
    staging.upload(device.at_least(sent.size()), sent.data(), Staging::kBufferBytes, nullptr);
  }
  CHECK(download(device.data(), sent.size(), nullptr) == sent);
}

}  // namespace
}  // namespace medlsam::cuda
