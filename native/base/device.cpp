#include "base/device.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"

namespace medlsam {
namespace {

constexpr std::size_t kMostDigits = 3;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

Device Device::parse(std::string_view text) {
  if (text == "cpu") return {};
  for (const std::string_view name : {"cuda", "gpu"}) {
    if (!text.starts_with(name)) continue;
    const std::string_view rest = text.substr(name.size());
    if (rest.empty()) return {DeviceKind::kCuda, kAnyGpu};
    const std::string_view digits = rest.substr(1);
    if (rest[0] != ':' || digits.empty() || digits.size() > kMostDigits ||
        !std::ranges::all_of(digits, is_digit))
      break;
    return {DeviceKind::kCuda, std::stoi(std::string(digits))};
  }
  throw Error(ErrorCode::kBadArgument,
              "The device must be auto, cpu, cuda or cuda:N, not " + json_string(text) + '.');
}

std::string Device::text() const {
  if (is_cpu()) return "cpu";
  return index == kAnyGpu ? "cuda" : "cuda:" + std::to_string(index);
}

}  // namespace medlsam
