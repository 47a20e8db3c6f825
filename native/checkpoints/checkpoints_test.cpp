#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "checkpoints/bytes.hpp"
#include "checkpoints/checkpoint.hpp"
#include "checkpoints/safetensors.hpp"
#include "checkpoints/torch_file.hpp"
#include "checkpoints/torch_write.hpp"
#include "checkpoints/zip.hpp"
#include "testing/checkpoint_bytes.hpp"
#include "testing/nifti_bytes.hpp"

using namespace medlsam;
using namespace medlsam::test;
using doctest::Contains;
using namespace std::string_literals;

namespace {

const std::string kMedlam = CONFORMANCE_DIR "/medlam/";

std::vector<float> floats_of(const TensorView& tensor) {
  std::vector<float> values(tensor.elements());
  to_float32(tensor, values);
  return values;
}

std::string safetensors(const std::string& header, const std::string& data) {
  return raw<std::uint64_t>(header.size()) + header + data;
}

Checkpoint parse_header(const std::string& header, const std::string& data = "12345678") {
  static std::string kept;
  kept = safetensors(header, data);
  return parse_safetensors(bytes_of(kept), "test");
}

}  // namespace

TEST_CASE("checkpoints: every form of the same network holds the same tensors") {
  const Checkpoint zip = open_checkpoint(kMedlam + "medlam.pth");
  CHECK(zip.format == "pytorch zip");
  CHECK(zip.tensors.size() == 44);
  CHECK(shape_text(zip.tensors.at("conv0_1.model.conv1_1.Conv.weight").shape) == "[4, 1, 3, 3, 3]");

  const Checkpoint legacy = open_checkpoint(kMedlam + "medlam_legacy.pth");
  const Checkpoint training = open_checkpoint(kMedlam + "medlam_training.tar");
  const Checkpoint half = open_checkpoint(kMedlam + "medlam_fp16.pth");
  CHECK(legacy.format == "pytorch legacy");
  CHECK(training.metadata == std::map<std::string, std::string>{{"best_loss", "12.5"}, {"epoch", "3"}});
  for (const Checkpoint* other : {&legacy, &training, &half}) {
    REQUIRE(other->tensors.size() == zip.tensors.size());
    for (const auto& [name, tensor] : zip.tensors) {
      const TensorView& same = other->tensors.at(name);
      REQUIRE(same.shape == tensor.shape);
      std::vector<float> expected = floats_of(tensor);
      if (other == &half) {
        REQUIRE(same.dtype == DType::kF16);
        for (float& value : expected) value = half_to_float(float_to_half(value));
      }
      REQUIRE(floats_of(same) == expected);
    }
  }
}

TEST_CASE("checkpoints: a truncated file is refused at every length") {
  for (const char* name : {"medlam.pth", "medlam_legacy.pth"}) {
    const auto file = MappedFile::open(kMedlam + name);
    for (std::size_t length = 2; length < file->bytes().size(); length += length < 7000 ? 61 : 4999) {
      CHECK_THROWS_AS(parse_torch(file->bytes().first(length), name), Error);
    }
  }
}

TEST_CASE("checkpoints: what is not one is named") {
  const TemporaryFolder folder;
  const auto check = [&](const std::string& content, const char* message) {
    CAPTURE(message);
    save(folder / "file", bytes_of(content));
    CHECK_THROWS_WITH_AS(open_checkpoint(folder / "file"), Contains(message), Error);
  };
  check("", "is empty");
  check("\x1f\x8b\x08", "looks like a file compressed with gzip");
  check("\x89PNG\r\n\x1a\n", "looks like a PNG picture");
  check("{\"a\": 1}", "looks like a JSON file");
  check("version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer");
  check("<!DOCTYPE html>\n<title>404</title>", "looks like a web page");
  check("\x08\x07\x12\x07pytorch\x1a\x05", "is not a PyTorch or safetensors checkpoint");
  check(torch_zip(dict(""), {}).substr(0, 100), "truncated or damaged, download it again");
  check(make_zip({{"a.txt", "hello"}}).bytes, "holds no data.pkl");
  check(make_zip({{"a/data.pkl", "x"}, {"b/data.pkl", "x"}}).bytes, "more than one data.pkl");
  check(make_zip({{"a/data.pkl", "x"}, {"a/byteorder", "big"}}).bytes, "big-endian");
  check(pickle(dict("")), "not one that torch.save wrote");
  CHECK_THROWS_WITH_AS(open_checkpoint(folder / ""), Contains("is a folder"), Error);
  CHECK_THROWS_WITH_AS(open_checkpoint(folder / "none"), Contains("no such file"), Error);
  CHECK_THROWS_WITH_AS(open_checkpoint("/dev/null"), Contains("not a regular file"), Error);
}

TEST_CASE("zip: short and zip64 directories") {
  for (const bool zip64 : {false, true}) {
    const Zip zip = make_zip({{"a", "hello"}, {"folder/b", ""}}, zip64);
    const ZipEntries entries = read_zip(bytes_of(zip.bytes), "test");
    CHECK(entries.size() == 2);
    CHECK(std::string(reinterpret_cast<const char*>(entries.at("a").data()), 5) == "hello");
    CHECK(entries.at("folder/b").empty());
  }
}

