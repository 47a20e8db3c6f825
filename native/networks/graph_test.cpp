#include "networks/graph.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "base/error.hpp"
#include "checkpoints/checkpoint.hpp"
#include "networks/graph_json.hpp"
#include "networks/graph_shapes.hpp"
#include "networks/medlam.hpp"
#include "networks/sam.hpp"

using namespace medlsam;
using doctest::Contains;

namespace {

constexpr std::int64_t kAny = kAnyExtent;

// A graph whose input has this shape.
struct Started {
  Graph graph;
  Value x;
  explicit Started(Shape shape) { x = graph.input("x", std::move(shape)); }
  Value parameter(const Shape& shape) {
    return graph.parameter(std::string(graph.parameters().size() + 1, 'p'), shape);
  }
};

std::string json_of(const Graph& graph) {
  JsonWriter json;
  write_graph(json, graph);
  return json.take();
}

Graph graph_of(const std::string& text) {
  JsonReader json(text, "a graph", ErrorCode::kInternal);
  Graph graph = read_graph(json);
  json.finish();
  return graph;
}

const MedLamWeights& medlam() {
  static const MedLamWeights weights(open_checkpoint(CONFORMANCE_DIR "/medlam/medlam.pth"), "medlam.pth");
  return weights;
}

const SamWeights& sam() {
  static const SamWeights weights(open_checkpoint(CONFORMANCE_DIR "/sam/sam_tiny.pth"), "sam_tiny.pth");
  return weights;
}

std::vector<Shape> output_shapes(const Graph& graph) {
  std::vector<Shape> shapes;
  for (const Value output : graph.outputs()) shapes.push_back(graph.shape(output));
  return shapes;
}

}  // namespace

TEST_CASE("graphs: shapes follow the operations, extents that are not known stay so") {
  Started g({kAny, 3, 9, 10, 11});
  const Value c = g.graph.convolution(g.x, g.parameter({5, 3, 3, 3, 3}), g.parameter({5}), 1);
  CHECK(g.graph.shape(c) == Shape{kAny, 5, 9, 10, 11});
  CHECK(g.graph.shape(g.graph.max_pool(c, 2)) == Shape{kAny, 5, 4, 5, 5});
  const Value up = g.graph.upsample(c, 2);
  CHECK(g.graph.shape(up) == Shape{kAny, 5, 18, 20, 22});
  CHECK(g.graph.shape(g.graph.concat(up, up, 1)) == Shape{kAny, 10, 18, 20, 22});
  CHECK(g.graph.shape(g.graph.flatten(c)) == Shape{kAny, 5 * 9 * 10 * 11});
  CHECK(g.graph.shape(g.graph.slice(c, 1, 2, 4)) == Shape{kAny, 2, 9, 10, 11});
  CHECK(g.graph.shape(g.graph.transpose(c, {0, 2, 3, 4, 1})) == Shape{kAny, 9, 10, 11, 5});
  CHECK(g.graph.shape(g.graph.reshape(c, {0, -1, 11})) == Shape{kAny, 450, 11});
  CHECK(g.graph.shape(g.graph.reshape(c, {-1, 5, 9, 110})) == Shape{kAny, 5, 9, 110});

  Started t({kAny, kAny, 8});
  const Value image = t.graph.input("image", {1, 6, 8});
  CHECK(t.graph.shape(t.graph.linear(t.x, t.parameter({3, 8}))) == Shape{kAny, kAny, 3});
  CHECK(t.graph.shape(t.graph.attention(t.x, image, image, 2)) == Shape{kAny, kAny, 8});
  CHECK(t.graph.shape(t.graph.attention(image, t.x, t.x, 2)) == Shape{kAny, 6, 8});
  CHECK(t.graph.shape(t.graph.matmul_transposed(t.x, image)) == Shape{kAny, kAny, 6});
  const Value dense = t.graph.input("dense", {kAny, 1, kAny});
  CHECK(t.graph.shape(t.graph.add(image, dense)) == Shape{kAny, 6, 8});
}

