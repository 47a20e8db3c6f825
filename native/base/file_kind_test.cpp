#include "base/file_kind.hpp"

#include <doctest/doctest.h>

using namespace medlsam;
using namespace std::string_literals;

TEST_CASE("file kind: files are named for what they look like") {
  const auto kind = [](const std::string& start) { return file_kind(std::as_bytes(std::span(start))); };
  CHECK(kind("") == "an empty file");
  CHECK(kind("\x1f\x8b\x08") == "a file compressed with gzip");
  CHECK(kind("PK\x03\x04" + std::string(26, '\0') + "net/data.pkl") == "a PyTorch checkpoint");
  CHECK(kind("PK\x03\x04" + std::string(26, '\0') + "slices/1.dcm") == "a zip archive");
  CHECK(kind("\x80\x02}q") == "a Python pickle, such as an old PyTorch checkpoint");
  CHECK(kind("\x10\0\0\0\0\0\0\0{\"w\":"s) == "a safetensors file");
  CHECK(kind(std::string(128, '\0') + "DICM") == "a DICOM file");
  CHECK(kind("NRRD0004\ntype: short") == "an NRRD image");
  CHECK(kind("ObjectType = Image\nNDims = 3") == "a MetaImage file");
  CHECK(kind("\x89PNG\r\n\x1a\n") == "a PNG picture");
  CHECK(kind("\x5c\x01\0\0"s) == "a NIfTI volume");
  CHECK(kind("\0\0\x02\x1c"s) == "a NIfTI volume");
  CHECK(kind(" \n{\"version\": 1}") == "a JSON file");
  CHECK(kind("a.nii.gz\nb.nii.gz\n") == "a text file");
  CHECK(kind("Größe") == "a text file");
  CHECK(kind("<!DOCTYPE html><p>") == "a web page");
  CHECK(kind("version https://git-lfs.github.com/spec/v1") ==
        "a Git LFS pointer, not the file itself (run 'git lfs pull')");
  CHECK(kind("\x01\x02\x03\x04") == "");
  CHECK(kind(std::string(3, '\0')) == "");
}
