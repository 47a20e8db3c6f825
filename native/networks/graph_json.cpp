#include "networks/graph_json.hpp"

#include <optional>
#include <utility>

namespace medlsam {
namespace {

void write_named(JsonWriter& json, const char* kind, const NamedValue& named, const Shape& shape) {
  json.object([&] {
    json.member(kind, named.name);
    json.member("shape", shape);
  });
}

std::vector<std::int32_t> indices_of(const std::vector<Value>& values) {
  std::vector<std::int32_t> indices;
  for (const Value value : values) indices.push_back(value.index);
  return indices;
}

template <class Value>
void write_map(JsonWriter& json, const char* name, const std::map<std::string, Value, std::less<>>& map) {
  json.key(name);
  json.object([&] {
    for (const auto& [key, value] : map) json.member(key, value);
  });
}

void write_node(JsonWriter& json, const Node& node) {
  json.object([&] {
    json.member("op", op_name(node.op));
    json.member("inputs", indices_of(node.inputs));
    write_map(json, "integers", node.attributes.integers);
    write_map(json, "reals", node.attributes.reals);
  });
}

std::vector<std::int64_t> read_integers(JsonReader& json) {
  std::vector<std::int64_t> integers;
  json.array([&] { integers.push_back(json.integer()); });
  return integers;
}

Value read_value(JsonReader& json) {
  const std::uint64_t index = json.natural();
  if (index > INT32_MAX) json.fail("a value's place is out of range");
  return {static_cast<std::int32_t>(index)};
}

std::vector<Value> read_values(JsonReader& json) {
  std::vector<Value> values;
  json.array([&] { values.push_back(read_value(json)); });
  return values;
}

Op read_op(JsonReader& json) {
  const std::string name = json.string();
  for (std::size_t i = 0; i < kOps; ++i) {
    if (name == op_name(static_cast<Op>(i))) return static_cast<Op>(i);
  }
  json.fail("there is no operation " + json_string(name));
}

// One of the three kinds of values.
void read_into(Graph& graph, JsonReader& json) {
  std::string input, parameter;
  std::optional<Op> op;
  Shape shape;
  std::vector<Value> inputs;
  Attributes attributes;
  json.object([&](const std::string& key) {
    if (key == "input") {
      input = json.string();
    } else if (key == "parameter") {
      parameter = json.string();
    } else if (key == "op") {
      op = read_op(json);
    } else if (key == "shape") {
      shape = read_integers(json);
    } else if (key == "inputs") {
      inputs = read_values(json);
    } else if (key == "integers") {
      json.object([&](std::string name) { attributes.integers[std::move(name)] = read_integers(json); });
    } else if (key == "reals") {
      json.object([&](std::string name) { attributes.reals[std::move(name)] = json.number(); });
    } else {
      json.fail("a value has no " + json_string(key));
    }
  });
  if (!input.empty()) {
    graph.input(std::move(input), std::move(shape));
  } else if (!parameter.empty()) {
    graph.parameter(parameter, shape);
  } else if (op) {
    graph.add_node(*op, std::move(inputs), std::move(attributes));
  } else {
    json.fail("a value is neither an input, a parameter nor an operation's result");
  }
}

}  // namespace

void write_graph(JsonWriter& json, const Graph& graph) {
  json.object([&] {
    json.key("values");
    json.array([&] {
      auto input = graph.inputs().begin(), parameter = graph.parameters().begin();
      auto node = graph.nodes().begin();
      for (std::int32_t i = 0; static_cast<std::size_t>(i) < graph.values(); ++i) {
        if (input != graph.inputs().end() && input->value.index == i) {
          write_named(json, "input", *input++, graph.shape({i}));
        } else if (parameter != graph.parameters().end() && parameter->value.index == i) {
          write_named(json, "parameter", *parameter++, graph.shape({i}));
        } else {
          write_node(json, *node++);
        }
      }
    });
    json.member("outputs", indices_of(graph.outputs()));
  });
}

Graph read_graph(JsonReader& json) {
  Graph graph;
  json.object([&](const std::string& key) {
    if (key == "values") {
      json.array([&] { read_into(graph, json); });
    } else if (key == "outputs") {
      for (const Value value : read_values(json)) graph.output(value);
    } else {
      json.fail("a graph has no " + json_string(key));
    }
  });
  return graph;
}

}  // namespace medlsam