TEST_CASE("zip: a directory that lies is refused") {
  const auto check = [](Zip zip, bool zip64, auto&& damage, const char* message) {
    CAPTURE(message);
    CAPTURE(zip64);
    damage(zip);
    CHECK_THROWS_WITH_AS(read_zip(bytes_of(zip.bytes), "test"), Contains(message), Error);
  };
  const Zip plain = make_zip({{"a", "hello"}, {"b", "world"}}),
            large = make_zip({{"a", "hello"}, {"b", "x"}}, true);
  // Offsets are those of APPNOTE's records; `extra` is the zip64 field of entry "a".
  const std::size_t a = plain.central[0], b = plain.central[1], extra = large.central[0] + 46 + 1 + 4;
  constexpr std::uint64_t kHuge = ~std::uint64_t{0} - 8;
  check(
      plain, false, [&](Zip& z) { overwrite<std::uint16_t>(z.bytes, a + 10, 8); }, "\"a\" is compressed");
  check(
      plain, false, [&](Zip& z) { overwrite<std::uint16_t>(z.bytes, a + 8, 1); }, "encrypted");
  check(
      plain, false, [&](Zip& z) { overwrite<std::uint32_t>(z.bytes, a + 24, 6); }, "two different sizes");
  check(
      plain, false, [&](Zip& z) { overwrite<std::uint32_t>(z.bytes, a + 42, 1); }, "has no header");
  check(
      plain, false, [&](Zip& z) { overwrite<std::uint32_t>(z.bytes, a + 42, 0xfffffff0); }, "has no header");
  check(
      plain, false, [&](Zip& z) { overwrite<std::uint32_t>(z.bytes, b + 42, 0); }, "another name");
  check(
      plain, false, [&](Zip& z) { overwrite<std::uint16_t>(z.bytes, b + 28, 60000); }, "cut off");
  check(
      plain, false, [&](Zip& z) { z.bytes[b + 46] = 'a', z.bytes[36 + 30] = 'a'; }, "appears twice");
  check(
      plain, false, [&](Zip& z) { overwrite<std::uint16_t>(z.bytes, z.end + 10, 3); }, "fewer entries");
  check(
      plain, false, [&](Zip& z) { overwrite<std::uint32_t>(z.bytes, z.end + 16, 0x7fffffff); },
      "outside the file");
  check(
      plain, false, [&](Zip& z) { overwrite<std::uint32_t>(z.bytes, z.end + 12, 0x7fffffff); },
      "outside the file");
  check(
      plain, false, [&](Zip& z) { z.bytes += "tail"; }, "end record is missing");
  const auto resize_a = [&](Zip& z, std::uint32_t size) {
    overwrite(z.bytes, a + 20, size);
    overwrite(z.bytes, a + 24, size);
  };
  check(
      plain, false, [&](Zip& z) { resize_a(z, 6); }, "overlap");
  check(
      plain, false, [&](Zip& z) { resize_a(z, 1000); }, "beyond the data");

  check(
      large, true, [&](Zip& z) { overwrite(z.bytes, extra + 16, kHuge); }, "has no header");
  check(
      large, true, [&](Zip& z) { overwrite(z.bytes, extra - 2, std::uint16_t{16}); }, "zip64 field");
  check(
      large, true, [&](Zip& z) { overwrite(z.bytes, extra - 2, std::uint16_t{999}); }, "extra field");
  check(
      large, true, [&](Zip& z) { overwrite(z.bytes, z.end - 12, kHuge); }, "zip64 end record");
  check(
      large, true, [&](Zip& z) { overwrite(z.bytes, z.end - 20 - 8, kHuge); }, "outside the file");
  check(
      large, true, [&](Zip& z) { overwrite(z.bytes, z.end - 20 - 16, kHuge); }, "outside the file");
  check(
      large, true, [&](Zip& z) { overwrite(z.bytes, z.end - 20 - 24, kHuge); },
      "more than a checkpoint needs");
  check(
      large, true, [&](Zip& z) { overwrite(z.bytes, extra, kHuge), overwrite(z.bytes, extra + 8, kHuge); },
      "beyond the data");
}

