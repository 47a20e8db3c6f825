#include "volumes/nifti/extensions.hpp"

#include <cstring>

namespace medlsam {
namespace {

std::uint32_t read_u32(const std::vector<std::byte>& bytes, std::size_t at, bool swapped) {
  std::uint32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return swapped ? __builtin_bswap32(value) : value;
}

}  // namespace

std::string label_xml(const Volume& volume) {
  const auto& bytes = volume.nifti_extensions;
  if (volume.nifti_header.size() < 4) return {};
  const std::uint32_t header_size = read_u32(volume.nifti_header, 0, false);
  const bool swapped = header_size != 348 && header_size != 540;
  constexpr std::size_t kFlag = 4, kPrefix = 8;
  for (std::size_t at = kFlag; at + kPrefix <= bytes.size();) {
    const std::size_t size = read_u32(bytes, at, swapped);
    if (size < kPrefix || size > bytes.size() - at) return {};
    if (read_u32(bytes, at + 4, swapped) == 0) {
      std::string text(reinterpret_cast<const char*>(bytes.data()) + at + kPrefix, size - kPrefix);
      text.resize(std::strlen(text.c_str()));  // extensions are padded with zeros
      if (text.find("<LabelTable") != std::string::npos) return text;
    }
    at += size;
  }
  return {};
}

}  // namespace medlsam
