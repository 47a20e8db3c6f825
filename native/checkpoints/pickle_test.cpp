#include "checkpoints/pickle.hpp"

#include <doctest/doctest.h>

#include <array>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "checkpoints/torch_file.hpp"
#include "checkpoints/zip.hpp"
#include "testing/checkpoint_bytes.hpp"

using namespace medlsam;
using namespace medlsam::test;
using doctest::Contains;
using namespace std::string_literals;

namespace {

Pickle parse(const std::string& code) {
  static std::string kept;  // values view into it
  kept = code;
  return parse_pickle(bytes_of(kept), "test");
}

template <class T>
T root_of(const std::string& body) {
  const Pickle parsed = parse(pickle(body));
  return std::get<T>(parsed[parsed.root]);
}

void check_refused(const std::string& body, const char* message) {
  CAPTURE(message);
  CHECK_THROWS_WITH_AS(parse(pickle(body)), Contains(message), Error);
}

Checkpoint parse_archive(const std::string& body, const Files& storages) {
  static std::string kept;
  kept = torch_zip(body, storages);
  return parse_torch(bytes_of(kept), "test");
}

void check_archive_refused(const std::string& body, const char* message) {
  CAPTURE(message);
  CHECK_THROWS_WITH_AS(parse_archive(body, {{"0", std::string(24, '\1')}}), Contains(message), Error);
}

const std::string kSix = storage("FloatStorage", "0", 6);

std::string named(const std::string& tensor_code) {
  return dict(text("w") + tensor_code);
}

}  // namespace

TEST_CASE("pickle: numbers, text and bytes of every width") {
  CHECK(root_of<std::int64_t>("K\xff"s) == 255);
  CHECK(root_of<std::int64_t>("M\x01\x02"s) == 0x201);
  CHECK(root_of<std::int64_t>("J\xfe\xff\xff\xff"s) == -2);
  CHECK(root_of<std::int64_t>("\x8a\0"s) == 0);
  CHECK(root_of<std::int64_t>("\x8a\x02\x00\x80"s) == -32768);
  CHECK(root_of<std::int64_t>("\x8a\x02\xff\x00"s) == 255);
  CHECK(root_of<std::int64_t>("\x8b\x01\0\0\0\x07"s) == 7);
  CHECK(root_of<PickleOpaque>("\x8a\x09"s + std::string(9, '\1')).bytes.size() == 9);
  CHECK(root_of<double>("G\x3f\xf8\0\0\0\0\0\0"s) == 1.5);
  CHECK(root_of<bool>("\x88") == true);
  CHECK(root_of<bool>("\x89") == false);
  for (const std::string& code :
       {"X\2\0\0\0ab"s, "T\2\0\0\0ab"s, "U\2ab"s, "\x8c\2ab"s, "\x8d\2\0\0\0\0\0\0\0ab"s}) {
    CHECK(root_of<std::string_view>(code) == "ab");
  }
  for (const std::string& code : {"C\2ab"s, "B\2\0\0\0ab"s, "\x8e\2\0\0\0\0\0\0\0ab"s}) {
    CHECK(root_of<PickleBytes>(code).bytes == "ab");
  }
}

TEST_CASE("pickle: containers, memo and the protocol 4 forms") {
  CHECK(root_of<PickleTuple>("K\1K\2K\3\x87").items.size() == 3);
  CHECK(root_of<PickleList>("](K\1K\2eK\3a").items.size() == 3);
  CHECK(root_of<PickleDict>("}(K\1K\2uK\3K\4s").items.size() == 2);
  CHECK(root_of<PickleList>("]q\x05]h\x05"
                            "a")
            .items.size() == 1);
  CHECK(root_of<PickleList>("]\x94K\7\x94"
                            "ah\1"
                            "a")
            .items.size() == 2);
  CHECK(root_of<PickleDict>("\x95\0\0\0\0\0\0\0\0\x8c\x0b"
                            "collections\x8c\x0bOrderedDict\x93)R"s)
            .items.empty());
  const std::string pairs = "](](K\1K\2e](K\3K\4ee";
  CHECK(root_of<PickleDict>(global("collections", "OrderedDict") + pairs + "\x85R").items.size() == 2);
}