TEST_CASE("graphs: what does not fit is refused with the operation and the shapes") {
  const auto refused = [](Shape shape, const char* message, const std::function<void(Started&)>& record) {
    Started started(std::move(shape));
    CHECK_THROWS_WITH_AS(record(started), Contains(message), Error);
    CHECK(started.graph.nodes().empty());
  };
  refused({1, 3, 4, 4}, "convolution of [1, 3, 4, 4], [5, 2, 3, 3]: the channels differ", [](Started& g) {
    g.graph.convolution(g.x, g.parameter({5, 2, 3, 3}), 1);
  });
  refused({1, 3, 2, 2}, "the kernel is larger than the image", [](Started& g) {
    g.graph.convolution(g.x, g.parameter({5, 3, 3, 3}), 0);
  });
  refused({1, 3, 4, 4}, "the bias is not one number per channel", [](Started& g) {
    g.graph.convolution(g.x, g.parameter({5, 3, 3, 3}), g.parameter({4}), 1);
  });
  refused({2, 3}, "linear of [2, 3], [4, 5]: the weight's columns", [](Started& g) {
    g.graph.linear(g.x, g.parameter({4, 5}));
  });
  refused({1, 4, 4, 4}, "max_pool of [1, 4, 4, 4]: x has not the axes",
          [](Started& g) { g.graph.max_pool(g.x, 2); });
  refused({1, 2, 1, 4, 4}, "nothing is left of an axis", [](Started& g) { g.graph.max_pool(g.x, 2); });
  refused({2, 3}, "add of [2, 3], [2, 4]: extents differ", [](Started& g) {
    g.graph.add(g.x, g.parameter({2, 4}));
  });
  refused({2, 3}, "extents of other axes differ", [](Started& g) {
    g.graph.concat(g.x, g.parameter({3, 3}), 1);
  });
  refused({2, 3}, "there is no such axis", [](Started& g) { g.graph.concat(g.x, g.x, 2); });
  refused({2, 3}, "reshape of [2, 3]: the number of elements changes", [](Started& g) {
    g.graph.reshape(g.x, {4, -1});
  });
  refused({2, 3}, "the number of elements changes", [](Started& g) { g.graph.reshape(g.x, {0, 4}); });
  refused({2, 3}, "two axes are to be the rest", [](Started& g) { g.graph.reshape(g.x, {-1, -1}); });
  refused({2, 3}, "an axis is kept that x does not have", [](Started& g) {
    g.graph.reshape(g.x, {2, 3, 0});
  });
  refused({2, 3}, "the axes are not those of x", [](Started& g) { g.graph.transpose(g.x, {0, 0}); });
  refused({2, 3}, "the part is outside the axis", [](Started& g) { g.graph.slice(g.x, 1, 2, 4); });
  refused({1, 4, 6}, "the heads do not divide the width",
          [](Started& g) { g.graph.attention(g.x, g.x, g.x, 4); });
  refused({2, 4, 6}, "extents differ and neither is 1", [](Started& g) {
    g.graph.matmul_transposed(g.x, g.parameter({3, 4, 6}));
  });
  refused({1, 4, 4, 12}, "a table is not (2·extent − 1, width of a head)", [](Started& g) {
    g.graph.window_attention(g.x, g.parameter({12}), g.parameter({5, 2}), g.parameter({3, 2}), 2, 2);
  });
  refused({2, 3}, "layer_norm of [2, 3], [2], [3]: the weight is not one number",
          [](Started& g) { g.graph.layer_norm(g.x, g.parameter({2}), g.parameter({3}), 1e-5f); });
  refused({2, 3}, "the number of attributes is wrong",
          [](Started& g) { g.graph.add_node(Op::kSlice, {g.x}); });
  refused({2, 3}, "the number of inputs is wrong", [](Started& g) { g.graph.add_node(Op::kAdd, {g.x}); });
  refused({2, 3}, "there is no value 7", [](Started& g) { g.graph.add_node(Op::kRelu, {Value{7}}); });
}