TEST_CASE("safetensors: headers that lie are refused") {
  const auto check = [](const std::string& header, const char* message) {
    CAPTURE(header);
    CHECK_THROWS_WITH_AS(parse_header(header), Contains(message), Error);
  };
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"w":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  CHECK(parse_header(entry("F32", "[2]", "[0,8]")).tensors.at("w").elements() == 2);
  CHECK(parse_header(" {} \n").tensors.empty());
  check(entry("F32", "[2]", "[0,9]"), "leave the 8 bytes");
  check(entry("F32", "[2]", "[8,0]"), "leave the 8 bytes");
  check(entry("F32", "[2]", "[1,8]"), "does not fill");
  check(entry("F32", "[4611686018427387904,4]", "[0,0]"), "does not fill");
  check(entry("F32", "[4611686018427387904]", "[0,0]"), "does not fill");
  check(entry("F32", "[9223372036854775808]", "[0,8]"), "more than 63 bits");
  check(entry("F32", "[-2]", "[0,8]"), "whole number");
  check(entry("F32", "[2.0]", "[0,8]"), "']' is missing");
  check(entry("F32", "[02]", "[0,8]"), "leading zero");
  check(entry("F32", "[2", "[0,8]"), "whole number");
  check(entry("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]", "[0,8]"), "more than 16");
  check(entry("F32", std::string(10000, '['), "[0,8]"), "whole number");
  check(entry("F8_E4M3", "[8]", "[0,8]"), "\"F8_E4M3\" is not supported");
  check(entry("F32", "[2]", "[8]"), "needs two numbers");
  check(R"({"w":{"dtype":"F32","shape":[2]}})", "needs dtype, shape and data_offsets");
  check(R"({"w":{"dtype":"F32","dtype":"F32"}})", "appears twice");
  check(R"({"w":{"strides":[1]}})", "no field \"strides\"");
  check(R"({"__metadata__":{},"__metadata__":{}})", "appears twice");
  check(R"({"__metadata__":{"a":1}})", "'\"' is missing");
  const std::string w = R"("w":{"dtype":"U8","shape":[8],"data_offsets":[0,8]})";
  check("{" + w + "," + w + "}", "\"w\" appears twice");
  check("{} x", "more text");
  check("{\"a\nb\":1}", "control character");
  check(R"({"\q":1})", "unknown escape");
  check(R"({"\ud800x":1})", "surrogate");
  check(R"({"\u12g4":1})", "hexadecimal");
  check(R"({"abc)", "ends too early");
  for (const std::uint64_t length : {std::uint64_t{3}, std::uint64_t{1} << 63, std::uint64_t{100'000'001}}) {
    const std::string bytes = raw(length) + "{}";
    CHECK_THROWS_WITH_AS(parse_safetensors(bytes_of(bytes), "test"), Contains("header should have"), Error);
  }
  CHECK_THROWS_WITH_AS(parse_safetensors(bytes_of("1234567"), "test"), Contains("too short"), Error);
}

TEST_CASE("safetensors: what is written is read") {
  const TemporaryFolder folder;
  const std::string path = folder / "written.safetensors", data = "abcdefghijkl";
  const std::vector<NamedTensor> tensors = {{"z \"quoted\"\n", {DType::kF32, {3}, bytes_of(data)}},
                                            {"empty", {DType::kI64, {0, 4}, {}}},
                                            {"a", {DType::kU8, {2, 2}, bytes_of(data).first(4)}}};
  const std::map<std::string, std::string> metadata = {{"k", "\u00e9\t\\"}, {"version", "1"}};
  write_safetensors(path, tensors, metadata);

  const Checkpoint read = open_checkpoint(path);
  CHECK(read.metadata == metadata);
  REQUIRE(read.tensors.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const TensorView& back = read.tensors.at(name);
    CHECK(back.dtype == tensor.dtype);
    CHECK(back.shape == tensor.shape);
    CHECK(std::ranges::equal(back.bytes, tensor.bytes));
  }
  CHECK(reinterpret_cast<std::uintptr_t>(read.tensors.at(tensors[0].name).bytes.data()) % 64 == 0);
  const std::vector<NamedTensor> twice = {tensors[0], tensors[0]};
  CHECK_THROWS_WITH_AS(write_safetensors(path, twice, {}), Contains("already taken"), Error);
  CHECK(parse_header(R"({"__metadata__":{"\u00e9\ud83d\ude00\u20ac":"\/"}})")
            .metadata.at("\u00e9\U0001f600\u20ac") == "/");
}

TEST_CASE("torch: what is written is read, aligned and in order") {
  const TemporaryFolder folder;
  const std::string path = folder / "net.pth", data = "abcdefghijklmnopqrstuvwx";
  const std::vector<NamedTensor> tensors = {{"z.weight", {DType::kF32, {3, 1, 2}, bytes_of(data)}},
                                            {"half", {DType::kF16, {2}, bytes_of(data).first(4)}},
                                            {"a", {DType::kF64, {}, bytes_of(data).first(8)}}};
  write_torch(path, tensors);
  const Checkpoint read = open_checkpoint(path);
  CHECK(read.format == "pytorch zip");
  REQUIRE(read.tensors.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const TensorView& back = read.tensors.at(name);
    CHECK(back.dtype == tensor.dtype);
    CHECK(back.shape == tensor.shape);
    CHECK(std::ranges::equal(back.bytes, tensor.bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(back.bytes.data()) % 64 == 0);
  }
  const auto file = MappedFile::open(path);
  const ZipEntries entries = read_zip(file->bytes(), path);
  const std::string_view pickle = as_text(entries.at("net/data.pkl"));
  CHECK(pickle.find("z.weight") < pickle.find("half"));
  const std::vector<NamedTensor> labels = {{"labels", {DType::kU8, {2}, bytes_of(data).first(2)}}};
  CHECK_THROWS_WITH_AS(write_torch(path, labels), Contains("'labels' holds U8"), Error);
  CHECK(open_checkpoint(path).tensors.size() == tensors.size());
}