TEST_CASE("pickle: state_dict attributes and numpy scalars are passed over") {
  const std::string metadata = dict(text("_metadata") + global("collections", "OrderedDict") + ")R");
  CHECK(root_of<PickleDict>(global("collections", "OrderedDict") + ")R(K\1K\2u" + metadata + "b")
            .items.size() == 1);
  const std::string dtype =
      global("numpy", "dtype") + tuple(text("f8") + "\x89\x88") + "R" + tuple("K\3") + "b";
  const std::string bytes = global("_codecs", "encode") + tuple(text("12345678") + text("latin1")) + "R";
  root_of<PickleOpaque>(global("numpy._core.multiarray", "scalar") + tuple(dtype + bytes) + "R");
}

TEST_CASE("pickle: what training scripts save beside the tensors is read and ignored") {
  const std::string path = global("pathlib", "PosixPath") + tuple(text("data") + text("train")) + "R";
  const std::string options = global("argparse", "Namespace") + ")\x81" +
                              dict(text("lr") + "G\x3f\xf8\0\0\0\0\0\0"s + text("out") + path) + "b";
  root_of<PickleOpaque>(options);
  root_of<PickleOpaque>(global("collections", "Counter") + dict("K\7K\1") + "\x85R");
  root_of<PickleOpaque>(global("__builtin__", "set") + "](K\1K\2e\x85R");
  const std::string array = global("numpy.core.multiarray", "_reconstruct") +
                            tuple(global("numpy", "ndarray") + numbers({0}) + "C\1b"s) + "R";
  root_of<PickleOpaque>(array + tuple("K\1" + numbers({2})) + "b");
  const std::string history = global("collections", "defaultdict") + global("__builtin__", "list") + "\x85R";
  CHECK(root_of<PickleDict>(history + text("loss") + "]s").items.size() == 1);

  const std::string t = tensor(kSix, 0, {6}, {1});
  const Checkpoint checkpoint = parse_archive(dict(text("args") + options + text("history") + history +
                                                   text("epoch") + "K\7" + text("model") + named(t)),
                                              {{"0", std::string(24, '\1')}});
  CHECK(checkpoint.tensors.size() == 1);
  CHECK(checkpoint.tensors.contains("w"));
  CHECK(checkpoint.metadata == std::map<std::string, std::string>{{"epoch", "7"}});
}

TEST_CASE("pickle: a container that holds itself is read and ends") {
  const Pickle parsed = parse(pickle("]q\0h\0a"s));
  CHECK(std::get<PickleList>(parsed[parsed.root]).items.front() == parsed.root);
  CHECK_THROWS_WITH_AS(parse_archive("}q\0X\x0a\0\0\0state_dicth\0s"s, {}), Contains("no tensors"), Error);
}

TEST_CASE("pickle: nothing but tensors' globals and opcodes runs") {
  check_refused(global("os", "system") + tuple(text("id")) + "R", "\"os.system\"");
  check_refused(global("posix", "system"), "\"posix.system\"");
  check_refused(global("builtins", "eval"), "\"builtins.eval\"");
  check_refused(global("torch", "load"), "\"torch.load\"");
  check_refused(global("torch._utils", "_rebuild_tensor_v2\x1b[2J"), "\\u001b[2J");
  check_refused("\x8c\x02os\x8c\x06system\x93", "\"os.system\"");
  check_refused("(ios\nsystem\n", "105 INST");
  check_refused("(cos\nsystem\no", "\"os.system\"");
  check_refused("K\1K\2\x81", "a tuple of arguments");
  check_refused("K\1)\x81", "a type to make an object of");
  check_refused(global("collections", "OrderedDict") + ")\x81", "NEWOBJ of a type that tensors need");
  check_refused(global("subprocess", "Popen") + ")\x81", "\"subprocess.Popen\"");
  check_refused(
      "K\1"
      "2",
      "50 DUP");
  check_refused("P1\n", "80 PERSID");
  check_refused("\xfe", "254");
  check_refused("K\1)R", "a global to call");
  check_refused(text("os.system") + ")R", "a global to call");
  check_refused(global("torch", "FloatStorage") + ")R", "other arguments");
  check_refused(global("collections", "OrderedDict") + tuple("K\1") + "R", "other arguments");
  check_refused(global("collections", "OrderedDict") + "]R", "a tuple of arguments");
  check_refused(global("collections", "OrderedDict") + "}b", "BUILD");
  check_refused("K\1}b", "BUILD");
  check_refused("}b", "nothing put there");
  check_refused(
      tuple(text("module") + global("torch", "FloatStorage") + text("0") + text("cpu") + "K\1") + "Q",
      "persistent id");
  check_refused(
      tuple(text("storage") + global("torch", "FloatStorage") + text("0") + text("cpu") + number(-1)) + "Q",
      "persistent id");
}

