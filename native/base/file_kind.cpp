#include "base/file_kind.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string_view>

namespace medlsam {
namespace {

using std::string_view_literals::operator""sv;

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  const char* kind;
};

// The first match counts.
constexpr Signature kSignatures[] = {
    {0, "version https://git-lfs"sv, "a Git LFS pointer, not the file itself (run 'git lfs pull')"},
    {0, "\x1f\x8b"sv, "a file compressed with gzip"},
    {0, "BZh"sv, "a file compressed with bzip2"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "a file compressed with xz"},
    {0, "\x28\xb5\x2f\xfd"sv, "a file compressed with zstd"},
    {0, "\x89PNG\r\n"sv, "a PNG picture"},
    {0, "\xff\xd8\xff"sv, "a JPEG picture"},
    {0, "\x89HDF\r\n"sv, "an HDF5 file"},
    {0, "NRRD0"sv, "an NRRD image"},
    {0, "ObjectType"sv, "a MetaImage file"},
    {0, "NDims"sv, "a MetaImage file"},
    {0, "\x5c\x01\0\0"sv, "a NIfTI volume"},  // 348 and 540, the size of the header, in both byte orders
    {0, "\0\0\x01\x5c"sv, "a NIfTI volume"},
    {0, "\x1c\x02\0\0"sv, "a NIfTI volume"},
    {0, "\0\0\x02\x1c"sv, "a NIfTI volume"},
    {0, "<!DOCTYPE html"sv, "a web page"},
    {0, "<html"sv, "a web page"},
    {0, "<?xml"sv, "an XML file"},
    {0, "\x93NUMPY"sv, "a NumPy array"},
    {128, "DICM"sv, "a DICOM file"},
};

bool has_at(std::string_view text, const Signature& signature) {
  return text.size() >= signature.offset && text.substr(signature.offset).starts_with(signature.bytes);
}

bool is_safetensors(std::string_view text) {
  return text.size() > 8 && text[7] == '\0' && text[6] == '\0' && text[8] == '{';
}

bool is_text(std::string_view text) {
  return std::ranges::all_of(
      text, [](unsigned char c) { return c >= 0x20 ? c != 0x7f : c == '\n' || c == '\r' || c == '\t'; });
}

bool is_json(std::string_view text) {
  const auto first = std::ranges::find_if_not(text, [](unsigned char c) { return std::isspace(c) != 0; });
  return first != text.end() && (*first == '{' || *first == '[');
}

}  // namespace

std::string file_kind(std::span<const std::byte> start) {
  constexpr std::size_t kShown = 512;
  const auto shown = start.first(std::min(start.size(), kShown));
  const std::string_view text(reinterpret_cast<const char*>(shown.data()), shown.size());
  if (text.empty()) return "an empty file";
  for (const Signature& signature : kSignatures) {
    if (has_at(text, signature)) return signature.kind;
  }
  if (text.starts_with("PK\x03\x04"sv)) {
    return text.find(".pkl") != text.npos ? "a PyTorch checkpoint" : "a zip archive";
  }
  if (text.size() > 1 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5)
    return "a Python pickle, such as an old PyTorch checkpoint";
  if (is_safetensors(text)) return "a safetensors file";
  if (!is_text(text)) return "";
  return is_json(text) ? "a JSON file" : "a text file";
}

}  // namespace medlsam