TEST_CASE("graphs: a parameter is one value under its name, in one shape") {
  Graph graph;
  const Value first = graph.parameter("weight", {2, 3});
  CHECK(graph.parameter("weight", {2, 3}) == first);
  CHECK_THROWS_WITH_AS(graph.parameter("weight", {3, 2}), Contains("'weight' of shape [2, 3] and of [3, 2]"),
                       Error);
  CHECK_THROWS_AS(graph.parameter("open", {kAny, 2}), Error);
  CHECK(graph.parameters().size() == 1);
}

TEST_CASE("graphs: inputs are held against what was declared") {
  Graph graph;
  graph.input("patch", {kAny, 1, 4});
  const Shape fits[] = {{7, 1, 4}}, other[] = {{7, 2, 4}};
  CHECK_NOTHROW(graph.check_inputs(fits));
  CHECK_THROWS_WITH_AS(graph.check_inputs(other),
                       Contains("'patch' of shape [7, 2, 4], declared as [-1, 1, 4]"), Error);
  CHECK_THROWS_WITH_AS(graph.check_inputs({}), Contains("0 inputs for 1"), Error);
}

TEST_CASE("graphs: a value ends with the last node that uses it, an output never") {
  Started g({2, 3});
  const Value a = g.graph.relu(g.x), b = g.graph.gelu(a), c = g.graph.add(a, b), unused = g.graph.relu(b);
  g.graph.output(c);
  const auto last = g.graph.last_uses();
  REQUIRE(last.size() == 4);
  CHECK(last[0] == std::vector{g.x});
  CHECK(last[1].empty());
  CHECK(last[2] == std::vector{a});
  CHECK(last[3] == std::vector{b, unused});
}

TEST_CASE("graphs: MedLAM's outputs") {
  CHECK(output_shapes(medlam_graph(medlam(), -1)) == std::vector<Shape>{{kAny, 3}});
  CHECK(output_shapes(medlam_graph(medlam(), 2)) ==
        std::vector<Shape>{{kAny, 3}, {kAny, 8, 16, 16, 16}, {kAny, 8, 32, 32, 32}, {kAny, 8, 64, 64, 64}});
}

TEST_CASE("graphs: SAM's outputs") {
  CHECK(output_shapes(sam_graph(sam(), SamPart::kEncoder)) == std::vector<Shape>{{kAny, 32, 16, 16}});
  CHECK(output_shapes(sam_graph(sam(), SamPart::kMaskPrompt)) == std::vector<Shape>{{kAny, 32, 16, 16}});
  CHECK(output_shapes(sam_graph(sam(), SamPart::kDecoder)) ==
        std::vector<Shape>{{kAny, 1, 64, 64}, {kAny, 1}});
  CHECK(output_shapes(sam_graph(sam(), SamPart::kMultimaskDecoder)) ==
        std::vector<Shape>{{kAny, 3, 64, 64}, {kAny, 3}});
}

TEST_CASE("graphs: networks come back from JSON as they were") {
  for (const Graph& graph :
       {medlam_graph(medlam(), 2), sam_graph(sam(), SamPart::kEncoder),
        sam_graph(sam(), SamPart::kMaskPrompt), sam_graph(sam(), SamPart::kMultimaskDecoder)}) {
    const std::string text = json_of(graph);
    const Graph back = graph_of(text);
    CHECK(json_of(back) == text);
    CHECK(back.nodes().size() == graph.nodes().size());
    CHECK(output_shapes(back) == output_shapes(graph));
  }
}

TEST_CASE("graphs: JSON that is no graph is refused") {
  const auto refused = [](const char* text, const char* message) {
    CHECK_THROWS_WITH_AS((void)graph_of(text), Contains(message), Error);
  };
  refused(R"({"values":[{"op":"none","inputs":[]}]})", "there is no operation \"none\"");
  refused(R"({"values":[{"op":"relu","inputs":[0]}]})", "there is no value 0");
  refused(R"({"values":[{"shape":[1]}]})", "a value is neither an input, a parameter");
  refused(R"({"values":[{"input":"x","shape":[2],"size":1}]})", "a value has no \"size\"");
  refused(R"({"values":[{"input":"x","shape":[2]}],"outputs":[3]})", "there is no value 3");
  refused(R"({"nodes":[]})", "a graph has no \"nodes\"");
}