TEST_CASE("pickle: malformed programs") {
  check_refused("", "nothing put there");
  check_refused("t", "a mark");
  check_refused("(", "nothing put there");
  check_refused("K\1(\x85", "nothing put there");
  check_refused("(K\1u", "nothing put there");
  check_refused("}(K\1u", "lacks its value");
  check_refused(
      "K\1K\2"
      "a",
      "a list");
  check_refused("h\x05", "never set");
  check_refused("K\1r\xff\xff\xff\xff", "too large");
  check_refused("\x8b\xff\xff\xff\x7f", "cut off");
  check_refused("\x8b\xff\xff\xff\xff", "negative length");
  check_refused("\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "cut off");
  check_refused("cos", "cut off");
  CHECK_THROWS_WITH_AS(parse(""), Contains("cut off"), Error);
  CHECK_THROWS_WITH_AS(parse("\x80\x01."), Contains("protocol"), Error);
  CHECK_THROWS_WITH_AS(parse("hello"), Contains("protocol"), Error);
}

TEST_CASE("pickle: bombs end at the limit on instructions") {
  check_refused(std::string(3'000'000, '('), "longer than any");
  check_refused(std::string(3'000'000, ']'), "longer than any");
  // Nested by memo: each list holds the one before it twice. Read in a few values, not in 2^n.
  std::string nested = "]q\0"s;
  for (int level = 0; level < 1000; ++level) nested += "](h\0h\0eq\0"s;
  CHECK(parse(pickle(nested)).values.size() == 1001);
  // One long list of pairs, copied into a new dictionary by every REDUCE.
  std::string pair_list = "](";
  for (int pair = 0; pair < 100'000; ++pair) pair_list += "](K\1K\2e";
  std::string calls = pair_list + "e\x85q\0"s + global("collections", "OrderedDict") + "q\1";
  for (int call = 0; call < 100; ++call) calls += "h\1h\0R"s;
  check_refused(calls, "longer than any");
}

TEST_CASE("pickle: every prefix of a real one is refused") {
  const auto file = MappedFile::open(CONFORMANCE_DIR "/medlam/medlam.pth");
  const std::span<const std::byte> whole = read_zip(file->bytes(), "medlam.pth").at("medlam/data.pkl");
  CHECK(parse_pickle(whole, "data.pkl").size == whole.size());
  std::size_t refused = 0;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::vector<std::byte> prefix(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    try {
      parse_pickle(prefix, "data.pkl");
    } catch (const Error& error) {
      refused += error.code() == ErrorCode::kBadCheckpoint;
    }
  }
  CHECK(refused == whole.size());
}

TEST_CASE("torch: tensors within their storages") {
  std::array<float, 6> values{0, 1, 2, 3, 4, 5};
  const std::string content(reinterpret_cast<const char*>(values.data()), sizeof values);
  const Checkpoint checkpoint =
      parse_archive(dict(text("all") + tensor(kSix, 0, {2, 3}, {3, 1}) + text("tail") +
                         tensor(kSix, 4, {1, 2}, {77, 1}) + text("none") + tensor(kSix, 6, {0, 5}, {5, 1}) +
                         text("one") + tensor(kSix, 5, {}, {}) + text("epoch") + "K\7"),
                    {{"0", content}});
  CHECK(checkpoint.tensors.size() == 4);
  CHECK(checkpoint.metadata == std::map<std::string, std::string>{{"epoch", "7"}});
  std::array<float, 2> tail{};
  to_float32(checkpoint.tensors.at("tail"), tail);
  CHECK(tail == std::array<float, 2>{4, 5});
  CHECK(checkpoint.tensors.at("all").bytes.data() + 16 == checkpoint.tensors.at("tail").bytes.data());
  CHECK(checkpoint.tensors.at("none").bytes.empty());
  CHECK(checkpoint.tensors.at("one").elements() == 1);
}

TEST_CASE("torch: untyped storages, parameters and the first tensor form") {
  const std::string untyped = tuple(text("storage") + global("torch.storage", "UntypedStorage") + text("0") +
                                    text("cpu") + number(6)) +
                              "Q";
  const std::string hooks = global("collections", "OrderedDict") + ")R";
  const std::string v3 =
      global("torch._utils", "_rebuild_tensor_v3") +
      tuple(untyped + number(1) + numbers({2}) + numbers({1}) + "\x89" + hooks + global("torch", "uint16")) +
      "R";
  CHECK(parse_archive(named(v3), {{"0", "abcdef"}}).tensors.at("w").dtype == DType::kU16);
  CHECK_THROWS_WITH_AS(parse_archive(named(v3), {{"0", "abcde"}}), Contains("\"w\""), Error);

  const std::string v1 = global("torch._utils", "_rebuild_tensor") +
                         tuple(storage("BFloat16Storage", "0", 3) + number(0) + numbers({3}) + numbers({1})) +
                         "R";
  const std::string parameter =
      global("torch._utils", "_rebuild_parameter") + tuple(v1 + "\x88" + hooks) + "R";
  CHECK(parse_archive(named(parameter), {{"0", "abcdef"}}).tensors.at("w").dtype == DType::kBF16);
}

TEST_CASE("torch: tensors that lie about their place") {
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  check_archive_refused(named(tensor(kSix, 0, {3, 2}, {1, 3})),
                        "tensor \"w\" of shape [3, 2] has strides [1, 3]");
  check_archive_refused(named(tensor(kSix, 0, {7}, {1})), "leaves its storage");
  check_archive_refused(named(tensor(kSix, 1, {6}, {1})), "leaves its storage");
  check_archive_refused(named(tensor(kSix, kHuge, {6}, {1})), "leaves its storage");
  check_archive_refused(named(tensor(kSix, 0, {kHuge}, {1})), "leaves its storage");
  check_archive_refused(named(tensor(kSix, 0, {kHuge, 4}, {4, 1})), "impossible shape");
  check_archive_refused(named(tensor(kSix, 0, {-6}, {1})), "impossible shape");
  check_archive_refused(named(tensor(kSix, -1, {6}, {1})), "other arguments");
  check_archive_refused(named(tensor(kSix, 0, {6}, {})), "other arguments");
  check_archive_refused(
      named(tensor(kSix, 0, std::vector<std::int64_t>(17, 1), std::vector<std::int64_t>(17, 1))),
      "other arguments");
  check_archive_refused(named(tensor(storage("FloatStorage", "0", 7), 0, {6}, {1})),
                        "should hold 7 elements");
  check_archive_refused(named(tensor(storage("FloatStorage", "0", kHuge), 0, {6}, {1})), "should hold");
  check_archive_refused(named(tensor(storage("FloatStorage", "9", 6), 0, {6}, {1})), "storage \"9\"");
  const std::string w = text("w") + tensor(kSix, 0, {6}, {1});
  check_archive_refused(dict(w + w), "appears twice");
  check_archive_refused(dict("K\1" + tensor(kSix, 0, {6}, {1})), "name is not text");
  check_archive_refused("K\1", "no dictionary");
}
